"""What a plan demands otherwise than the plan before it: a limit, a line, a gate, a due time, and which way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeGuard

from readiness.evidence.recorded_ahead import bound_at
from readiness.evidence.records import Plan, PlannedItem, PlannedLine
from readiness.files.canonical_json import as_plain
from readiness.measurements import show
from readiness.outcomes import Gate, Phase
from readiness.runbook.overrides import LOOSER_WHEN_HIGHER, LOOSER_WHEN_LOWER
from readiness.timeline import AFTER_SIGN_OFF, parse_offset

_STRICTEST = [Gate.BLOCKER, Gate.ACTION, Gate.WARNING, Gate.REPORT]


class Direction(StrEnum):
    """What a change does to what is demanded."""

    LOOSER = "LOOSENED"
    TIGHTER = "TIGHTENED"
    NEWLY = "NEWLY STATED"
    """Nobody knows what it was judged by before: it may demand less."""
    SAME = "changed"
    """It demands the same, in other words."""

    @property
    def may_demand_less(self) -> bool:
        """Whether something may pass by it that did not before."""
        return self in {Direction.LOOSER, Direction.NEWLY}


@dataclass(frozen=True)
class Change:
    """One change of a line."""

    direction: Direction
    line: str
    says: str
    begins: datetime | None = None
    """The instant from which it demands that; None for what binds already."""

    def __str__(self) -> str:
        """Return the line and what has changed of it."""
        return f"{self.line}: {self.says}"


NEW, GONE = "the line is new", "the line is gone"
ASKS_OTHERWISE = "what it asks by itself (its readings) has changed"
"""Of a runbook: whether the new queries demand less nobody can tell."""


def loosened(before: Plan, now: Plan) -> Iterator[str]:
    """Yield each demand that became weaker; a limit whose name has no direction counts as soon as it changed."""
    yield from (str(change) for change in changes(before, now) if change.direction.may_demand_less)


def changes(before: Plan, now: Plan) -> Iterator[Change]:
    """Yield all that two plans demand differently."""
    for line in before.lines:
        same_line = now.line(line.id)
        if same_line is None:
            yield Change(Direction.LOOSER, line.id, GONE)
            continue
        bound = list(_of_line(line, same_line))
        yield from (Change(direction, line.id, says) for direction, says in bound)
        yield from _from_later_days(line, same_line, {says for _, says in bound})
    for line in now.lines:
        if before.line(line.id) is None:
            yield Change(Direction.TIGHTER, line.id, NEW)

    yield from (Change(Direction.LOOSER, runbook, ASKS_OTHERWISE) for runbook in _asking_otherwise(before, now))
    for item in _without(before, now):
        yield Change(Direction.LOOSER, item.line, f"nobody asks for {item.subject} any more")
    for item in _without(now, before):
        yield Change(Direction.TIGHTER, item.line, f"it asks for {item.subject} too")


def _asking_otherwise(before: Plan, now: Plan) -> Iterator[str]:
    """Yield each runbook whose own queries are others; of one that had none before nothing rests on these."""
    digests = {line.runbook: line.own_readings for line in now.lines}
    had = {line.runbook: line.own_readings for line in before.lines if line.own_readings}
    yield from (runbook for runbook, digest in had.items() if digests.get(runbook, digest) != digest)


def as_it_binds(plan: Plan, moment: datetime) -> Plan:
    """Return a plan with the limits that bind at a moment after it was made, by the days that it states itself."""
    return plan.model_copy(update={"lines": tuple(_line_at(line, moment) for line in plan.lines)})


def as_it_decides(plan: Plan, phase: Phase) -> Plan:
    """Return a plan with what decides in a phase: only the hours after the launch have a ladder."""
    if phase is Phase.POSTLAUNCH:
        return plan
    no_ladder = {"ladder": {}, "consecutive": 1}
    return plan.model_copy(update={"lines": tuple(line.model_copy(update=no_ladder) for line in plan.lines)})


def _line_at(line: PlannedLine, moment: datetime) -> PlannedLine:
    later = {check: tuple(part for part in parts if part.begins > moment) for check, parts in line.ahead.items()}
    return line.model_copy(update={"limits": bound_at(line.limits, line.ahead, moment), "ahead": later})


def _from_later_days(before: PlannedLine, now: PlannedLine, bound: set[str]) -> Iterator[Change]:
    """Yield what two plans of a line demand differently from a later day, besides what they do already."""
    days = sorted({part.begins for line in (before, now) for parts in line.ahead.values() for part in parts})
    seen = set(bound)
    for begins in days:
        for direction, says in _of_checks(_line_at(before, begins), _line_at(now, begins)):
            if says not in seen:
                seen.add(says)
                yield Change(direction, now.id, f"{says} from {begins:%Y-%m-%d}", begins)


def _without(plan: Plan, other: Plan) -> Iterator[PlannedItem]:
    """Yield what a plan asks of a line by name and another one that has this line does not."""
    demanded = {item.key for item in other.items}
    lines = {line.id for line in other.lines}
    for item in plan.items:
        # The items of a line that is gone are gone with it.
        if item.subject and item.line in lines and item.key not in demanded:
            yield item


def _of_line(before: PlannedLine, now: PlannedLine) -> Iterator[tuple[Direction, str]]:
    if now.gate != before.gate:
        is_weaker = _STRICTEST.index(now.gate) > _STRICTEST.index(before.gate)
        yield _either(is_weaker), f"gate {before.gate} -> {now.gate}"
    if now.due != before.due:
        yield _either(_is_later(before.due, now.due)), f"due {before.due or 'always'} -> {now.due or 'always'}"
    if now.consecutive != before.consecutive:
        yield _either(now.consecutive > before.consecutive), f"consecutive {before.consecutive} -> {now.consecutive}"
    if now.ladder != before.ladder:
        yield Direction.LOOSER, f"ladder {show(as_plain(before.ladder))} -> {show(as_plain(now.ladder))}"
    if now.severity != before.severity:
        was, now_is = (show(as_plain(line.severity)) or "none" for line in (before, now))
        yield Direction.SAME, f"severity {was} -> {now_is}"
    if now.says != before.says:
        yield Direction.SAME, "its sentence"
    yield from _of_checks(before, now)


def _either(is_weaker: bool) -> Direction:
    return Direction.LOOSER if is_weaker else Direction.TIGHTER


def _of_checks(before: PlannedLine, now: PlannedLine) -> Iterator[tuple[Direction, str]]:
    for check, limits in before.limits.items():
        if check not in now.limits:
            yield Direction.LOOSER, f"{check} decides it no more"
            continue
        for direction, says in _of_limits(limits, now.limits[check]):
            yield direction, f"{check}.{says}"
    for check in now.limits:
        if check not in before.limits:
            yield Direction.TIGHTER, f"{check} decides it too"


def _is_later(before: str | None, now: str | None) -> bool:
    """Check whether a due time comes later than another; None is due always."""
    if now is None or before == AFTER_SIGN_OFF:
        return False
    if before is None or now == AFTER_SIGN_OFF:
        return True
    return parse_offset(now) > parse_offset(before)


def _of_limits(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[Direction, str]]:
    for name in sorted({*before, *now}):
        # What `each` names has items of its own, which are compared one by one.
        if name == "each":
            continue

        old = before.get(name)
        new = now.get(name)
        if old is None and new is not None:
            yield Direction.NEWLY, f"{name} {_shown(old)} -> {_shown(new)}"
        elif old != new:
            yield _either(not _is_tighter(name, old, new)), f"{name} {_shown(old)} -> {_shown(new)}"


def _shown(value: Any) -> str:
    return "the check's own" if value is None else show(value)


def _is_tighter(name: str, old: Any, new: Any) -> bool:
    """Check whether a limit became stricter; never where its name does not say which way that is."""
    if not (_is_number(old) and _is_number(new)):
        return False
    if name.endswith(LOOSER_WHEN_HIGHER):
        return new < old
    if name.endswith(LOOSER_WHEN_LOWER):
        return new > old
    return False


def _is_number(value: object) -> TypeGuard[int | float]:
    # True is an int to Python, and no quantity.
    return isinstance(value, int | float) and not isinstance(value, bool)
