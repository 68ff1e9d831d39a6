"""A secret prints as three stars, is remembered, and is known in every form in which it could show up."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.redaction.secret import MASK, Secret, encodings, is_secret, known_secrets, names_a_secret

VALUE = "s3cr<t&'\"/+ value-Ünï"
SHOWN: dict[str, Callable[[Secret], str]] = {
    "str": str,
    "repr": repr,
    "formatted": lambda one: f"{one}",
    "formatted-wide": lambda one: f"{one:>40}",
    "in-a-list": lambda one: f"{[one]}",
}
WRITINGS: dict[str, Callable[[str], str]] = {
    "raw": lambda value: value,
    "url": lambda value: urllib.parse.quote(value, safe=""),
    "form": urllib.parse.quote_plus,
    "html": html.escape,
    "html-twice": lambda value: html.escape(html.escape(value)),
    "json": json.dumps,
    "json-in-json": lambda value: json.dumps({"a": json.dumps([value])}),
    "repr": repr,
    "hex": lambda value: value.encode().hex(),
    "base64-url": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
def test_a_secret_does_not_print(shown: Callable[[Secret], str]) -> None:
    told = shown(Secret(VALUE))
    assert VALUE not in told
    assert MASK in told


def test_only_reveal_gives_it() -> None:
    assert Secret(VALUE).reveal() == VALUE
    assert VALUE in known_secrets()
    assert Secret("harmless words", remembered=False).reveal() not in known_secrets()


@pytest.mark.parametrize("write", [pickle.dumps, copy.deepcopy])
def test_it_is_not_written_anywhere(write: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError, match="not written anywhere"):
        write(Secret(VALUE))


@pytest.mark.parametrize("write", WRITINGS.values(), ids=WRITINGS)
def test_every_writing_is_known(write: Callable[[str], str]) -> None:
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
