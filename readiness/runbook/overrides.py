"""Whether what an environment states of a line demands less than the line, more, or only something else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from readiness.files.canonical_json import JsonObject, as_plain
from readiness.measurements import as_decimal, show
from readiness.runbook.dated_limits import begin_of_day, in_force
from readiness.runbook.limits import Limits, minimums_of
from readiness.runbook.line_overlay import Overlaid
from readiness.runbook.lines import Item
from readiness.timeline import parse_span

LOOSER_WHEN_HIGHER = ("below", "at_most")
LOOSER_WHEN_LOWER = ("above", "at_least")
EACH = "each"
SEVERITY = "severity of a failure"
"""A check may have a limit that is called `severity`."""
SHOWN_AT_MOST = 6
ASKS_NOTHING: tuple[object, ...] = (None, "", [], {})
"""Values of a limit that ask for nothing in particular: for all there is, or for the check's own bound."""


class Effect(StrEnum):
    """What an environment's word does to a demand, the mildest first."""

    FILLED_IN = "filled in"
    """The line is unknown for want of it, and leaves it to whoever has the product."""
    STRICTER = "stricter"
    CHANGED = "changed"
    """A word or a path: there is no more or less of it."""
    LOOSER = "looser"
    """Also where nobody can tell whether it demands less."""

    @property
    def is_told(self) -> bool:
        """Whether whoever reads the outcome has to know of it."""
        return self in {Effect.CHANGED, Effect.LOOSER}


_WORST_LAST = list(Effect)


@dataclass(frozen=True)
class Override:
    """One limit of a line that an environment states in the place of the runbook."""

    limit: str
    now: Any
    own: Any
    """What would bind without it; None where nothing would."""
    is_default: bool
    """Whether that is the check's default, and no word of the line."""
    effect: Effect
    file: str
    because: str
    day: date | None = None
    """From when on that is so; None for what binds already."""

    @property
    def whose(self) -> str:
        """The figure in its place, and whose it is: `the line: 0.8`."""
        if self.effect is Effect.FILLED_IN:
            return "the line states none"
        return f"{'by default' if self.is_default else 'the line'}: {_shown(self.own)}"

    @property
    def says(self) -> str:
        """The limit, what it is beside the line's own, and why."""
        return f"{self._value}, {self._beside}"

    def __str__(self) -> str:
        """Return the same with the file, for who reads the outcome."""
        return f"{self._value} by {self.file}, {self._beside}"

    @property
    def _value(self) -> str:
        return f"{self.limit} {_shown(self.now)}{f' from {self.day} on' if self.day else ''}"

    @property
    def _beside(self) -> str:
        why = f", because {self.because}" if self.because else ""
        return f"{self.effect} ({self.whose}){why}"


@dataclass(frozen=True)
class OwnLimits:
    """What the type of a check's limits says where nobody states anything."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] | None = None
    """None: the type is not known."""
    minimums: frozenset[str] = frozenset()
    """So many events it takes to judge: the more, the more must be missing before anything fails."""
    neutral: frozenset[str] = frozenset()
    """Without them the check compares nothing in their place, so that one more only asks for more."""

    @classmethod
    def of(cls, model: type[Limits], neutral: Iterable[str] = ()) -> OwnLimits:
        """Return the defaults of a type, and what is neutral in the check that takes it."""
        fields = model.model_fields.items()
        defaults = {name: as_plain(known.get_default(call_default_factory=True)) for name, known in fields}
        required = frozenset(name for name, known in fields if known.is_required())
        optional = {name: value for name, value in defaults.items() if name not in required}
        return cls(optional, required, minimums_of(model), frozenset(neutral))

    def of_what_lacks(self, key: str) -> Effect:
        """Return what a limit is that has nothing to be compared with. Of an unknown type it may have a default."""
        return Effect.FILLED_IN if self.required and key in self.required else Effect.CHANGED

    def compared(self, key: str, own: Any, now: Any) -> Effect | None:
        """Return what a limit is in the place of another one; None where it is the same."""
        if own is None and now is not None and key in self.neutral:
            return Effect.STRICTER if _is_comparator(key) and _number(now) is not None else Effect.LOOSER
        effect = compared(key, own, now)
        is_raised_or_lowered = effect is not None and _number(own) is not None and _number(now) is not None
        if key not in self.minimums or not is_raised_or_lowered:
            return effect
        # With fewer events more fails, and more passes that nobody could tell before.
        return Effect.LOOSER if effect is Effect.STRICTER else Effect.CHANGED


def overrides_of(item: Item, moment: datetime, own: OwnLimits | None = None) -> Iterator[Override]:
    """Yield what an environment states of an item's limits otherwise than its line and its check."""
    overlaid = item.line.overlaid
    if overlaid is None:
        return
    if item.check in overlaid.stated:
        yield from _of_check(item, overlaid, moment, own or OwnLimits())
    if overlaid.severity is not None and overlaid.severity != overlaid.own_severity:
        effect = Effect.CHANGED if overlaid.own_severity else Effect.FILLED_IN
        yield _override(overlaid, SEVERITY, (overlaid.severity, overlaid.own_severity), effect)


def unexplained(item: Item, overrides: Iterable[Override]) -> Iterator[str]:
    """Yield each override that demands less and says no word why."""
    overlaid = item.line.overlaid
    for override in overrides:
        if overlaid and override.effect is Effect.LOOSER and not override.because:
            says = f"{override.limit} {_shown(override.now)} is looser ({override.whose})"
            yield f"{overlaid.place}: {item.check}: {says}; write why in production: because: ..."


def _of_check(item: Item, overlaid: Overlaid, moment: datetime, own: OwnLimits) -> Iterator[Override]:
    stated, by_line = overlaid.stated[item.check], overlaid.own[item.check]
    now = overlaid.merged[item.check]
    for key in stated:
        worst: Override | None = None
        for day in [None, *_later_days(moment, stated, by_line)]:
            then = begin_of_day(day) if day else moment
            override = _at(key, overlaid, in_force(now, then).limits, in_force(by_line, then).limits, own)
            if override and (worst is None or _is_worse(override, worst)):
                worst = replace(override, day=day)
        if worst:
            yield worst


def _is_worse(override: Override, other: Override) -> bool:
    return _WORST_LAST.index(override.effect) > _WORST_LAST.index(other.effect)


def _later_days(moment: datetime, *stated: JsonObject) -> list[date]:
    """Return the days after a moment from which something else binds, the nearest first."""
    return sorted({part.day for limits in stated for part in in_force(limits, moment).ahead})


def _at(key: str, overlaid: Overlaid, now: JsonObject, by_line: JsonObject, own: OwnLimits) -> Override | None:
    """Return what an environment's limit is beside the line's at one moment; None where it is the same."""
    if key == EACH:
        return _each(overlaid, now, by_line, own)
    is_default = key not in by_line
    if is_default and key not in own.defaults:
        return _override(overlaid, key, (now.get(key), None), own.of_what_lacks(key))

    before = own.defaults[key] if is_default else by_line[key]
    after = now.get(key, own.defaults.get(key))
    effect = own.compared(key, before, after)
    return _override(overlaid, key, (after, before), effect, is_default=is_default) if effect else None


def _each(overlaid: Overlaid, now: JsonObject, by_line: JsonObject, own: OwnLimits) -> Override | None:
    """Return what the things that an environment names are beside those of the line; None where they are the same."""
    (key, subjects), *_ = now[EACH].items()
    named = by_line.get(EACH, {})
    is_default = key not in named and key not in by_line
    if key in named:
        before = list(named[key])
    elif not is_default:
        before = [by_line[key]]
    elif key in own.defaults:
        before = [own.defaults[key]]
    else:
        before = []

    is_fewer = any(subject not in subjects for subject in before) or bool(named.keys() - {key})
    if is_fewer:
        effect = Effect.LOOSER
    elif not before:
        effect = own.of_what_lacks(key)
    else:
        effect = Effect.STRICTER
    is_same = before == list(subjects) and not named.keys() - {key}
    shown = before or (list(named) if named else None)
    return None if is_same else _override(overlaid, key, (list(subjects), shown), effect, is_default=is_default)


def _override(
    overlaid: Overlaid, limit: str, values: tuple[Any, Any], effect: Effect, *, is_default: bool = False
) -> Override:
    now, own = values
    return Override(limit, now, own, is_default, effect, overlaid.file, overlaid.because)


def compared(key: str, own: Any, now: Any) -> Effect | None:
    """Return what a limit is in the place of another one, by the comparator in its key; None where it is the same.

    >>> compared("share_below", 0.8, 0.9), compared("replicas_at_least", 2, 3), compared("path", "/health", "/ready")
    (<Effect.LOOSER: 'looser'>, <Effect.STRICTER: 'stricter'>, <Effect.CHANGED: 'changed'>)
    """
    if not _is_comparator(key):
        return _without_direction(own, now)

    before, after = _number(own), _number(now)
    # What is no number limits nothing that could be compared, and in its place the check may have a bound of its own.
    if before is None or after is None:
        return None if own == now else Effect.LOOSER
    if before == after:
        return None
    is_looser = after > before if key.endswith(LOOSER_WHEN_HIGHER) else after < before
    return Effect.LOOSER if is_looser else Effect.STRICTER


def _is_comparator(key: str) -> bool:
    return key.endswith(LOOSER_WHEN_HIGHER + LOOSER_WHEN_LOWER)


def _without_direction(own: Any, now: Any) -> Effect | None:
    """Return what a limit is whose key has no comparator. Which way it goes nobody knows: it is never called stricter.

    >>> _without_direction("7d", "30d"), _without_direction(["cto", "cpo"], ["cto"]), _without_direction("/a", "/b")
    (<Effect.LOOSER: 'looser'>, <Effect.LOOSER: 'looser'>, <Effect.CHANGED: 'changed'>)
    """
    if own == now and isinstance(own, bool) is isinstance(now, bool):
        return None
    # Where one of them asks for all, or for the check's own bound, the other one may ask for less.
    if own in ASKS_NOTHING or now in ASKS_NOTHING:
        return Effect.LOOSER
    if _is_quantity(own) or _is_quantity(now) or _lost_something(own, now):
        return Effect.LOOSER
    return Effect.CHANGED


def _is_quantity(value: Any) -> bool:
    """Check whether a limit is a number, a truth or a span of time."""
    if isinstance(value, bool) or _number(value) is not None:
        return True
    try:
        return isinstance(value, str) and parse_span(value) is not None
    except ValueError:
        return False


def _lost_something(own: Any, now: Any) -> bool:
    """Check whether a list or a table has not all any more that it had."""
    if isinstance(own, dict):
        return not isinstance(now, dict) or any(key not in now or now[key] != value for key, value in own.items())
    if isinstance(own, list):
        return not isinstance(now, list) or any(own.count(entry) > now.count(entry) for entry in own)
    return isinstance(now, list | dict)


def _number(value: Any) -> float | None:
    """Return a limit as a number, also one in quotes, which the limits of a check take for one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return as_decimal(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _shown(value: Any) -> str:
    if value == "":
        return "nothing"
    if isinstance(value, list) and len(value) > SHOWN_AT_MOST:
        return f"{show(as_plain(value[:SHOWN_AT_MOST]))} and {len(value) - SHOWN_AT_MOST} more"
    return show(as_plain(value))
