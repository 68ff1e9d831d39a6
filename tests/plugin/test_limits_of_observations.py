"""An observation reads its limits by name or as one object: what it is given, what is shared, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from readiness import Limits
from readiness.observations import CAME_LATER, OBSERVATIONS, load_all, observation
from tests.plugin.project import CONFTEST, Project, line

USAGE_ERROR = 4
MOST_LIMITS, MOST_PARAMETERS = 3, 5
load_all()

OBSERVED = f"""{CONFTEST}

from dataclasses import dataclass


@dataclass(frozen=True)
class OrderLimits:
    shop: str
    days: float


@observation
def orders(limits: OrderLimits) -> int:
    leave("looked.txt", f"orders of {{limits.shop}} in {{limits.days:g}} days")
    assert not hasattr(limits, "at_least"), "no limit that does not tell its looks apart"
    return 5


@observation
def requests_of(http) -> int:
    return 1


@observation
def name_of_the_line(line: str) -> str:
    return line
"""
JUDGED = '''\
"""Orders."""
import pytest

from readiness import Limits


class Orders(Limits):
    at_least: int = 1
    days: float = 7
    shop: str


class Shadow(Limits):
    http: str = "http://127.0.0.1:9"


class TooFew(Limits):
    shop: str


class Lined(Limits):
    line: str = "mine"


@pytest.mark.preflight
def test_orders(orders, limits: Orders, measure) -> None:
    measure(orders, "orders").at_least(limits.at_least)


@pytest.mark.preflight
def test_shadow(requests_of, limits: Shadow, measure) -> None: ...


@pytest.mark.preflight
def test_too_few(orders, limits: TooFew, measure) -> None: ...


@pytest.mark.preflight
def test_lined(figure, limits: Lined, measure) -> None: ...
'''


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write("conftest.py", OBSERVED)
    made.write("checks/test_shop.py", JUDGED)
    return made


def test_lines_with_the_same_limits_share_a_look(project: Project) -> None:
    project.runbook(
        line("one", {"shop.orders": {"shop": "tea"}}),
        line("alike", {"shop.orders": {"shop": "tea", "days": 7.0}}),
        # The observation does not read `at_least`.
        line("stricter", {"shop.orders": {"shop": "tea", "at_least": 6}}),
        line("another-shop", {"shop.orders": {"shop": "rum"}}),
        line("other-days", {"shop.orders": {"shop": "tea", "days": 1}}),
    )
    ran = project.preflight()
    assert ran.looked == ["orders of rum in 7 days", "orders of tea in 1 days", "orders of tea in 7 days"], ran.out
    assert ran.outcomes() == {
        "one": "pass",
        "alike": "pass",
        "stricter": "fail",
        "another-shop": "pass",
        "other-days": "pass",
    }


def test_a_look_is_recorded_with_its_limits_one_by_one_and_read_back(project: Project) -> None:
    project.runbook(line("one", {"shop.orders": {"shop": "tea"}}))
    first = project.preflight()
    (recorded,) = (project.folder / "reports" / "tiny").glob("2*-preflight")
    records = [json.loads(text) for text in (recorded / "journal.jsonl").read_text("utf-8").splitlines()]
    (look,) = (record for record in records if record["record"] == "observation")
    assert look["arguments"] == {"shop": "tea", "days": 7.0}

    again = project.preflight(f"--replay={recorded}")
    assert again.looked == []
    assert again.outcomes() == first.outcomes() == {"one": "pass"}, again.out


def test_a_limit_that_the_check_has_not_or_a_client_has_too_is_a_usage_error(project: Project) -> None:
    project.runbook(line("few", {"shop.too_few": {"shop": "tea"}}), line("shadow", "shop.shadow"))
    ran = project.preflight()
    assert ran.exit == USAGE_ERROR, ran.out
    out = " ".join(ran.out.split())
    assert "the observation orders needs the limit days, and TooFew has none" in out
    assert "Shadow calls a limit http; requests_of is given something else by that name" in out
    assert ran.looked == []


def test_a_limit_is_no_line_for_a_diagnostic(project: Project) -> None:
    project.runbook(line("lined", "shop.lined", diagnostics=["name_of_the_line"]))
    ran = project.preflight()
    assert ran.exit == USAGE_ERROR, ran.out
    assert "diagnostics: name_of_the_line has an effect or needs a limit that shop.lined has not" in ran.out


RECORDED = {
    "alert_rule": (
        *("alert", "severity", "share_at_most", "seconds_at_most", "quantile"),
        *("drop_share_below", "failures_in_a_row", "firing_for"),
    ),
    "event_rule": ("alert", "events_at_most", "firing_for"),
    "rehearsals": ("stage", "days_at_most", "p95_seconds_below", "share_below"),
    "capacity": ("users_at_least", "days_at_most", "p95_seconds_below", "share_below"),
    "sentry_alert": ("events_at_most", "window_seconds", "slower_than_seconds", "actions"),
    "incident_review": ("fields", "hours_at_most", "days_back"),
    "primary_on_call": ("hours_before", "hours_after", "backed_up"),
    "secondary_on_call": ("hours_before", "hours_after"),
    "watch": ("minutes_at_least", "pause_minutes_at_most"),
}


@pytest.mark.parametrize("name", RECORDED)
def test_what_was_recorded_before_is_found_again(name: str) -> None:
    """A journal names each limit by itself: another name or one more would orphan every recorded run."""
    told = [argument for argument in OBSERVATIONS[name].arguments if argument not in CAME_LATER]
    assert tuple(told) == RECORDED[name]


def test_an_observation_with_many_limits_takes_them_as_one() -> None:
    for made in OBSERVATIONS.values():
        if made.limits_type is None:
            is_short = len(made.limit_names) <= MOST_LIMITS and len(made.parameters) <= MOST_PARAMETERS
            assert is_short, f"{made.name} has the parameters {', '.join(made.parameters)}: give it one `limits`"


@dataclass(frozen=True)
class Shadowing:
    moment: float
    http: str


@dataclass(frozen=True)
class Whole:
    days: float


class Model(Limits):
    days: float = 1


class Bare(NamedTuple):
    days: float


def shadowing(limits: Shadowing) -> int:
    return int(limits.moment)


def beside(limits: Whole, hours: float) -> int:
    return int(limits.days + hours)


def bare(limits: Bare) -> int:
    return int(limits.days)


def untyped(limits) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001  what is tested
    return int(limits.days)


def unknown_type(limits: NoSuchType) -> int:  # type: ignore[name-defined]  # noqa: F821  what is tested
    return int(limits.days)


@pytest.mark.parametrize(
    ("look", "problem"),
    [
        (shadowing, r"shadowing: Shadowing calls a limit http, moment, and that is a client's or the run's own name"),
        (beside, r"beside: hours is a limit beside its limits; make it a field of Whole"),
        (bare, r"bare: its limits are .*Bare.*; give them a frozen dataclass with a field for each"),
        (untyped, r"untyped: the type of its limits cannot be read: 'limits'"),
        (unknown_type, r"unknown_type: the type of its limits cannot be read: name 'NoSuchType' is not defined"),
    ],
)
def test_limits_that_could_not_arrive_are_refused_when_they_are_declared(
    look: Callable[..., int], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        observation(look)
    assert look.__name__ not in OBSERVATIONS


def test_limits_may_be_a_model_too() -> None:
    @observation
    def of_a_model(limits: Model) -> float:
        return limits.days

    made = OBSERVATIONS.pop("of_a_model")
    assert (made.limits_type, made.arguments) == (Model, ("days",))
