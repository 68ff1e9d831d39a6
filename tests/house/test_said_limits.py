"""What the sentence of a shipped line names stands among its limits: a path, a variable, a vendor, a figure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Gate, Phase
from readiness.runbook.lines import Line, load, locate, shipped
from readiness.shipped import RUNBOOKS

BOOKS = {name: load(locate(name, Path())) for name in shipped()}
LINES = {f"{name}/{line.id}": line for name, book in BOOKS.items() for line in book.lines if line.decided_by}

PATH = re.compile(r"(?<!\S)/(?:[a-z0-9_.-]+(?:/[a-z0-9_.-]+)*)?(?=[\s,;:)']|$)")
NAME = re.compile(r"\b(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[a-z0-9]+(?:_[a-z0-9]+)+|(?:[A-Z][a-z]+){2,})\b(?:\.sql)?")
CHANNEL = re.compile(r"#([a-z][a-z0-9-]+)")
QUANTILE = re.compile(r"\bp([0-9]{2})\b")
FIGURE = re.compile(r"(?<![\w.-])([0-9][0-9,]*(?:\.[0-9]+)?)[ -]?(%|[a-zA-Z]+)")
FACTORS = {
    "%": (0.01, -0.01),
    "ms": (0.001,),
    "s": (1,),
    "second": (1,),
    "minute": (1, 60),
    "hour": (1, 60, 3600),
    "day": (1, 24, 1440, 86400),
    "month": (31,),
    "KB": (1,),
    "USD": (1,),
    "user": (1,),
    "instance": (1,),
    "row": (1,),
    "connection": (1,),
    "request": (1,),
    "event": (1,),
    "error": (1,),
}
"""Unit → what of it a limit may count: seconds, minutes, hours or days. A share may be told by what is missing to 1."""


def vendors() -> set[str]:
    """Return the products that the heads of the runbooks name."""
    heads = (path.read_text(encoding="utf-8").partition("runbook:")[0] for path in RUNBOOKS.glob("*.yaml"))
    listed = (word for head in heads for word in re.findall(r"(?:\(|, | on )([A-Z][A-Za-z.]+)", head))
    return {word.rstrip(".") for word in listed if len(word) > 3}


VENDORS = vendors()
UNSTATED = {
    ("agency/analytics-fresh", "p95"): "which figure is asked for its age, and not how high it may be",
    (
        "ingestion/test-upload",
        "/v1/uploads",
    ): "the address of the synthetic upload, synthetic_upload of the environment",
    ("ingestion/test-upload-verified", "row_count"): "a field of its answer",
    ("ingestion/staging-backlog", "staging_rows"): "what the reading staged_rows counts",
    ("launch400k/r2-storage", "Cloudflare"): "where the bucket is, storage of the environment",
    ("launch400k/metrics-watched", "5 minutes"): "how often its entry of the schedule comes back",
    ("umbrella/health-watched", "5 minutes"): "how often its entry of the schedule comes back",
    ("launch400k/diagnose-pool", "5 minutes"): "what the diagnostic idle_sessions lists",
    ("launch400k/diagnose-slow", "pg_stat_statements"): "where the diagnostic slowest_statements looks",
}
"""What a sentence names and no limit repeats, with the reason."""


def values(stated: object) -> Iterator[str | float]:
    """Yield the words and numbers of limits: keys, values, entries."""
    if isinstance(stated, dict):
        for key, value in stated.items():
            yield str(key)
            yield from values(value)
    elif isinstance(stated, list | tuple):
        for entry in stated:
            yield from values(entry)
    elif isinstance(stated, int | float) and not isinstance(stated, bool):
        yield float(stated)
    else:
        yield str(stated)


def stated_by(line: Line) -> tuple[set[str], set[float]]:
    """Return the words and the numbers that a line's limits and its ladder state; spans are numbers of seconds too."""
    found = list(values({**line.decided_by, "ladder": dict(line.ladder), "due": line.due or ""}))
    words = {value.casefold() for value in found if isinstance(value, str)}
    return words, {value for value in found if isinstance(value, float)}


def named_in(says: str) -> Iterator[str]:
    """Yield what a sentence names: paths, variables, channels, products."""
    yield from PATH.findall(says)
    yield from (name.removesuffix(".sql") for name in NAME.findall(says))
    yield from CHANNEL.findall(says)
    yield from (word for word in re.findall(r"\b[A-Z][A-Za-z.]+\b", says) if word in VENDORS)


def is_stated(name: str, words: set[str]) -> bool:
    """Check whether a word of the limits is the name, or has it as a part: `slack/launch-war-room`."""
    wanted = name.casefold()
    return any(wanted == word or (wanted != "/" and wanted in word) for word in words)


def figures_in(says: str) -> Iterator[tuple[str, set[float], set[str]]]:
    """Yield each figure of a sentence as it stands there, with the numbers and the words that a limit may say it by."""
    for number, unit in FIGURE.findall(says):
        singular = unit if unit in FACTORS else unit.removesuffix("s")
        if singular in FACTORS:
            amount = float(number.replace(",", ""))
            spans = {f"{amount:g}{unit[0]}"}
            yield f"{number} {unit}", set(_numbers(amount, FACTORS[singular])), spans
    for number in QUANTILE.findall(says):
        yield f"p{number}", {float(number) / 100}, {f"p{number}_seconds_below"}


def _numbers(amount: float, factors: tuple[float, ...]) -> Iterator[float]:
    for factor in factors:
        value = round(amount * abs(factor), 9)
        yield value if factor > 0 else round(1 - value, 9)


def unstated(line: Line) -> Iterator[str]:
    """Yield what a line's sentence names and no limit of it states."""
    words, numbers = stated_by(line)
    yield from (name for name in named_in(line.says) if not is_stated(name, words))
    for figure, amounts, spans in figures_in(line.says):
        is_span = any(re.search(rf"\b{re.escape(span)}\b", word) for span in spans for word in words)
        if not amounts & numbers and not is_span:
            yield figure


@pytest.mark.parametrize(
    ("says", "limits", "found"),
    [
        ("/api/health answers", {"health.live": {}}, ["/api/health"]),
        ("/api/health answers", {"health.live": {"path": "/api/health"}}, []),
        ("less than 80 % are in use", {"a.b": {"share_below": 0.9}}, ["80 %"]),
        ("above 99.5 % for 7 days", {"a.b": {"share_at_most": 0.005, "window": "7d"}}, []),
        ("within 500 ms", {"a.b": {"seconds_below": 0.5}}, []),
        ("p99 is under 10 minutes", {"a.b": {"quantile": 0.95, "seconds_below": 600}}, ["p99"]),
        ("SECRET_KEY is set", {"a.b": {}}, ["SECRET_KEY"]),
        ("SECRET_KEY is set", {"a.b": {"each": {"variable": ["SECRET_KEY"]}}}, []),
        ("Stripe and Clerk answer", {"a.stripe_ready": {}}, ["Clerk"]),
        ("#war-room exists", {"a.b": {"channel": "slack/war-room"}}, []),
        ("2,000 users for 15 minutes", {"a.b": {"users_at_least": 200, "minutes_at_least": 15}}, ["2,000 users"]),
    ],
)
def test_what_is_named_and_not_stated_is_found(says: str, limits: dict[str, JsonObject], found: list[str]) -> None:
    line = Line(id="one", ref="1", says=says, phase=(Phase.PREFLIGHT,), gate=Gate.BLOCKER, decided_by=limits)
    assert list(unstated(line)) == found


@pytest.mark.parametrize("name", LINES)
def test_what_a_sentence_names_is_what_its_checks_are_told(name: str) -> None:
    excused = {figure for line, figure in UNSTATED if line == name}
    assert set(unstated(LINES[name])) == excused


def test_every_excuse_is_of_a_line_that_is_there() -> None:
    assert {name for name, _ in UNSTATED} <= set(LINES)
