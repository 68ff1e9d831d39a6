"""Each figure of a shipped line stands in its sentence, elsewhere in its document, or is said to be chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from readiness.runbook.lines import Line
from tests.house.test_said_limits import LINES, figures_in

SPAN = re.compile(r"[0-9]+[smhd]")
NUMBER = re.compile(r"(?<![\w.])[0-9][0-9,]*(?:\.[0-9]+)?")
WORDS: dict[str, tuple[float | str, ...]] = {
    "at once": ("0s",),
    "any": (0,),
    "two": (2,),
    "three": (3,),
    "half": (0.5,),
    "once": (1,),
    "hour's": ("1h",),
    "last hour": ("1h",),
    "daily": (24,),
    "week": (7, "7d"),
    "weekly": (7, "7d"),
    "month": (31,),
    "quarter": (90,),
}
"""Words that name a figure, with what of it a limit may count: times, hours, days."""
ELSEWHERE = {
    ("agency/escalation-matrix", "levels_at_least"): "the table: a primary contact and a backup",
    ("agency/within-sla", "mean_seconds_below"): "the monitoring table",
    ("agency/within-sla", "p95_seconds_below"): "the monitoring table",
    ("agency/sentry-count", "window_seconds"): "a daily check",
    ("agency/backup-integrity", "days_at_most"): "a weekly task",
    ("agency/disaster-recovery", "days_at_most"): "a weekly task",
    ("agency/emergency-contacts", "days_at_most"): "the document is reviewed every quarter",
    ("ingestion/incident-queries", "share_below"): "3.2, the hourly check",
    ("ingestion/incident-queries", "minutes_below"): "3.4, the thresholds",
    ("ingestion/incident-queries", "rows_below"): "3.2, the hourly check",
    ("ingestion/ga-support-volume", "window"): "6.1: a window of seven days",
    **{
        ("launch400k/auto-scaling", limit): "scaling: the configuration"
        for limit in ("cooldown_seconds", "scale_down_cpu", "scale_up_cpu", "scale_up_response_ms")
    },
    **{
        (f"launch400k/{line}", limit): "pre-launch: under 1.5 s and 1 %, in every test"
        for line in ("load-smoke", "load-load", "load-stress", "load-launch", "go-load", "active-users")
        for limit in ("p95_seconds_below", "share_below")
    },
    ("launch400k/load-p95", "share_below"): "pre-launch: every test",
    ("launch400k/load-errors", "p95_seconds_below"): "pre-launch: every test",
    ("launch400k/checkpoint", "hours_at_most"): "T-12 hours",
    ("launch400k/no-go-database", "share_below"): "the thresholds: a warning",
    ("launch400k/sla-response-time", "window"): "T+1 hour",
    ("launch400k/sla-error-rate", "window"): "T+1 hour",
    ("launch400k/pool-not-exhausted", "share_below"): "the thresholds: critical",
    ("launch400k/diagnose-pool", "share_below"): "the thresholds: critical",
    ("launch400k/diagnose-errors", "share_below"): "issue 3",
    ("launch400k/diagnose-slow", "p95_seconds_below"): "issue 4",
    ("launch400k/restore-verified", "hours_below"): "pre-launch: a restore in under 4 hours",
    ("playbook/triage", "hours_at_most"): "the workflow is a daily one",
    ("umbrella/no-unusual-traffic", "drop_share_below"): "the alerts: under half of normal",
    ("umbrella/weekly-errors", "window_seconds"): "the weekly review",
    ("umbrella/capacity", "share_below"): "the limit itself is the whole",
    ("umbrella/watched-15-minutes", "pause_minutes_at_most"): "health is checked every five minutes",
}
"""A figure that its document states, and not its sentence, with the place."""


def said(says: str) -> set[float | str]:
    """Return the figures that a sentence names: in digits, and in words."""
    found: set[float | str] = {float(number.replace(",", "")) for number in NUMBER.findall(says)}
    for _, numbers, spans in figures_in(says):
        found |= numbers | spans
    for word, figures in WORDS.items():
        if re.search(rf"\b{word}\b", says):
            found |= set(figures)
    return found


def is_existence(limit: str, value: float) -> bool:
    """Check whether a figure says no more than that there is one, or none."""
    return (limit.endswith("_at_least") and value == 1) or (limit.endswith("_at_most") and value == 0)


def figures(stated: object, limit: str = "") -> Iterator[tuple[str, float | str]]:
    """Yield the figures among limits, each with the name of its limit."""
    if isinstance(stated, dict):
        for key, value in stated.items():
            yield from figures(value, limit or str(key))
    elif isinstance(stated, list | tuple):
        for entry in stated:
            yield from figures(entry, limit)
    elif isinstance(stated, int | float) and not isinstance(stated, bool):
        yield limit, float(stated)
    elif isinstance(stated, str) and SPAN.fullmatch(stated):
        yield limit, stated


def unsaid(line: Line) -> set[str]:
    """Return the limits of a line whose figures its sentence does not name."""
    named = said(line.says)
    stated = (figure for limits in line.decided_by.values() for figure in figures(limits))
    return {
        limit
        for limit, value in stated
        if value not in named and not (isinstance(value, float) and is_existence(limit, value))
    }


@pytest.mark.parametrize(
    ("says", "limits", "found"),
    [
        ("sessions do not pile up", {"sessions_at_most": 1000}, {"sessions_at_most"}),
        ("fewer than 1,000 sessions", {"sessions_below": 1000}, set()),
        ("a replica is there", {"replicas_at_least": 1}, set()),
        ("two replicas are there", {"replicas_at_least": 2}, set()),
        ("replicas are there", {"replicas_at_least": 2}, {"replicas_at_least"}),
        ("nobody intervened", {"interventions_at_most": 0}, set()),
        ("errors are under 5 %", {"share_below": 0.05, "window": "1h"}, {"window"}),
        ("errors of the last hour are under 5 %", {"share_below": 0.05, "window": "1h"}, set()),
        ("rehearsed within the month", {"days_at_most": 31}, set()),
        ("tables are there", {"each": {"days_at_most": [3, 4]}}, {"each"}),
    ],
)
def test_a_figure_that_no_sentence_names_is_found(says: str, limits: dict[str, object], found: set[str]) -> None:
    line = {"id": "one", "ref": "1", "says": says, "phase": ["preflight"], "gate": "blocker"}
    assert unsaid(Line.model_validate({**line, "decided_by": {"a.b": limits}})) == found


@pytest.mark.parametrize("name", LINES)
def test_a_figure_that_no_document_names_is_said_to_be_chosen(name: str) -> None:
    elsewhere = {limit for line, limit in ELSEWHERE if line == name}
    chosen = set(LINES[name].chosen)
    assert unsaid(LINES[name]) - elsewhere <= chosen, "state it in `chosen`, or where the document has it"
    assert not elsewhere & chosen, "the document has it, so nobody chose it"


@pytest.mark.parametrize("name", LINES)
def test_no_figure_of_the_sentence_is_said_to_be_chosen(name: str) -> None:
    # That errors are read is one thing, how many there may be another: 0 stands for "none" where a sentence says so.
    assert set(LINES[name].chosen) - unsaid(LINES[name]) <= {"errors_at_most"}


def test_every_place_is_of_a_figure_that_is_there() -> None:
    assert {(line, limit) for line, limit in ELSEWHERE if limit not in unsaid(LINES[line])} == set()
