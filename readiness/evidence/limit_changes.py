"""What a plan demands less of than the plan before it: a limit, a line, a gate, a due time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from readiness.evidence.records import Plan, PlannedLine
from readiness.files.canonical_json import as_plain
from readiness.measurements import show
from readiness.outcomes import Gate
from readiness.timeline import AFTER_SIGN_OFF, parse_offset

LOOSER_WHEN_HIGHER = ("below", "at_most")
LOOSER_WHEN_LOWER = ("above", "at_least")
_STRICTEST = [Gate.BLOCKER, Gate.ACTION, Gate.WARNING, Gate.REPORT]


def loosened(before: Plan, now: Plan) -> Iterator[str]:
    """Yield each demand that became weaker; a limit whose name has no direction counts as soon as it changed."""
    for line in before.lines:
        same_line = now.line(line.id)
        if same_line is None:
            yield f"{line.id}: the line is gone"
            continue
        for change in _of_line(line, same_line):
            yield f"{line.id}: {change}"

    demanded = {item.key for item in now.items}
    lines = {line.id for line in now.lines}
    for item in before.items:
        # The items of a line that is gone are gone with it.
        if item.subject and item.line in lines and item.key not in demanded:
            yield f"{item.line}: nobody asks for {item.subject} any more"


def _of_line(before: PlannedLine, now: PlannedLine) -> Iterator[str]:
    if _STRICTEST.index(now.gate) > _STRICTEST.index(before.gate):
        yield f"gate {before.gate} -> {now.gate}"
    if now.due != before.due and _is_later(before.due, now.due):
        yield f"due {before.due or 'always'} -> {now.due}"
    if now.consecutive > before.consecutive:
        yield f"consecutive {before.consecutive} -> {now.consecutive}"
    if now.ladder != before.ladder:
        yield f"ladder {show(as_plain(before.ladder))} -> {show(as_plain(now.ladder))}"

    for check, limits in before.limits.items():
        if check not in now.limits:
            yield f"{check} decides it no more"
            continue
        for change in _of_limits(limits, now.limits[check]):
            yield f"{check}.{change}"


def _is_later(before: str | None, now: str | None) -> bool:
    """Check whether a due time comes later than another; None is due always."""
    if now is None or before == AFTER_SIGN_OFF:
        return False
    if before is None or now == AFTER_SIGN_OFF:
        return True
    return parse_offset(now) > parse_offset(before)


def _of_limits(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        # What `each` names has items of its own, which are compared one by one.
        if name == "each":
            continue

        old = before.get(name)
        new = now.get(name)
        if old == new or _is_tighter(name, old, new):
            continue
        yield f"{name} {_shown(old)} -> {_shown(new)}"


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
