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
from readiness.runbook.limits import Limits
from readiness.runbook.line_overlay import Overlaid
from readiness.runbook.lines import Item

LOOSER_WHEN_HIGHER = ("below", "at_most")
LOOSER_WHEN_LOWER = ("above", "at_least")
EACH = "each"
SEVERITY = "severity of a failure"
"""A check may have a limit that is called `severity`."""
SHOWN_AT_MOST = 6
ASKS_NOTHING: tuple[object, ...] = (None, "", [], {})
"""Values of a limit that ask for nothing."""


class Effect(StrEnum):
    """What an environment's word does to a demand, the mildest first."""

    FILLED_IN = "filled in"
    """The line says nothing of it, and leaves it to whoever has the product."""
    STRICTER = "stricter"
    CHANGED = "changed"
    """A word or a path: there is no more or less of it."""
    LOOSER = "looser"

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

    @classmethod
    def of(cls, model: type[Limits]) -> OwnLimits:
        """Return the defaults of a type."""
        fields = model.model_fields.items()
        defaults = {name: as_plain(known.get_default(call_default_factory=True)) for name, known in fields}
        required = frozenset(name for name, known in fields if known.is_required())
        return cls({name: value for name, value in defaults.items() if name not in required}, required)


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
        # Where the type is not known, there may be a default.
        effect = Effect.CHANGED if own.required is None else Effect.FILLED_IN
        return _override(overlaid, key, (now.get(key), None), effect)

    before = own.defaults[key] if is_default else by_line[key]
    after = now.get(key, own.defaults.get(key))
    effect_of = compared(key, before, after)
    return _override(overlaid, key, (after, before), effect_of, is_default=is_default) if effect_of else None


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
        effect = Effect.FILLED_IN
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
    is_ceiling, is_floor = key.endswith(LOOSER_WHEN_HIGHER), key.endswith(LOOSER_WHEN_LOWER)
    if not (is_ceiling or is_floor):
        return _compared_words(own, now)

    before, after = _number(own), _number(now)
    # What is no number limits nothing that could be compared.
    if after is None:
        return None if own == now else Effect.LOOSER
    if before is None:
        return Effect.STRICTER
    if before == after:
        return None
    is_looser = after > before if is_ceiling else after < before
    return Effect.LOOSER if is_looser else Effect.STRICTER


def _compared_words(own: Any, now: Any) -> Effect | None:
    if own == now and isinstance(own, bool) is isinstance(now, bool):
        return None
    if own in ASKS_NOTHING:
        return Effect.FILLED_IN
    return Effect.LOOSER if now in ASKS_NOTHING else Effect.CHANGED


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
    if isinstance(value, list) and len(value) > SHOWN_AT_MOST:
        return f"{show(as_plain(value[:SHOWN_AT_MOST]))} and {len(value) - SHOWN_AT_MOST} more"
    return show(as_plain(value))
