"""The typed limits of the checks that decide a runbook's lines."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo


def as_share(value: float) -> float:
    """Return a share, 0 to 1. Raises ValueError."""
    if 0 <= value <= 1:
        return value

    looks_like_per_cent = 1 < value <= 100  # noqa: PLR2004  per cent
    hint = f": for {value:g} % write {value / 100:g}" if looks_like_per_cent else ""
    raise ValueError(f"a share is 0 to 1, not {value:g}{hint}")


_A_SHARE = AfterValidator(as_share)
Share = Annotated[float, _A_SHARE]
"""A limit of a check: a part of a whole. Per cent in its place would let everything pass."""


class _Minimum:
    """The mark of a limit that no step of a ladder is about."""


_A_MINIMUM = _Minimum()
Minimum = Annotated[int, Field(ge=1), _A_MINIMUM]
"""A limit of a check: so many events it takes to judge. Fewer break no limit and keep none."""


def _looks_at_something(value: float) -> float:
    """Return how far a check looks. Raises ValueError for what leaves nothing to look at."""
    if value <= 0:
        raise ValueError(f"{value:g} leaves nothing to look at: state how much of it is meant")
    return value


Reach = Annotated[float, AfterValidator(_looks_at_something)]
"""A limit of a check: how far it looks, as `days_back`. Within 0 of it nothing is found, whatever there is."""
WholeReach = Annotated[int, AfterValidator(_looks_at_something)]
"""The same in whole numbers."""


def _as_quantile(value: float) -> float:
    """Return a quantile. Raises ValueError."""
    if 0 < value <= 1:
        return value
    raise ValueError(f"a quantile is more than 0 and at most 1, as 0.95, not {value:g}")


Quantile = Annotated[float, AfterValidator(_as_quantile)]
"""A limit of a check: the share of the events that is to be as quick. Of none of them nobody waits for any."""


def _is_number(annotation: Any) -> bool:
    """Check whether a type takes numbers, and no truth: `float`, `int | None`."""
    kinds = set(kinds_of(annotation))
    return bool(kinds & {int, float}) and bool not in kinds


def kinds_of(annotation: Any) -> Iterator[Any]:
    """Yield the plain types of an annotation: of `Share | None` float, and that of None."""
    parts = typing.get_args(annotation)
    if typing.get_origin(annotation) is Annotated:
        parts = parts[:1]
    if not parts:
        yield annotation
    for part in parts:
        yield from kinds_of(part)


class Limits(BaseModel):
    """Base of every check's limits. A field is a key that a runbook line may set; one without a default it must.

    >>> class FewRefused(Limits):
    ...     share_below: Share
    ...     payments_at_most: int | None = None  # judged where a line states it
    >>> FewRefused.model_validate({"share_below": 0.01})
    FewRefused(share_below=0.01, payments_at_most=None)
    """

    # Of a hundred kinds of limits a run reads a few, in one thread: each is made ready when the first line states it.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        # Pydantic makes 1 of `true`.
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and _is_number(field.annotation):
            raise ValueError(f"a number is wanted, and this is {str(value).lower()}")
        return value

    @field_validator("*")
    @classmethod
    def _keeps_something_out(cls, value: object, info: ValidationInfo) -> object:
        # What is counted or measured is never less than 0: a line with such a limit is green whatever happens.
        name = info.field_name or ""
        if name.endswith("_at_least") and isinstance(value, int | float) and value <= 0:
            raise ValueError(f"{value:g} is kept by everything: state what is wanted, or leave the line out")
        return value


def tightest(stated: float | None, bound: float) -> float:
    """Return what a value is held against: what the line states, and never more than the bound that always holds.

    >>> tightest(None, 10), tightest(0.5, 10), tightest(0, 10), tightest(1000, 10)
    (10, 0.5, 0, 10)
    """
    return bound if stated is None else min(stated, bound)


def minimums_of(model: type[Limits]) -> frozenset[str]:
    """Return the limits of a check that say how many events it takes to judge."""
    return frozenset(name for name, field in model.model_fields.items() if _is_minimum(field))


def _is_minimum(field: FieldInfo) -> bool:
    # That of `Minimum | None` stands one level lower.
    parts = [field.annotation, *typing.get_args(field.annotation)]
    return _A_MINIMUM in [*field.metadata, *(mark for part in parts for mark in getattr(part, "__metadata__", ()))]


def judges_shares_alone(model: type[Limits]) -> bool:
    """Check whether all numbers that a check holds something against are shares; a count that may be left out aside."""
    fields = model.model_fields.values()
    numbers = [field for field in fields if field.annotation in {int, float} and _A_MINIMUM not in field.metadata]
    optional = [part for field in fields for part in typing.get_args(field.annotation)]
    shares = [part for part in optional if part == Share]
    return bool(numbers or shares) and all(_A_SHARE in field.metadata for field in numbers)
