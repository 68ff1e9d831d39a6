"""What an environment states of a runbook: merged, or refused with the nearest name; never looser in silence."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness import Limits, Share
from readiness.runbook.limits import Minimum
from readiness.runbook.lines import Item, Runbook
from readiness.runbook.overlays import load_stated
from readiness.runbook.overrides import Effect, OwnLimits, compared, overrides_of

NOW = datetime(2026, 12, 1, tzinfo=UTC)


class Pool(Limits):
    share_below: Share = 0.8
    seconds_at_most: float | None = None
    deadline_seconds_below: float | None = None
    replicas_at_least: int = 2
    path: str = "/health"
    receiver: str = ""
    variables: tuple[str, ...] = ()
    since: str | None = None
    minutes_for: dict[str, float] = {}  # noqa: RUF012  pydantic copies it
    table: str
    strict: bool = True
    calls_at_least: Minimum = 100
    days_back: float = 7
    window: str = "7d"
    roles: tuple[str, ...] = ("cto", "cpo")
    jobs_at_least: Minimum | None = None


NEUTRAL = {"seconds_at_most"}
"""What a check of these limits compares only where a line states it."""


def line(name: str, limits: dict[str, Any], **more: Any) -> dict[str, Any]:
    checks = {"database.pool": limits} if "." not in next(iter(limits), "") else limits
    told = {"id": name, "ref": "1", "says": f"{name} holds", "phase": ["preflight", "postlaunch"], "gate": "blocker"}
    return {**told, "decided_by": checks, **more}


LINES = [
    line("pool", {"share_below": 0.7, "table": "orders"}),
    line("tables", {}),
    line("empty", {"receiver": "", "table": "orders"}),
    line("many", {"variables": ["A", "B"], "minutes_for": {"outage": 5}, "table": "orders"}),
    line("named", {"each": {"table": ["orders", "customers"]}}),
    line("both", {"database.pool": {}, "health.live": {"path": "/health"}}),
    line("dated", {"share_below": {"value": 0.6, "from": "2027-01-01", "until_then": 0.7}}),
    {**line("by-people", {}), "decided_by": {}, "rendered_as": "verdict"},
]


SEVERITIES = {name: {"means": "users wait", "answer": "15m"} for name in ("SEV-1", "SEV-2")}


def stated(folder: Path, lines: object, books: tuple[str, ...] = ("shop",)) -> tuple[list[Runbook], list[str]]:
    for name in books:
        book = {"runbook": name, "title": name, "severities": SEVERITIES, "lines": LINES}
        (folder / f"{name}.runbook.yaml").write_text(yaml.safe_dump(book, sort_keys=False), "utf-8")
    (folder / "prod.yaml").write_text(yaml.safe_dump({"environment": "prod", "lines": lines}, sort_keys=False), "utf-8")
    problems: list[str] = []
    return load_stated([f"{name}.runbook.yaml" for name in books], folder / "prod.yaml", problems), problems


def items(folder: Path, lines: object) -> dict[str, Item]:
    (book,), problems = stated(folder, lines)
    assert problems == []
    return {f"{item.local_id} {item.check}": item for item in book.items()}


def test_a_limit_is_filled_in_and_one_is_replaced(tmp_path: Path) -> None:
    found = items(tmp_path, {"shop/tables": {"table": "orders"}, "pool": {"share_below": 0.5}})
    assert found["tables database.pool"].limits == {"table": "orders"}
    assert found["pool database.pool"].limits == {"share_below": 0.5, "table": "orders"}


def test_what_a_line_names_may_be_stated(tmp_path: Path) -> None:
    found = items(tmp_path, {"tables": {"each": {"table": ["a", "b"]}}, "pool": {"each": {"table": ["c"]}}})
    assert [name for name in found if name.startswith("tables")] == ["tables:a database.pool", "tables:b database.pool"]
    assert found["pool:c database.pool"].limits == {"share_below": 0.7, "table": "c"}


def test_the_check_is_said_where_a_line_has_two(tmp_path: Path) -> None:
    found = items(tmp_path, {"both": {"health.live": {"path": "/ready"}, "database.pool": {"table": "orders"}}})
    assert found["both health.live"].limits == {"path": "/ready"}
    assert found["both database.pool"].limits == {"table": "orders"}


def test_a_reason_is_one_line(tmp_path: Path) -> None:
    found = items(tmp_path, {"pool": {"share_below": 0.9, "because": "we know\n# APPROVED\nof it"}})
    overlaid = found["pool database.pool"].line.overlaid
    assert overlaid
    assert overlaid.because == "we know # APPROVED of it"


def test_a_severity_is_stated(tmp_path: Path) -> None:
    found = items(tmp_path, {"pool": {"severity": {"page": "SEV-1"}}})
    assert found["pool database.pool"].line.severity == {"page": "SEV-1"}
    assert found["pool database.pool"].limits["share_below"] == 0.7


def test_until_its_day_the_lines_own_limit_binds(tmp_path: Path) -> None:
    (book,), problems = stated(tmp_path, {"pool": {"share_below": {"value": 0.5, "from": "2026-12-15"}}})
    assert problems == []
    bound = [book.at(datetime(2026, 12, day, tzinfo=UTC)).lines[0].decided_by["database.pool"] for day in (1, 15)]
    assert [limits["share_below"] for limits in bound] == [0.7, 0.5]


REFUSED: dict[str, tuple[object, str]] = {
    "a line that is nearly one": (
        {"shop/tabels": {"table": "a"}},
        "line 'shop/tabels' is not known; did you mean 's",
    ),
    "an id that is nearly one": ({"tabels": {"table": "a"}}, "line 'tabels' is not known; did you mean 'tables'?"),
    "a runbook that is none": ({"shpo/tables": {"table": "a"}}, "did you mean 'shop/tables'?"),
    "a line of a runbook that ships": (
        {"umbrella/d1-migratons": {"migration": "1"}},
        "did you mean 'umbrella/d1-migrations'?",
    ),
    "one line by two names": (
        {"tables": {"table": "a"}, "shop/tables": {"table": "b"}},
        "shop/tables stands here twice; write one entry for it",
    ),
    "no check of the line": (
        {"pool": {"database.poll": {"table": "a"}}},
        "check 'database.poll' is not known; did you mean 'database.pool'? (known: database.pool)",
    ),
    "either of two checks": (
        {"both": {"path": "/ready"}},
        "path: database.pool and health.live decide this line; say which one: {database.pool: {path: ...}}",
    ),
    "a line without a check": ({"by-people": {"path": "/"}}, "path: no check decides this line, so it has no limits"),
    "no limits of a check": ({"both": {"health.live": "/ready"}}, "health.live: limits with their values are wanted"),
    "one of several by name": (
        {"named": {"table": "baskets"}},
        "the line names several by table; write each: {table: [baskets]}",
    ),
    "two things at once": ({"tables": {"each": {"table": ["a"], "path": ["b"]}}}, "each names one key and a list"),
    "nothing named": ({"tables": {"each": {"table": []}}}, "each names one key and a list"),
    "nothing at all": ({"tables": {}}, "nothing is stated of the line; write a limit of its check"),
    "no entry": ({"tables": "orders"}, "lines.tables: keys with their values are wanted"),
    "a list of entries": ([{"tables": {"table": "a"}}], "lines: keys with their values are wanted"),
    "what only the runbook says": (
        {"pool": {"gate": "warning"}},
        "gate: that is the runbook's own; write",
    ),
    "a number for a key": ({"pool": {7: "x"}}, "lines.pool.7: text for a key is wanted, not 7"),
    "no value": ({"pool": None}, "lines.pool: keys with their values are wanted"),
    "a variable": ({"tables": {"table": "${TABLE}"}}, "no variable may stand here; write the value itself"),
    "a reason that says nothing": ({"pool": {"share_below": 0.9, "because": "TBD"}}, "'TBD' says nothing; write why"),
    "a reason with a variable": (
        {"pool": {"share_below": 0.9, "because": "we know ${WHO} and why"}},
        "no variable may stand here; write the value itself",
    ),
    "a reason that a terminal obeys": (
        {"pool": {"share_below": 0.9, "because": "we know\x1b[2J and why"}},
        "holds a character that cannot be printed",
    ),
    "a word that the runbook's table has not": (
        {"pool": {"severity": "SEV1"}},
        "lines.pool: severity 'SEV1' is not known; did you mean 'SEV-1'? (known: SEV-1, SEV-2)",
    ),
    "such a word for one step": ({"tables": {"severity": {"page": "SEV-1", "warn": "low"}}}, "severity 'low' is not"),
    "a day that is none": ({"pool": {"share_below": {"value": 0.5, "from": "soon"}}}, "share_below: from:"),
    "a day, where the line has one": (
        {"dated": {"share_below": {"value": 0.5, "from": "2027-06-01"}}},
        "share_below: the line's own limit has a date too; state until_then",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    lines, told = REFUSED[name]
    _, problems = stated(tmp_path, lines)
    assert len(problems) == 1
    assert problems[0].startswith("prod.yaml:")
    assert told in problems[0]


def test_an_id_of_two_runbooks_is_told_with_both_names(tmp_path: Path) -> None:
    _, (told,) = stated(tmp_path, {"tables": {"table": "a"}}, ("shop", "till"))
    assert told == "prod.yaml:3: lines.tables: several runbooks have this line; write shop/tables or till/tables"


def test_a_line_of_a_runbook_that_is_not_followed_waits(tmp_path: Path) -> None:
    assert items(tmp_path, {"umbrella/d1-migrations": {"migration": "0007_artists"}})


def effects(folder: Path, lines: object, key: str = "pool") -> dict[str, str]:
    (book,), problems = stated(folder, lines)
    assert problems == []
    found = next(item for item in book.at(NOW).items() if f"{item.local_id} {item.check}".startswith(key))
    overrides = overrides_of(found, NOW, OwnLimits.of(Pool, NEUTRAL))
    days = {True: "", False: " later"}
    return {
        override.limit: f"{override.effect}{days[override.day is None]} ({override.whose})" for override in overrides
    }


def dated(day: str, value: float) -> dict[str, Any]:
    return {"share_below": {"value": value, "from": day, "until_then": 0.5}}


DECIDED: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"share_below": 0.9}, {"share_below": "looser (the line: 0.7)"}),
    ({"share_below": "0.9"}, {"share_below": "looser (the line: 0.7)"}),
    ({"share_below": 0.5}, {"share_below": "stricter (the line: 0.7)"}),
    ({"share_below": 0.7}, {}),
    ({"replicas_at_least": 3}, {"replicas_at_least": "stricter (by default: 2)"}),
    ({"replicas_at_least": 1}, {"replicas_at_least": "looser (by default: 2)"}),
    ({"seconds_at_most": 5}, {"seconds_at_most": "stricter (by default: nothing)"}),
    ({"path": "/ready"}, {"path": "changed (by default: /health)"}),
    ({"table": "baskets"}, {"table": "changed (the line: orders)"}),
    ({"table": ""}, {"table": "looser (the line: orders)"}),
    ({"strict": False}, {"strict": "looser (by default: yes)"}),
    # What may be left out asks for all there is, or for the check's own bound.
    ({"receiver": "pager"}, {"receiver": "looser (by default: nothing)"}),
    ({"variables": ["A"]}, {"variables": "looser (by default: none)"}),
    ({"since": "launch"}, {"since": "looser (by default: nothing)"}),
    ({"minutes_for": {"outage": 5}}, {"minutes_for": "looser (by default: none)"}),
    ({"each": {"receiver": ["pager"]}}, {"receiver": "looser (by default: none)"}),
    ({"deadline_seconds_below": 60}, {"deadline_seconds_below": "looser (by default: nothing)"}),
    ({"jobs_at_least": 5}, {"jobs_at_least": "looser (by default: nothing)"}),
    ({"since": {"value": "launch", "from": "2027-01-01"}}, {"since": "looser later (by default: nothing)"}),
    # Without a comparator nobody knows which way it goes.
    ({"days_back": 8}, {"days_back": "looser (by default: 7)"}),
    ({"days_back": "6"}, {"days_back": "looser (by default: 7)"}),
    ({"window": "30d"}, {"window": "looser (by default: 7d)"}),
    ({"window": "1h"}, {"window": "looser (by default: 7d)"}),
    ({"roles": ["cto"]}, {"roles": "looser (by default: cto, cpo)"}),
    ({"roles": ["cto", "ceo"]}, {"roles": "looser (by default: cto, cpo)"}),
    ({"roles": ["ceo", "cpo", "cto"]}, {"roles": "changed (by default: cto, cpo)"}),
    # The more events it takes to judge, the more must be missing.
    ({"calls_at_least": 1000}, {"calls_at_least": "looser (by default: 100)"}),
    ({"calls_at_least": 10}, {"calls_at_least": "changed (by default: 100)"}),
    ({"calls_at_least": 100}, {}),
    ({"each": {"table": ["orders", "baskets"]}}, {"table": "stricter (the line: orders)"}),
    ({"each": {"table": ["baskets"]}}, {"table": "looser (the line: orders)"}),
    ({"severity": "SEV-1"}, {"severity of a failure": "filled in (the line states none)"}),
    # What binds later counts as well.
    (dated("2027-01-01", 0.9), {"share_below": "looser later (the line: 0.7)"}),
    (dated("2026-01-01", 0.9), {"share_below": "looser (the line: 0.7)"}),
    (dated("2027-01-01", 0.4), {"share_below": "stricter (the line: 0.7)"}),
]


@pytest.mark.parametrize(("stated_limits", "told"), DECIDED)
def test_each_override_is_decided_by_its_comparator(
    stated_limits: dict[str, Any], told: dict[str, str], tmp_path: Path
) -> None:
    assert effects(tmp_path, {"pool": stated_limits}) == told


def test_what_the_line_names_and_the_environment_does_not_is_looser(tmp_path: Path) -> None:
    fewer = {"named": {"each": {"table": ["orders"]}}}
    assert effects(tmp_path, fewer, "named:orders") == {"table": "looser (the line: orders, customers)"}
    more = {"named": {"each": {"table": ["orders", "customers", "baskets"]}}}
    told = effects(tmp_path, more, "named:baskets")
    assert told == {"table": "stricter (the line: orders, customers)"}
    filled = effects(tmp_path, {"tables": {"each": {"table": ["orders"]}}}, "tables:orders")
    assert filled == {"table": "filled in (the line states none)"}


BY_LINE: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("empty", {"receiver": "pager"}, {"receiver": "looser (the line: nothing)"}),
    ("many", {"variables": ["B"]}, {"variables": "looser (the line: A, B)"}),
    ("many", {"variables": ["B", "A", "C"]}, {"variables": "changed (the line: A, B)"}),
    ("many", {"variables": []}, {"variables": "looser (the line: A, B)"}),
    ("many", {"minutes_for": {"outage": 60}}, {"minutes_for": "looser (the line: outage 5)"}),
    ("many", {"minutes_for": {"outage": 5, "slow": 60}}, {"minutes_for": "changed (the line: outage 5)"}),
    # Only what the line is unknown without is filled in.
    ("tables", {"table": "orders"}, {"table": "filled in (the line states none)"}),
]


@pytest.mark.parametrize(("name", "stated_limits", "told"), BY_LINE)
def test_what_the_line_states_itself_is_held_against_it(
    name: str, stated_limits: dict[str, Any], told: dict[str, str], tmp_path: Path
) -> None:
    assert effects(tmp_path, {name: stated_limits}, name) == told


def test_of_an_unknown_type_nothing_is_taken_for_filled_in(tmp_path: Path) -> None:
    for limits in ({"table": "orders"}, {"each": {"table": ["orders"]}}):
        item = next(item for name, item in items(tmp_path, {"tables": limits}).items() if name.startswith("tables"))
        assert [override.effect for override in overrides_of(item, NOW)] == [Effect.CHANGED]


def test_a_limit_that_says_what_is_looked_for_has_no_direction() -> None:
    assert compared("days_apart", 1, 30) is compared("days_apart", 30, 1) is Effect.LOOSER


def test_a_neutral_limit_without_a_comparator_is_not_stricter() -> None:
    own = OwnLimits(neutral=frozenset({"failures_in_a_row", "seconds_at_most"}))
    assert own.compared("failures_in_a_row", None, 3) is Effect.LOOSER
    assert own.compared("seconds_at_most", None, "many") is Effect.LOOSER
    assert own.compared("seconds_at_most", None, 3) is Effect.STRICTER


@pytest.mark.parametrize(
    ("own", "now", "effect"),
    [
        (0.8, None, Effect.LOOSER),
        (0.8, "many", Effect.LOOSER),
        (0.8, True, Effect.LOOSER),
        (None, 0.8, Effect.LOOSER),
        (1, 1.0, None),
        (1, "1", None),
    ],
)
def test_what_is_no_number_is_never_stricter(own: Any, now: Any, effect: Effect | None) -> None:
    assert compared("share_below", own, now) is effect
