"""What is known of a fact, or why nobody knows it."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.files.canonical_json import JsonObject
from readiness.slo.events import Events, Slowness


@dataclass(frozen=True)
class Found:
    """A fact that somebody could get."""

    says: str
    """In a few words, as a person is told it."""
    number: float | None = None
    """What a decision compares; None where it is no number."""
    measured: Events | Slowness | None = None
    """What the number is of: too few of them decide nothing."""
    words: tuple[str, ...] = ()
    """What a symptom is looked for in."""
    rows: tuple[JsonObject, ...] = ()
    """The rows behind it, to be looked at."""


@dataclass(frozen=True)
class Missing:
    """A fact that nobody could get."""

    why: str
    remedy: str = ""
    """What to do, or which key to set."""
    was_asked: bool = True
    """False where nobody has looked, or said so, yet: whoever looked and does not know knows that."""

    @property
    def says(self) -> str:
        """Return it as a person is told it."""
        return f"unknown: {self.why}" + (f"; {self.remedy}" if self.remedy else "")


Fact = Found | Missing
