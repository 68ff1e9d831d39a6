"""A secret prints as three stars, is remembered, and is known in every form in which it could show up."""

from __future__ import annotations

import base64
import copy
import html
import importlib
import inspect
import json
import pickle
import pkgutil
import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from readiness.redaction.own_words import OWN_WORDS
from readiness.redaction.redactor import Redactor
from readiness.redaction.secret import MASK, SHORTEST, Secret, encodings, is_secret, known_secrets, names_a_secret
from tests.plugin.project import Project, line

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


@pytest.mark.parametrize(
    "name",
    [
        *("API_SECRET", "STRIPE_KEY", "token", "DB_PASSWORD", "SENTRY_DSN", "KEY", "AWS_ACCESS_KEY_ID"),
        *("DB_PASS", "SMTP_PASS", "MYSQL_PWD", "REDIS_AUTH", "APIKEY", "SMTP_APIKEY", "PASSPHRASE", "SALT", "JWT"),
        *("stripeApiKey", "sessionTokens", "apikey"),
        *("SLACK_WEBHOOK_URL", "COOKIE", "app.auth", "redis-auth", "DB_PASS2", "GITHUB_PAT"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("KEYBOARD", "MONKEY", "URL", "REGION", "COMPASS", "PASSENGERS", "AUTHOR", "BASALT", "PATH", "BYPASS_CACHE"),
        *("AUTH_TYPE", "AUTH_METHOD", "AUTH_URL", "JWT_ALGORITHM", "SALT_ROUNDS", "COOKIE_DOMAIN", "JWT_TTL_SECONDS"),
        *("AUTH_DRIVER", "AUTH0_DOMAIN", "COOKIE_SAMESITE", "JWT_ALGO", "PASS_RATE", "WEBHOOK_ENABLED", ""),
    ],
)
def test_other_names(name: str) -> None:
    assert not names_a_secret(name)


def test_an_address_with_a_password_is_secret() -> None:
    assert is_secret("DATABASE", "postgresql://u:pw@db/shop")
    assert not is_secret("DATABASE", "postgresql://db/shop")


ORDINARY = ("result", "journal", "record", "preflight", "testcase", "section", "0" * 64, "xxxxxxxx")


@pytest.mark.parametrize("value", ORDINARY)
def test_a_secret_that_our_own_files_are_made_of_is_not_masked(value: str) -> None:
    """It hides nothing and defaces the evidence; that such a secret is deployed is another line's matter."""
    Secret(value)
    assert value not in known_secrets()


def _words_of_the_records() -> set[str]:
    rooms = ("evidence", "rehearsal", "drill")
    modules = [
        importlib.import_module(f"readiness.{room}.{module.name}")
        for room in rooms
        for module in pkgutil.iter_modules(importlib.import_module(f"readiness.{room}").__path__)
    ]
    everything = [value for module in modules for value in vars(module).values() if inspect.isclass(value)]
    # A browser's recording is read, and is no evidence of ours.
    models = [kind for kind in everything if issubclass(kind, BaseModel) and not kind.__module__.endswith(".har")]
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def _words_of_the_files(run: Path) -> set[str]:
    """Return the keys, tags and attributes of the files of a run."""
    words: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            words.update(value)
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(part)

    for record in (run / "journal.jsonl").read_text("utf-8").splitlines():
        walk(json.loads(record))
    walk(json.loads((run / "ctrf.json").read_text("utf-8")))
    for page in ("junit.xml", "report.html"):
        for tag in re.findall(r"<[a-zA-Z][^>]*>", (run / page).read_text("utf-8")):
            words.update(re.findall(r"^<([a-zA-Z-]+)|\s([a-zA-Z:-]+)=", tag)[0])
    return words


def test_our_own_words_are_all_known(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", "demo.figure"), line("two", "demo.broken"))
    assert project.preflight().exit == 10
    (journal,) = (tmp_path / "reports" / "tiny").glob("*/journal.jsonl")
    words = _words_of_the_records() | _words_of_the_files(journal.parent)
    long = {word for word in words if len(word) >= SHORTEST and re.fullmatch(r"[A-Za-z]+", word)}
    assert not sorted(long - OWN_WORDS), "add them to readiness/redaction/own_words.py"


@pytest.mark.parametrize("text", ["8,675,309,124", "8.675.309.124", "8 675 309 124", "8_675_309_124", "8675309124"])
def test_a_secret_of_digits_is_known_as_people_write_numbers(text: str) -> None:
    assert text in encodings("8675309124")


def test_a_secret_of_digits_is_masked_as_a_number_too() -> None:
    redactor = Redactor(lambda: frozenset({"8675309124"}))
    assert redactor.plain({"value": 8675309124, "other": 8675309124.0, "near": 8675309125}) == {
        "value": MASK,
        "other": MASK,
        "near": 8675309125,
    }
