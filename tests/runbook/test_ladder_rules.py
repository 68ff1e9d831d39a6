"""A ladder that cannot reach the verdict is refused: each mistake is a row, and beside it what is meant and accepted.

To add a row, write a line's keys as the runbook has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from readiness.errors import BadRunbook
from readiness.ladder import reached
from readiness.measurements import Measurement, holds
from readiness.outcomes import EscalationStep, Gate, Phase
from readiness.runbook.ladder_rules import bounds_of
from readiness.runbook.limits import Limits, Share
from readiness.runbook.lines import Item, Line, limits_of, load, locate, shipped
from readiness.timeline import parse_span
from tests.house.test_catalogue import CHECKS

ROOT = Path(__file__).parents[2]
ACUTE = {step for step in EscalationStep if step.height >= EscalationStep.CRITICAL.height}
HOUR = parse_span("1h")
LINE = """\
runbook: tiny
title: A tiny one
lines:
  - id: queue
    ref: '1'
    says: the queue is short
"""
CHECK = "decided_by: {demo.queue: {}}"
AFTER, BEFORE, BOTH = "phase: [postlaunch]", "phase: [ga]", "phase: [preflight, postlaunch]"

REFUSED = {
    "acute on a warning": ([AFTER, "gate: warning", "ladder: {critical: 9}", CHECK], "gate: warning"),
    "alert on a warning": ([AFTER, "gate: warning", "ladder: {warn: 2, alert: 9}", CHECK], "leave warn alone"),
    "rollback on a report": ([AFTER, "gate: report", "ladder: {rollback: failed}", CHECK], "write gate: blocker"),
    "no ladder for an action": ([AFTER, "gate: action", CHECK], "write one, such as ladder: {alert: failed}"),
    "warn alone for an action": ([AFTER, "gate: action", "ladder: {warn: 3}", CHECK], "no step above warn"),
    "a ladder in ga": ([BEFORE, "gate: blocker", "ladder: {alert: 9}", CHECK], "add postlaunch to phase"),
    "a ladder before": (["phase: [preflight, smoke]", "gate: blocker", "ladder: {page: 9}", CHECK], "preflight, smoke"),
    "a ladder of no check": ([AFTER, "gate: action", "ladder: {page: failed}", "rendered_as: verdict"], "no check"),
    "a number in quotes": ([AFTER, "gate: blocker", "ladder: {page: '9'}", CHECK], "write the number without quotes"),
    "per cent": ([AFTER, "gate: blocker", "ladder: {page: 20 %}", CHECK], "20 % as 0.2"),
    "a comparator": ([AFTER, "gate: blocker", "ladder: {page: '> 9'}", CHECK], "write the number without quotes"),
    "a typo": ([AFTER, "gate: blocker", "ladder: {page: faild}", CHECK], "did you mean 'failed'?"),
    "a capital": ([AFTER, "gate: blocker", "ladder: {page: FAILED}", CHECK], "did you mean 'failed'?"),
    "nothing": ([AFTER, "gate: blocker", "ladder: {page: ''}", CHECK], "it is empty"),
    "a truth": ([AFTER, "gate: blocker", "ladder: {page: true}", CHECK], "a number or a word is wanted"),
    "infinity": ([AFTER, "gate: blocker", "ladder: {page: .inf}", CHECK], "finite"),
}
ACCEPTED = {
    "warn on a warning": [AFTER, "gate: warning", "ladder: {warn: 5}", CHECK],
    "a blocker without a ladder": [AFTER, "gate: blocker", CHECK],
    "a blocker with warn alone": [AFTER, "gate: blocker", "ladder: {warn: 5}", CHECK],
    "an action": [AFTER, "gate: action", "ladder: {alert: failed}", CHECK],
    "an action of the verdict": [AFTER, "gate: action", "rendered_as: verdict"],
    "postlaunch among others": [BOTH, "gate: blocker", "ladder: {page: 9}", CHECK],
    "a word": [AFTER, "gate: blocker", "ladder: {page: open}", CHECK],
}


def written(folder: Path, keys: list[str]) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(LINE + "".join(f"    {key}\n" for key in keys), encoding="utf-8")
    return path


@pytest.mark.parametrize(("keys", "told"), REFUSED.values(), ids=list(REFUSED))
def test_what_can_never_decide_is_refused(tmp_path: Path, keys: list[str], told: str) -> None:
    with pytest.raises(BadRunbook) as found:
        load(written(tmp_path, keys))
    (problem,) = found.value.problems
    assert told in problem
    assert problem.partition(":")[0].endswith("tiny.yaml")


@pytest.mark.parametrize("keys", ACCEPTED.values(), ids=list(ACCEPTED))
def test_what_decides_is_accepted(tmp_path: Path, keys: list[str]) -> None:
    assert load(written(tmp_path, keys)).lines[0].id == "queue"


class Queue(Limits):
    rows_below: int = 5


class Succeeded(Limits):
    success_share_above: Share = 0.9


class Full(Limits):
    share_at_most: Share = 0.8


class Alive(Limits):
    workers_at_least: int = 2


class Named(Limits):
    name: str = "parser"


class Mixed(Limits):
    calls_at_least: int = 100
    seconds_below: float = 1.0


class Twofold(Limits):
    share_below: Share = 0.8
    connections_below: int = 95


FITTING: list[tuple[type[Limits], str, str]] = [
    (Queue, "{alert: 5, page: 10}", ""),
    (Queue, "{page: 10, pause: 10}", ""),
    (Queue, "{warn: 3, alert: 5}", ""),
    (Queue, "{alert: 10, page: 6}", "write them the other way round"),
    (Queue, "{alert: 3}", ""),
    (Queue, "{warn: 5, alert: 9}", "warn: 5 is never a warning"),
    (Queue, "{warn: 7}", "write a number below 5, or leave warn out"),
    (Queue, "{page: open}", "the check measures a number"),
    (Queue, "{page: failed}", ""),
    (Succeeded, "{alert: 0.9, page: 0.5}", ""),
    (Succeeded, "{warn: 0.95}", ""),
    (Succeeded, "{alert: 0.5, page: 0.9}", "the other way round"),
    (Succeeded, "{warn: 0.9, alert: 0.5}", "write a number above 0.9, or leave warn out"),
    (Full, "{alert: 0.8}", ""),
    (Full, "{alert: 0.9, page: 1.0}", "page: 1: no value lies beyond it"),
    (Alive, "{alert: 2, page: 1}", ""),
    (Alive, "{alert: 2, page: 0}", "page: 0: no value lies beyond it"),
    (Named, "{page: open}", ""),
    (Named, "{page: 3}", ""),
    (Mixed, "{alert: 5, page: 9}", ""),
    (Mixed, "{alert: 9, page: 5}", ""),
    (Twofold, "{critical: 0.95, warn: 0.8}", ""),
]


@pytest.mark.parametrize(("model", "ladder", "told"), FITTING)
def test_steps_are_in_reach_and_in_order(tmp_path: Path, model: type[Limits], ladder: str, told: str) -> None:
    book = load(written(tmp_path, [AFTER, "gate: blocker", f"ladder: {ladder}", CHECK]))
    (item,) = book.items()
    problems: list[str] = []
    try:
        limits_of(item, model)
    except BadRunbook as error:
        problems = error.problems
    assert len(problems) == bool(told), problems
    assert all(told in one and one.startswith("runbook tiny: line queue: demo.queue: ladder: ") for one in problems)


def shipped_ladders() -> Iterator[Item]:
    for name in shipped():
        for item in load(locate(name, ROOT)).items():
            if item.line.ladder or item.line.gate is Gate.ACTION:
                yield item


ITEMS = list(shipped_ladders())
WITH_CHECK = [item for item in ITEMS if item.check in CHECKS]


def named(item: Item) -> str:
    return f"{item.check}[{item.name}]"


@pytest.mark.parametrize("item", WITH_CHECK, ids=named)
def test_each_shipped_step_is_reached_by_a_value_that_the_check_can_measure(item: Item) -> None:
    model = CHECKS[item.check].__annotations__.get("limits", Limits)
    bounds = bounds_of(dict(limits_of(item, model)))
    for step, threshold in item.line.ladder.items():
        if isinstance(threshold, str):
            taken = [Measurement("what is wrong", [f"one {threshold}"], "none", None, "", ok=False)]
        else:
            comparator = bounds[0].comparator.removeprefix("_")
            value = threshold * (0.999 if bounds[0].is_floor else 1.001)
            ok = holds(value, comparator, bounds[0].number)
            taken = [Measurement("a figure", value, comparator, bounds[0].number, "", ok=ok)]
        found = reached(item.line.ladder, taken)
        assert found
        assert found.height >= step.height


@pytest.mark.parametrize("item", ITEMS, ids=named)
def test_each_shipped_ladder_decides(item: Item) -> None:
    assert Phase.POSTLAUNCH in item.line.phase
    assert item.line.gate in {Gate.BLOCKER, Gate.ACTION} or set(item.line.ladder) <= {EscalationStep.WARN}


@pytest.mark.parametrize("item", WITH_CHECK, ids=named)
def test_acute_steps_judge_the_last_hour(item: Item) -> None:
    """An hour of nothing but failures is lost among 24: what is acute by then is told a day late."""
    model = CHECKS[item.check].__annotations__.get("limits", Limits)
    window = dict(limits_of(item, model)).get("window", "1h")
    assert not ACUTE & set(item.line.ladder) or parse_span(str(window)) <= HOUR


def test_every_action_line_has_a_step_or_is_the_verdict_itself() -> None:
    lines: list[Line] = [line for name in shipped() for line in load(locate(name, ROOT)).lines]
    actions = [line for line in lines if line.gate is Gate.ACTION]
    assert [line.id for line in actions if not line.ladder] == ["severity", "severity"]
