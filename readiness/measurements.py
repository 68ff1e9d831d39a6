"""A measurement: a value held against its limit. Recorded first, compared second."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Literal, cast

from readiness.outcomes import Unknown

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
"""What may stand in the journal and cross processes: plain JSON."""

_LARGE = 10_000
"""From here on a person reads no digits after the point, and wants none of `1e+04`."""
COMPARATORS = {
    "below": "<",
    "at_most": "≤",
    "at_least": "≥",
    "above": ">",
    "is": "=",
    "none": "none",
}


_DECIMAL = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
_NOT_FINITE = re.compile(r"[+-]?inf(?:inity)?|nan", re.IGNORECASE)


def is_digits(text: str) -> bool:
    """Check whether a text is digits of ASCII alone: Python takes those of all scripts, which few people can read.

    >>> [is_digits(text) for text in ("12", "\uff11\uff12", "\u0661", "\u00b2", "")]
    [True, False, False, False, False]
    """
    return text.isascii() and text.isdecimal()


def as_decimal(text: str) -> float:
    """Return a text as the number that it is to every reader: without underscores and digits of other scripts.

    Raises ValueError.

    >>> as_decimal("1e3")
    1000.0
    """
    if not (_DECIMAL.fullmatch(text) or _NOT_FINITE.fullmatch(text)):
        raise ValueError(f"{text!r} is not a decimal number")
    return float(text)


Known = Literal["exactly", "at least", "refused", "silent"]
"""What is known of a value: itself, that it is at least so much, or that the other side said this in place of one, or
nothing at all."""
EXACTLY: Known = "exactly"
NO_VALUE = {"refused", "silent"}


@dataclass(frozen=True)
class AtLeast:
    """A number of which a lower bound is known: nobody saw how much larger it is. It can break a limit and keeps none.

    >>> Measure()(AtLeast(10.0), "answer time of /health", "s").below(0.5)
    Traceback (most recent call last):
    AssertionError: answer time of /health: ≥ 10 s, allowed < 0.5
    """

    at_least: float


@dataclass(frozen=True)
class Refusal:
    """What came back in place of a value: the other side itself said no. It keeps no limit.

    >>> Measure()(Refusal("connection refused"), "status of /health").is_(200)
    Traceback (most recent call last):
    AssertionError: status of /health: connection refused, allowed = 200
    """

    refused: str
    is_silence: bool = False
    """It said nothing, and is proven to be there no more: that alone escalates more slowly."""


@dataclass(frozen=True)
class Measurement:
    """What was measured, what was allowed, and whether that was met."""

    name: str
    value: Plain
    comparator: str
    limit: Plain
    unit: str
    ok: bool
    known: Known = "exactly"

    @property
    def seen(self) -> str:
        """The value as a person reads it: `0.35`, `≥ 10 s`."""
        if self.known in NO_VALUE:
            return show(self.value)
        bound = "≥ " if self.known == "at least" else ""
        return f"{bound}{show(self.value)} {self.unit}".strip()

    @property
    def allowed(self) -> str:
        """The limit as a person reads it: `< 0.8`."""
        if self.comparator == "none":
            return "none"
        return f"{COMPARATORS[self.comparator]} {show(self.limit)}"

    def __str__(self) -> str:
        return f"{self.name}: {self.seen}, allowed {self.allowed}"


def show(value: Plain) -> str:
    """Format a value for a person: few digits, lists without brackets."""
    if isinstance(value, list):
        return ", ".join(show(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {show(item)}" for key, item in value.items()) or "none"
    return _show_scalar(value)


def _show_scalar(value: bool | float | str | None) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < _LARGE else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    return value


def holds(value: Plain, comparator: str, limit: Plain, known: Known = "exactly") -> bool:
    """Check whether a value keeps to its limit. Raises Unknown where a number is needed and there is no finite one.

    Of a value that is known to be at least so much only a ceiling can be broken; all else is Unknown, never kept.
    """
    if known in NO_VALUE:
        return False
    if known == "at least":
        return _breaks_ceiling(value, comparator, limit)
    if comparator == "is":
        return value == limit
    if comparator == "none":
        return not value

    number = _number(value)
    bound = _number(limit)
    return _COMPARE[comparator](number, bound)


def _breaks_ceiling(value: Plain, comparator: str, limit: Plain) -> bool:
    """Return False where a lower bound is beyond a ceiling already. Raises Unknown for everything else."""
    if comparator in _CEILINGS and not _COMPARE[comparator](_number(value), _number(limit)):
        return False
    raise Unknown(
        f"it is known to be at least {show(value)}, which does not decide {COMPARATORS[comparator]} {show(limit)}",
        "see all of it: where an answer took too long, raise the client's deadline above the limit",
    )


_CEILINGS = {"below", "at_most"}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "below": operator.lt,
    "at_most": operator.le,
    "at_least": operator.ge,
    "above": operator.gt,
}


def _number(value: Plain) -> float:
    # True is an int to Python, and NaN would keep to no limit and break none.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unknown(f"{show(value)} is not a number", "look at what the source answers; see the journal")
    return value


@dataclass(frozen=True)
class MeasuredValue:
    """A value that waits for its limit: `measure(value, "name").below(limit)`."""

    measure: Measure
    value: Plain
    name: str
    unit: str
    known: Known = "exactly"

    def below(self, limit: float) -> None:
        """Demand value < limit."""
        __tracebackhide__ = True
        self._hold("below", limit)

    def at_most(self, limit: float) -> None:
        """Demand value ≤ limit."""
        __tracebackhide__ = True
        self._hold("at_most", limit)

    def at_least(self, limit: float) -> None:
        """Demand value ≥ limit."""
        __tracebackhide__ = True
        self._hold("at_least", limit)

    def above(self, limit: float) -> None:
        """Demand value > limit."""
        __tracebackhide__ = True
        self._hold("above", limit)

    def is_(self, wanted: Plain) -> None:
        """Demand value == wanted."""
        __tracebackhide__ = True
        self._hold("is", wanted)

    def is_none_of_them(self) -> None:
        """Demand an empty collection: nothing is wrong. The collection's items are the culprits."""
        __tracebackhide__ = True
        self._hold("none", None)

    def _hold(self, comparator: str, limit: Plain) -> None:
        __tracebackhide__ = True
        ok = holds(self.value, comparator, limit, self.known)
        measurement = Measurement(self.name, self.value, comparator, limit, self.unit, ok, self.known)
        self.measure.taken.append(measurement)
        assert ok, str(measurement)


@dataclass
class Measure:
    """Records what a check measures; a check gets it as `measure`.

    >>> measure = Measure()
    >>> measure(7 / 20, "connections in use").below(0.8)
    >>> measure(["orders-db"], "databases without a backup").is_none_of_them()
    Traceback (most recent call last):
    AssertionError: databases without a backup: orders-db, allowed none
    >>> [str(measurement) for measurement in measure.taken]
    ['connections in use: 0.35, allowed < 0.8', 'databases without a backup: orders-db, allowed none']
    """

    taken: list[Measurement] = field(default_factory=list)

    def __call__(self, value: Plain | Collection[str] | AtLeast | Refusal, name: str, unit: str = "") -> MeasuredValue:
        """Return a named value, ready to be compared. `unit` is for people: seconds, rows, share."""
        if isinstance(value, AtLeast):
            return MeasuredValue(self, value.at_least, name, unit, "at least")
        if isinstance(value, Refusal):
            return MeasuredValue(self, value.refused, name, unit, "silent" if value.is_silence else "refused")

        # JSON has no tuple and no set: what crosses processes is a list.
        plain = list(value) if isinstance(value, tuple | set | frozenset) else value
        return MeasuredValue(self, cast("Plain", plain), name, unit)
