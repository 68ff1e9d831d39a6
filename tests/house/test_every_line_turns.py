"""No line is vacuous: each check of each shipped line is turned red by a fault, or by a whole run that is named."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from readiness.runbook.lines import Item, planned_checks
from readiness.sandbox.faults import FAULTS, Fault
from tests.house.test_catalogue import ROOT, place, stated_items
from tests.matrix.proven_elsewhere import PROVEN_ELSEWHERE

RED = {"fail", "warn"}
LINKS = ("links.answers", "umbrella/key-links")
Pair = tuple[str, str]
"""A check, and a line that it decides."""


def pair(item: Item) -> Pair:
    return item.check, f"{item.runbook}/{item.local_id.partition(':')[0]}"


PAIRS = {f"{item.check}[{place(item)}]": pair(item) for item in stated_items() if item.check not in planned_checks()}
"""Each item, as faults name it, and the pair that it is of."""


def turned_red(faults: Iterable[Fault]) -> set[Pair]:
    """Return what these faults turn to a failure or a warning."""
    return {PAIRS[key] for fault in faults for key, outcome in fault.turns.items() if outcome in RED}


def unproven(faults: Iterable[Fault]) -> set[Pair]:
    return set(PAIRS.values()) - turned_red(faults) - PROVEN_ELSEWHERE.keys()


def test_each_check_of_each_line_is_turned_red() -> None:
    assert unproven(FAULTS.values()) == set(), "add a fault that turns it, in readiness/sandbox/faults/"


def test_a_line_that_no_fault_turns_is_found() -> None:
    others = [fault for fault in FAULTS.values() if LINKS not in turned_red([fault])]
    assert unproven(others) == {LINKS}


def test_what_is_proven_elsewhere_is_no_more_than_that() -> None:
    assert PROVEN_ELSEWHERE.keys() - set(PAIRS.values()) == set(), "no line has this check"
    assert PROVEN_ELSEWHERE.keys() & turned_red(FAULTS.values()) == set(), "a fault turns it: strike it"


@pytest.mark.parametrize("test", sorted(set(PROVEN_ELSEWHERE.values())))
def test_the_test_that_proves_the_rest_is_there(test: str) -> None:
    path, _, function = test.partition("::")
    assert f"\ndef {function}(" in (ROOT / path).read_text(encoding="utf-8")
