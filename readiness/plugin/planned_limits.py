"""The limits of an item, each with where it comes from: the line, the environment, or the check's own default."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from readiness.files.canonical_json import as_plain
from readiness.measurements import Plain, show
from readiness.plugin.session import ItemState
from readiness.runbook.lines import Item
from readiness.runbook.overrides import ASKS_NOTHING, SEVERITY, Effect, Override


class Origin(StrEnum):
    """Who states a limit."""

    LINE = "line"
    CHOSEN = "chosen"
    """The line, whose document names no figure."""
    ENVIRONMENT = "environment"
    DEFAULT = "default"


@dataclass(frozen=True)
class PlannedLimit:
    """One limit as an item is judged by it."""

    limit: str
    value: Plain
    origin: Origin
    file: str = ""
    """The environment file, where that states it."""
    override: Override | None = None
    """What it is beside the line's own; None where it is that."""

    def __str__(self) -> str:
        return f"{self.limit} {show(self.value)}"

    @property
    def as_stated(self) -> str:
        """The limit of an environment, with its file and what it is beside the line's own."""
        if self.override is None:
            return f"by {self.file} {self}, as the line has it"
        if self.override.day:
            return f"by {self.file} {self}; {self.override.says}"
        if self.override.effect is Effect.FILLED_IN:
            return f"by {self.file} {self} ({self.override.whose})"
        return f"by {self.file} {self.override.says}"

    def plain(self) -> dict[str, Plain]:
        """Return it as plain JSON."""
        row: dict[str, Plain] = {"limit": self.limit, "value": self.value, "from": str(self.origin)}
        if self.file:
            row["file"] = self.file
        if self.override:
            row["effect"] = str(self.override.effect)
            row["in_place_of"] = as_plain(self.override.own)
            row["in_place_of_default"] = self.override.is_default
            row["because"] = self.override.because
            if self.override.day:
                row["effect_from"] = str(self.override.day)
        return row


_BY = {
    Origin.LINE: "by the line",
    Origin.CHOSEN: "chosen by the runbook, its document names no figure:",
    Origin.ENVIRONMENT: "",
    Origin.DEFAULT: "by default",
}
"""Origin → the words before its limits, in the order of a plan."""


def by_origin(limits: Iterable[PlannedLimit]) -> Iterator[str]:
    """Yield limits for people, those of one origin in a row; those of the environment one by one."""
    given = list(limits)
    for origin, words in _BY.items():
        stated = [limit for limit in given if limit.origin is origin]
        if origin is Origin.ENVIRONMENT:
            yield from (limit.as_stated for limit in stated)
        elif stated:
            yield f"{words} {', '.join(map(str, stated))}"


def limits_ahead(item: Item) -> Iterator[tuple[str, PlannedLimit]]:
    """Yield each limit that binds otherwise from a later day, with that day."""
    overlaid = item.line.overlaid
    for part in item.line.ahead.get(item.check, ()):
        for limit, value in part.limits.items():
            if overlaid and overlaid.states(item.check, limit):
                yield str(part.day), PlannedLimit(limit, as_plain(value), Origin.ENVIRONMENT, overlaid.file)
            else:
                yield str(part.day), PlannedLimit(limit, as_plain(value), Origin.LINE)


def planned_limits(state: ItemState) -> Iterator[PlannedLimit]:
    """Yield the limits of an item in the order of their keys in the line; those that limit nothing are left out."""
    item, overlaid = state.item, state.item.line.overlaid
    overrides = {override.limit: override for override in state.overrides}
    for limit, value in item.limits.items():
        if overlaid and overlaid.states(item.check, limit):
            yield PlannedLimit(limit, as_plain(value), Origin.ENVIRONMENT, overlaid.file, overrides.get(limit))
        else:
            yield PlannedLimit(limit, as_plain(value), Origin.CHOSEN if limit in item.chosen else Origin.LINE)

    for limit, value in state.limits.model_dump(mode="json").items():
        if limit not in item.limits and value not in ASKS_NOTHING:
            yield PlannedLimit(limit, value, Origin.DEFAULT)

    # The word for a failure is no limit, and the environment's all the same.
    if SEVERITY in overrides:
        word = overrides[SEVERITY]
        yield PlannedLimit(SEVERITY, as_plain(word.now), Origin.ENVIRONMENT, word.file, word)
