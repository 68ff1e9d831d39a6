"""The facts of a walk: each has a look that takes what it is told, and its value is read as a person is told it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from readiness.incident.facts import FACTS, OF_PEOPLE, OF_THE_EVIDENCE, read_fact
from readiness.incident.found import Found, Missing
from readiness.observations import OBSERVATIONS, load_all
from readiness.outcomes import Effect

load_all()
LOOKS = [kind for kind in FACTS.values() if kind.name not in OF_THE_EVIDENCE | OF_PEOPLE]
DOCS = (Path(__file__).parents[2] / "docs" / "incidents.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", LOOKS, ids=lambda kind: kind.name)
def test_each_fact_has_a_look_that_takes_what_it_is_told(kind: Any) -> None:
    look = OBSERVATIONS[kind.look]
    assert set(look.arguments) == {*kind.wants, *kind.fixed}
    assert look.effect is Effect.READ


@pytest.mark.parametrize("name", FACTS)
def test_each_fact_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCS


EVENTS = {"kind": "requests", "window": "1h", "count": 40.0, "part": 12.0, "unseen": 0.0}
SLOW = {"kind": "requests", "window": "1h", "count": 900.0, "seconds": 2.5, "quantile": 0.95}
FAILED = [
    {"workspace": "acme", "platform": "meta", "stage": "parse", "at": "2026-12-01T09:04:00+00:00"},
    {"workspace": "acme", "platform": None, "stage": "parse", "at": "2026-12-01T09:01:00+00:00"},
    {"workspace": "zeta", "platform": "meta", "stage": "promote", "at": "2026-12-01T09:02:00+00:00"},
]

READ = [
    ("upload_failures", {"by_status": {"completed": 30, "FAILED": 10}}, "10 of 40 uploads in 1h failed: 25 %", 0.25),
    (
        "upload_failures",
        {"by_status": {"completed": 30, "odd": 10}},
        "0 of 40 uploads in 1h failed: 0 %, of 10 nobody",
        0,
    ),
    ("uploads_by_status", {"by_status": {"completed": 1200, "failed": 3}}, "1,200 completed, 3 failed", 1203),
    ("affected_uploads", FAILED, "3 uploads failed in the last hour", 3),
    ("affected_workspaces", FAILED, "2: acme (2), zeta (1)", 2),
    ("affected_platforms", FAILED, "1: meta (2); of 1 nobody knows", 1),
    ("failing_stages", FAILED, "2: parse (2), promote (1)", 2),
    ("first_failure", FAILED, "2026-12-01T09:01:00+00:00", None),
    ("affected_workspaces", [{"workspace_id": "a"}], "1: a (1)", 1),
    ("affected_workspaces", [], "none", 0),
    ("common_error", [{"error_text": "eof", "uploads": 7}, {"error_text": "pool", "uploads": 2}], "'eof', 7 of 9", 7),
    ("common_error", [{"error_text": None, "uploads": 7}], "'no error text', 7 of 7", 7),
    ("stuck_uploads", [{"id": "a"}, {"id": "b"}], "2 rows", 2),
    ("stuck_uploads", [{"id": "a"}], "1 row", 1),
    ("staged_rows", 12000.0, "12,000 rows", 12000),
    ("failed_share", EVENTS, "12 of 40 requests in 1h failed: 30 %", 0.3),
    ("p95", SLOW, "2.5 s (900 requests in 1h)", 2.5),
    ("p95", SLOW | {"at_least": True}, "at least 2.5 s", 2.5),
    ("p95", SLOW | {"refused": "12 of 12 refused"}, "no time: 12 of 12 refused", None),
    ("health", {"status": 200, "seconds": 0.1234}, "200 after 0.123 s", 0),
    ("health", {"status": 503, "seconds": 0.1}, "503 after 0.1 s", 1),
    ("health", {"status": {"refused": "connection refused"}, "seconds": {"refused": "x"}}, "connection refused", 1),
    ("health", {"status": {"at_least": 10.0}, "seconds": {"at_least": 10.0}}, "no answer within 10 s", 1),
    ("database", {"seconds": 0.05, "rows": {}}, "answers after 0.05 s", 0),
    ("database", {"seconds": {"refused": "connection refused"}, "rows": {}}, "connection refused", 1),
    ("pool", {"in_use": 96, "size": 100, "exhausted": ""}, "96 of 100 connections in use: 96 %", 0.96),
    ("pool", {"in_use": 0, "size": 0, "exhausted": "too many clients"}, "no connection is left: too many clients", 1),
    ("open_breakers", ["storage open"], "1: storage open", 1),
    ("open_breakers", [], "none", 0),
    ("vendors", {"vendors": 5, "outages": []}, "5 status pages tell of no outage", 0),
    ("vendors", {"vendors": 5, "outages": ["stripe: API down"]}, "stripe: API down", 1),
    ("storage", {"name": "uploads", "exists": False}, "the bucket uploads is not there", 1),
    ("switch", {"position": "false", "launched": True}, "false", None),
    ("cpu", 0.934, "93.4 %", 0.934),
    ("text", True, "yes", None),
    ("text", 3, "3", 3),
]


@pytest.mark.parametrize(("name", "value", "says", "number"), READ)
def test_a_value_is_told_as_a_person_says_it(name: str, value: Any, says: str, number: float | None) -> None:
    fact = read_fact(FACTS[name], value)
    assert isinstance(fact, Found)
    assert says in fact.says
    assert fact.number == number


LACKS = [
    ("affected_platforms", [{"workspace": "a"}], "no column platform", "as platform"),
    ("failing_stages", [{"stage": None}], "no column stage", "as stage"),
    ("first_failure", [{"workspace": "a"}], "no column at", "as at"),
    ("upload_failures", {"by_status": {}}, "no events", "traffic"),
    ("pool", {"in_use": 0, "size": 0, "exhausted": ""}, "no size", "by hand"),
    ("pool", {"another": "version"}, "cannot be read", "by hand"),
    ("p95", "another version", "cannot be read", "by hand"),
    ("vendors", None, "cannot be read", "by hand"),
    ("affected_workspaces", [{"workspace": ["a", {"b": 1}]}, "no row"], "cannot be read", "by hand"),
]


@pytest.mark.parametrize(("name", "value", "why", "remedy"), LACKS)
def test_what_a_value_does_not_say_is_unknown(name: str, value: Any, why: str, remedy: str) -> None:
    fact = read_fact(FACTS[name], value)
    assert isinstance(fact, Missing)
    assert why in fact.why
    assert remedy in fact.remedy
