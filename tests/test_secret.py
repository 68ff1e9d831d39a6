"""A secret prints as three stars, is remembered, and is known in every form in which it could show up."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.secret import MASK, Secret, encodings, is_secret, known_secrets, names_a_secret

VALUE = "s3cr<t&'\"/+ value-Ünï"
WRITINGS = [
    lambda value: value,
    lambda value: urllib.parse.quote(value, safe=""),
    urllib.parse.quote_plus,
    html.escape,
    lambda value: html.escape(html.escape(value)),
    json.dumps,
    lambda value: json.dumps({"a": json.dumps([value])}),
    repr,
    lambda value: value.encode().hex(),
    lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
]


@pytest.mark.parametrize("shown", [str, repr, lambda one: f"{one}", lambda one: f"{one:>40}", lambda one: f"{[one]}"])
def test_a_secret_does_not_print(shown: object) -> None:
    assert callable(shown)
    told = shown(Secret(VALUE))
    assert VALUE not in told
    assert MASK in told


def test_only_reveal_gives_it() -> None:
    assert Secret(VALUE).reveal() == VALUE
    assert VALUE in known_secrets()
    assert Secret("harmless words", remembered=False).reveal() not in known_secrets()


@pytest.mark.parametrize("write", [pickle.dumps, copy.deepcopy])
def test_it_is_not_written_anywhere(write: object) -> None:
    assert callable(write)
    with pytest.raises(TypeError, match="not written anywhere"):
        write(Secret(VALUE))


@pytest.mark.parametrize("write", WRITINGS)
def test_every_writing_is_known(write: object) -> None:
    assert callable(write)
    assert any(form in write(VALUE) for form in encodings(VALUE))


@given(st.binary(max_size=9), st.binary(max_size=9))
def test_base64_is_known_wherever_it_stands(before: bytes, after: bytes) -> None:
    text = base64.b64encode(before + VALUE.encode() + after).decode()
    assert any(form in text for form in encodings(VALUE))


@pytest.mark.parametrize("name", ["API_SECRET", "STRIPE_KEY", "token", "DB_PASSWORD", "SENTRY_DSN", "KEY"])
def test_names_of_secrets(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize("name", ["KEYBOARD", "MONKEY", "URL", "REGION"])
def test_other_names(name: str) -> None:
    assert not names_a_secret(name)


def test_an_address_with_a_password_is_secret() -> None:
    assert is_secret("DATABASE", "postgresql://u:pw@db/shop")
    assert not is_secret("DATABASE", "postgresql://db/shop")
