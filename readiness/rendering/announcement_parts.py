"""The parts of an announcement that no evidence holds and only people know: why, who, what was mended, what is next.

Source: the templates of the ingestion runbook's pause, resume and rollback procedures (sections 4.1 and 4.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from readiness.config.persons import what_is_wrong_with
from readiness.config.wording import is_sentence, is_undecided, says_nothing
from readiness.redaction.shown import shown

_STAGE = re.compile(r"p([0-9]{1,3})")
DISABLED = "disabled"
LETTERS_AT_MOST = 500
"""How much of a part is told; a chat cuts what is longer."""


class AnnouncementKind(StrEnum):
    """What is announced."""

    LAUNCH = "launch"
    PAUSE = "pause"
    RESUME = "resume"
    ROLLBACK = "rollback"


class PartKind(StrEnum):
    """What a part has to say at least."""

    SENTENCE = "sentence"
    PERSON = "name"
    STAGE = "stage of the roll-out"


@dataclass(frozen=True)
class Part:
    """One of them: its name in the announcement, what is asked for, and in which announcements it stands."""

    name: str
    question: str
    kind: PartKind
    announcements: frozenset[AnnouncementKind]

    @property
    def option(self) -> str:
        """The option of the command line that gives it."""
        return f"--{self.name.replace(' ', '-')}"

    def fault(self, text: str) -> str:
        """Return why a text does not say what the part is for; empty where it does."""
        if self.kind is PartKind.SENTENCE:
            return "" if is_sentence(text) else self._refusal(text)
        if says_nothing(text) or is_undecided(text):
            return self._refusal(text)
        wrong = what_is_wrong_with(text) if self.kind is PartKind.PERSON else ""
        return f"{shown(text)!r} {wrong}" if wrong else ""

    def _refusal(self, text: str) -> str:
        return f"{shown(text)!r} is no {self.kind}; {self.question}"


_PAUSE, _RESUME, _ROLLBACK = AnnouncementKind.PAUSE, AnnouncementKind.RESUME, AnnouncementKind.ROLLBACK
PARTS = (
    Part("from", "the stage of the roll-out until now, as P2", PartKind.STAGE, frozenset({_ROLLBACK})),
    Part("to", "the stage it goes back to, as P1, or disabled", PartKind.STAGE, frozenset({_ROLLBACK})),
    Part("reason", "why, in a sentence", PartKind.SENTENCE, frozenset({_PAUSE, _ROLLBACK})),
    Part("investigating", "who looks into it", PartKind.PERSON, frozenset({_PAUSE})),
    Part("resolution", "what was mended, in a sentence", PartKind.SENTENCE, frozenset({_RESUME})),
    Part("next steps", "what is looked into next, in a sentence", PartKind.SENTENCE, frozenset({_ROLLBACK})),
)
"""All of them, in the order in which they are told."""

Stated = Mapping[str, str]
"""The name of a part → what was said."""


def parts_of(kind: AnnouncementKind) -> list[Part]:
    """Return the parts that an announcement has beside its evidence."""
    return [part for part in PARTS if kind in part.announcements]


def missing(kind: AnnouncementKind, stated: Stated) -> list[Part]:
    """Return the parts of an announcement that nobody has stated."""
    return [part for part in parts_of(kind) if part.name not in stated]


def faults(kind: AnnouncementKind, stated: Stated) -> Iterator[str]:
    """Yield what is wrong with what was stated: of another announcement, empty, or a rollback that goes nowhere."""
    for part in PARTS:
        if part.name not in stated:
            continue
        if kind not in part.announcements:
            others = " and ".join(sorted(part.announcements))
            yield f"{part.option} is for {others}, not for {kind}"
        elif fault := part.fault(stated[part.name]):
            yield f"{part.option}: {fault}"

    if kind is AnnouncementKind.ROLLBACK and {"from", "to"} <= stated.keys():
        yield from _direction(stated["from"].strip().casefold(), stated["to"].strip().casefold())


def _direction(before: str, after: str) -> Iterator[str]:
    """Yield why a rollback from one stage to another is none."""
    if before == after:
        yield f"--to: {shown(after)!r} is the stage that it comes from"
    elif before == DISABLED:
        yield f"--from: what is {DISABLED} goes no further back"
    else:
        numbers = [int(match[1]) for stage in (before, after) if (match := _STAGE.fullmatch(stage))]
        if len(numbers) == 2 and numbers == sorted(numbers):  # noqa: PLR2004  a rollback has two ends
            yield f"--to: {shown(after)!r} is further than {shown(before)!r}"


def lines_of(kind: AnnouncementKind, stated: Stated) -> list[str]:
    """Return a line for each part; one that nobody stated is said to be unknown, with its option."""
    return [_line(part, stated.get(part.name)) for part in parts_of(kind)]


def _line(part: Part, text: str | None) -> str:
    return f"{part.name}: {shown(text, LETTERS_AT_MOST) if text else f'unknown, say {part.option}'}"
