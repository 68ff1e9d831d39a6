"""Plant the faults in the running sandbox: exactly the lines that they name turn, and all others keep their outcome."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from readiness.outcomes import Phase
from readiness.plugin.declared_alone import DECLARED_ALONE
from readiness.sandbox import SandboxFailed
from readiness.sandbox.faults import FAULTS, Fault
from tests.matrix.expected import DIAGNOSTICS, NOT_ASKED_HERE, STEPS, VERDICTS, not_healthy
from tests.matrix.judging import KINDS, PARTS, PHASES, ROOT, Judged, Look, Targets, judge, kind_of
from tests.matrix.plantings import COVERS, Planting, looks_of, named, pairs, parts_of, plantings, seconds_of, shared
from tests.matrix.telling import LOOKED_TWICE, ONE_BY_ONE

Said = TypeVar("Said")
PLANTINGS = plantings()
UNEXPECTED = re.compile(r"[a-z ]+, not [a-z ]+: ")
"""How `Judged.differences` says what a line came out as."""
HEALTHY = {"preflight": "GO", "smoke": "GO", "postlaunch": "OK", "ga": "INCOMPLETE"}
"""Each look has evidence of its own, so that ga stands on no other phase here; the demo ends APPROVED."""


@pytest.fixture(scope="module")
def targets(starts_servers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    """Start sandboxes of our own, and look at each phase before anything is broken, and when all is mended."""
    del starts_servers
    with Targets(tmp_path_factory.mktemp("targets")) as started:
        yield started
        assert started.left() == {}, "a fault was not mended"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_phase_of_a_fault_has_a_line_that_turns(fault: Fault) -> None:
    assert {phase for phase in fault.phases if not parts_of(fault, phase)} == set()


def test_all_that_is_declared_is_planted() -> None:
    declared = {pair for name, fault in FAULTS.items() for kind in KINDS for pair in pairs(name, looks_of(fault, kind))}
    planted = {pair for planting in PLANTINGS for name in planting.faults for pair in pairs(name, planting.looks)}
    assert planted == declared
    assert {(name, phase) for name, phase, *_ in planted} == {
        (name, phase) for name, fault in FAULTS.items() for phase in fault.phases
    }


def test_each_is_planted_alone_or_twice_with_others() -> None:
    for kind in KINDS:
        groups = [planting.faults for planting in PLANTINGS if planting.kind == kind]
        alone = {group[0] for group in groups if len(group) == 1}
        times = Counter(name for group in groups if len(group) > 1 for name in group)
        assert set(times.values()) == {COVERS}
        assert not alone & set(times)
        together = Counter(
            frozenset((one, other)) for group in groups for one in group for other in group if one < other
        )
        assert set(together.values()) <= {1}


def test_the_shares_take_about_as_long() -> None:
    seconds = [sum(map(seconds_of, share)) for share in shared([one for one in PLANTINGS if one.kind == "after"])]
    assert max(seconds) < 2 * min(seconds)


BY_PHASE = [
    pytest.param(phase, id=f"{'before' if kind_of(phase) == 'before' else 'after-0'}:{phase}") for phase in PHASES
]
"""Each phase on the worker that has its sandbox."""


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("phase", BY_PHASE)
def test_the_healthy_target_passes_every_line_that_has_a_check(targets: Targets, phase: str, part: str) -> None:
    found = targets.healthy((phase, part))
    assert not_healthy(found.outcomes, phase, part) == {}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("phase", BY_PHASE)
def test_every_result_says_how_it_was_come_by(targets: Targets, phase: str, part: str) -> None:
    found = targets.healthy((phase, part))
    judged = {key for key, outcome in found.outcomes.items() if outcome in {"pass", "warn", "fail", "not applicable"}}
    assert {key for key in judged if not found.come_by[key]} == set()
    declared = {key for key in judged if found.come_by[key] == {"declared"} and found.outcomes[key] != "not applicable"}
    assert {key.partition("[")[0] for key in declared} <= {*DECLARED_ALONE, *NOT_ASKED_HERE}


@pytest.mark.parametrize("phase", BY_PHASE)
def test_the_healthy_target_is_launched(targets: Targets, phase: str) -> None:
    found = targets.healthy((phase, "own"))
    assert found.verdict == HEALTHY[phase]
    if phase == Phase.GA:
        assert found.action.startswith("every line of ga speaks for it, and it is held back: preflight was not judged")


@pytest.mark.parametrize("days", [pytest.param(days, id=f"after-0:launched-{days}-days-ago") for days in (1, 6)])
def test_a_week_is_not_signed_off_before_it_is_over(targets: Targets, tmp_path: Path, days: int) -> None:
    launch = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    found = judge(targets.of("after").sandbox, Phase.GA, tmp_path, ROOT / "environments", launch)
    assert set(found.outcomes.values()) == {"not due"}
    assert found.verdict == "INCOMPLETE"


@pytest.mark.parametrize(
    "planting",
    [pytest.param(planting, id=name) for name, planting in named()],
)
def test_exactly_the_expected_lines_turn(
    targets: Targets, tmp_path: Path, planting: Planting, record_property: Callable[[str, object], None]
) -> None:
    twice: dict[str, object] = {}
    found = planted(targets, planting, tmp_path / "together", twice)
    if found and len(planting.faults) > 1:
        record_property(ONE_BY_ONE, f"{planting}: {found}")
        found = {}
        for name in planting.faults:
            found |= planted(targets, planting.of(name), tmp_path / name, twice)
    if twice:
        record_property(LOOKED_TWICE, str(twice))
    assert found == {}


def planted(targets: Targets, planting: Planting, folder: Path, twice: dict[str, object]) -> dict[str, object]:
    """Plant, look, mend; return what was not as declared, and keep in `twice` what was so once only.

    Where a look is unknown and should not be, another one follows while the same is planted: what a fault does stays,
    and what a busy machine hid for a moment does not. What is wrong otherwise is wrong at once.
    """
    target = targets.of(planting.kind)
    wrong: dict[str, object] = {}
    try:
        with target.sandbox.plant(*planting.faults):
            for look in planting.looks:
                first = looked_at(targets, planting, look, folder / "-".join(look))
                if not hidden_for_a_moment(first):
                    wrong |= first
                    continue
                again = looked_at(targets, planting, look, folder / "-".join((*look, "again")))
                wrong |= {what: found for what, found in again.items() if what in first}
                twice |= {what: found for what, found in first.items() if what not in again}
    except SandboxFailed as error:
        wrong[str(planting)] = str(error)
    return wrong


def hidden_for_a_moment(wrong: dict[str, object]) -> bool:
    """Return whether all that is wrong about lines is that they are unknown, as where a scrape was missed."""
    of_lines = [str(what) for what in wrong.values() if UNEXPECTED.match(str(what))]
    return bool(of_lines) and all(what.startswith("unknown, not ") for what in of_lines)


def looked_at(targets: Targets, planting: Planting, look: Look, folder: Path) -> dict[str, object]:
    """Look while something is planted; return what is not as declared."""
    judged = targets.of(planting.kind).judge(look, folder)
    different = not_as_declared(judged, targets.healthy(look), planting, look)
    return {f"{planting}, {' '.join(look)}: {what}": found for what, found in different.items()}


def not_as_declared(found: Judged, healthy: Judged, planting: Planting, look: Look) -> dict[str, object]:
    """Compare what a look found with what it found before and what the faults say that they turn."""
    turned = {key: outcome for name in planting.faults for key, outcome in FAULTS[name].turns.items()}
    before = healthy.outcomes
    expected = before | {key: outcome for key, outcome in turned.items() if key in before}
    wrong: dict[str, object] = dict(found.differences(expected))
    if look[0] != Phase.POSTLAUNCH:
        return wrong
    if found.misplaced:
        wrong["misplaced diagnostics"] = found.misplaced
    if look[1] == "others":
        steps = {key: step for key, step in found.steps.items() if key.startswith("slo.")}
        if steps != expected_of(planting, STEPS, {}):
            wrong["steps"] = steps
    else:
        if found.verdict != expected_of(planting, VERDICTS, found.verdict):
            wrong["verdict"] = found.verdict
        if not set(found.diagnostics) >= DIAGNOSTICS:
            wrong["diagnostics"] = sorted(found.diagnostics)
    return wrong


def expected_of(planting: Planting, told: dict[str, Said], otherwise: Said) -> Said:
    """Return what is said of a fault; what is said of one is said of it alone, see `goes_with_others`."""
    return told.get(planting.faults[0], otherwise) if len(planting.faults) == 1 else otherwise


@pytest.mark.parametrize(
    ("wrong", "is_hidden"),
    [
        ({}, False),
        ({"a: x": "unknown, not pass: 0 rows are of exports"}, True),
        ({"a: x": "unknown, not pass: no series", "a: steps": {"b": "warn"}}, True),
        ({"a: x": "unknown, not pass: no series", "a: y": "pass, not fail: "}, False),
        ({"a: x": "fail, not pass: 0.3 below 0.1"}, False),
        ({"a: x": "None, not pass: None"}, False),
        ({"a: verdict": "OK"}, False),
        ({"a": "the sandbox does not answer"}, False),
    ],
)
def test_only_what_is_unknown_is_looked_at_again(wrong: dict[str, object], *, is_hidden: bool) -> None:
    assert hidden_for_a_moment(wrong) is is_hidden


@pytest.mark.parametrize(
    ("name", "word"),
    [
        pytest.param("decision-deferred", "DEFERRED", id="after-0:deferred"),
        pytest.param("decision-open", "INCOMPLETE", id="after-0:open"),
    ],
)
def test_people_have_the_last_word(targets: Targets, tmp_path: Path, name: str, word: str) -> None:
    look = (str(Phase.GA), "own")
    target = targets.of("after")
    with target.sandbox.plant(name):
        found = target.judge(look, tmp_path)
    assert found.outcomes == targets.healthy(look).outcomes
    assert found.verdict == word
