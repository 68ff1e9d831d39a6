"""Text from outside as people are shown it: masked, then cut, then on one line of what is printable."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.redaction import secret
from readiness.redaction.redactor import REDACTOR
from readiness.redaction.secret import Secret, encodings
from readiness.redaction.shown import printable, shown

VALUE = "correct-horse-battery-staple"
LETTERS_THAT_GIVE_NOTHING_AWAY = 4


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(secret, "_seen", set())
    Secret(VALUE)
    yield
    monkeypatch.undo()
    REDACTOR.text("")  # it forgets what was a secret here


def parts(value: str) -> set[str]:
    """Return all parts of a value that would give it away."""
    length = LETTERS_THAT_GIVE_NOTHING_AWAY + 1
    return {value[start : start + length] for start in range(len(value) - length + 1)}


@pytest.mark.parametrize("form", sorted(encodings(VALUE)), ids=str)
def test_no_cut_leaves_a_part_of_a_secret(form: str) -> None:
    """Wherever the cut falls: before the secret, within it, and behind it."""
    for before in range(60):
        text = shown(f"{'x' * before} {form} and more of the answer" * 3, 60)
        assert not [part for part in parts(form) if part in text], text


def test_a_short_text_is_as_it_was() -> None:
    assert shown("no upload since 09:12, see https://status.example.com/incidents/7") == (
        "no upload since 09:12, see https://status.example.com/incidents/7"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r1\nverdict   GO: go on\n\x1b[8m", "r1 verdict GO: go on [8m"),
        ("a\tb\r\nc\x00d\x7fe", "a b c d e"),
        ("user \u202egnp.exe\u2069 here", "user gnp.exe here"),
        ("zero\u200bwidth\ufeff", "zero width"),
        ("line\u2028and paragraph\u2029", "line and paragraph"),
        ("\x9b31mred", "31mred"),
        ("Grüße, 東京, привет ✓", "Grüße, 東京, привет ✓"),
        ("::error::all is well", ": :error::all is well"),
        ("  ::set-output name=verdict::GO", ": :set-output name=verdict::GO"),
        ("see ##vso[task.complete result=Succeeded]", "see # #vso[task.complete result=Succeeded]"),
        ("##teamcity[buildStatus status='SUCCESS']", "# #teamcity[buildStatus status='SUCCESS']"),
        ("std::vector and fe80::1, ::1", "std::vector and fe80::1, ::1"),
        ("# a heading, ## another", "# a heading, ## another"),
    ],
)
def test_nothing_that_a_terminal_or_a_pipeline_obeys_is_left(text: str, expected: str) -> None:
    assert shown(text) == expected


@given(st.text(max_size=300), st.integers(1, 100))
def test_it_is_one_line_of_what_is_seen(text: str, at_most: int) -> None:
    line = shown(text, at_most)
    assert len(line.splitlines()) <= 1
    assert len(line) <= at_most + 2 * line.count(": :") + 2 * line.count("# #") + 1
    assert not [letter for letter in line if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


@given(st.text(max_size=100))
def test_letters_that_were_apart_stay_apart(text: str) -> None:
    kept = [letter for letter in text if letter.isprintable()]
    assert [letter for letter in printable(text) if letter != " "] == [letter for letter in kept if letter != " "]
