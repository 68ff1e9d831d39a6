"""How bad a failure is in the runbook's own words (SEV-1, P0), and its table of what each word means.

severities:
SEV-1: {means: production is down, answer: 15m, roll_back: within 30 minutes}
SEV-3: {means: a feature beside the core is degraded, answer: next business day}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from readiness import timeline
from readiness.errors import not_one_of
from readiness.outcomes import EscalationStep

AT_ONCE = "at once"
_FIGURE = re.compile(r"[-+]?[0-9]")
Severity = str | dict[EscalationStep, str]
"""One word, or one for each step."""


def _answer(text: str) -> str:
    """Return how soon somebody answers. Raises ValueError for a figure that is no span: it would have no deadline."""
    if _FIGURE.match(text):
        timeline.parse_span(text)
    return text


class SeverityLevel(BaseModel):
    """One level of a runbook's table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    means: Annotated[str, Field(min_length=1)]
    answer: Annotated[str, Field(min_length=1), AfterValidator(_answer)]
    """How soon somebody answers: `at once`, a span such as `15m`, or the document's words."""
    roll_back: str = ""
    """When one rolls back, in the document's words."""

    def deadline(self, failed_at: datetime) -> str:
        """Return until when somebody answers what failed at an instant.

        >>> SeverityLevel(means="down", answer="15m").deadline(timeline.parse_instant("2026-12-01T09:00:00Z"))
        'within 15m, until 2026-12-01 09:15Z'
        """
        try:
            within: timedelta = timeline.parse_span(self.answer)
        except ValueError:
            return self.answer
        return f"within {self.answer}, until {failed_at + within:%Y-%m-%d %H:%M}Z"


SeverityTable = dict[str, SeverityLevel]
"""The runbook's word → what it means."""


@dataclass(frozen=True)
class Urgency:
    """How urgent a failure is: the runbook's word, and until when somebody answers it. Empty where it says nothing."""

    severity: str = ""
    answer: str = ""


def severity_at(stated: str | Mapping[EscalationStep, str], step: EscalationStep | None) -> str:
    """Return the runbook's word for a failure at a step; the empty text where it has none."""
    if isinstance(stated, str):
        return stated
    if step is None:
        return ""
    return stated.get(step, "")


def unknown_words(stated: Mapping[str, Severity], table: SeverityTable) -> Iterator[str]:
    """Yield what is wrong with the severities of lines: words that the runbook's table does not have, if it has one.

    `stated` is the id of a line → its word, or one for each step.
    """
    for line, words in stated.items():
        yield from (f"line {line!r}: {problem}" for problem in unknown_in(words, table))


def unknown_in(stated: Severity, table: SeverityTable) -> Iterator[str]:
    """Yield what is wrong with one severity; nothing where there is no table."""
    for word in [stated] if isinstance(stated, str) else stated.values():
        if table and word and word not in table:
            yield f"severity {not_one_of(word, table)}"
