"""What a plan demands less of than the plan before it: a limit, a line, a gate, a due time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.evidence.records import Plan, PlannedLine
from readiness.files.canonical_json import as_plain
from readiness.measurements import show
from readiness.outcomes import Gate
from readiness.timeline import AFTER_SIGN_OFF, parse_offset

LOOSER_WHEN_HIGHER = ("below", "at_most")
LOOSER_WHEN_LOWER = ("above", "at_least")
_STRICTEST = [Gate.BLOCKER, Gate.ACTION, Gate.WARNING, Gate.REPORT]


def loosened(before: Plan, now: Plan) -> Iterator[str]:
    """Tell each demand that became weaker; one whose direction nobody can read is told when it changed."""
    for line in before.lines:
        found = now.line(line.id)
        if found is None:
            yield f"{line.id}: the line is gone"
        else:
            yield from (f"{line.id}: {told}" for told in _of_line(line, found))
    left = {item.key for item in now.items}
    known = {line.id for line in now.lines}
    for item in before.items:
        if item.subject and item.line in known and item.key not in left:
            yield f"{item.line}: nobody asks for {item.subject} any more"


def _of_line(before: PlannedLine, now: PlannedLine) -> Iterator[str]:
    if _STRICTEST.index(now.gate) > _STRICTEST.index(before.gate):
        yield f"gate {before.gate} -> {now.gate}"
    if now.due != before.due and _later(before.due, now.due):
        yield f"due {before.due or 'always'} -> {now.due}"
    if now.consecutive > before.consecutive:
        yield f"consecutive {before.consecutive} -> {now.consecutive}"
    if now.ladder != before.ladder:
        yield f"ladder {show(as_plain(before.ladder))} -> {show(as_plain(now.ladder))}"
    for check, limits in before.limits.items():
        if check not in now.limits:
            yield f"{check} decides it no more"
            continue
        yield from (f"{check}.{told}" for told in _of_limits(limits, now.limits[check]))


def _later(before: str | None, now: str | None) -> bool:
    if now is None or before == AFTER_SIGN_OFF:
        return False
    if before is None or now == AFTER_SIGN_OFF:
        return True
    return parse_offset(now) > parse_offset(before)


def _of_limits(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old == new or name == "each":  # what is named there is told item by item
            continue
        if _is_tighter(name, old, new):
            continue
        yield f"{name} {_shown(old)} -> {_shown(new)}"


def _shown(value: Any) -> str:
    return "the check's own" if value is None else show(value)


def _is_tighter(name: str, old: Any, new: Any) -> bool:
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in (old, new)):
        return False
    if name.endswith(LOOSER_WHEN_HIGHER):
        return bool(new < old)
    return bool(new > old) if name.endswith(LOOSER_WHEN_LOWER) else False
