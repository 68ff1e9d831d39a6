"""What an environment states of a line that a runbook has: limits of its checks, what it names, the word for a failure.

A shipped line says what every product needs. What only one product can say, such as the name of its last migration,
stands in its environment file, and not in a copy of the runbook.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from readiness.config.wording import is_sentence
from readiness.files.canonical_json import JsonObject
from readiness.runbook.severity import Severity


def _because(text: str) -> str:
    flat = " ".join(text.split())
    if not flat.isprintable():
        raise ValueError(f"{flat!r} holds a character that cannot be printed")
    if not is_sentence(flat):
        raise ValueError(f"{flat!r} says nothing; write why the limit is another one here, in a sentence")
    return flat


class LineOverlay(BaseModel):
    """One entry of `lines`. Every key but these two is a limit of the line's check, or a check with its limits.

    >>> LineOverlay.model_validate({"migration": "0007_artists", "severity": "SEV-1"}).limits
    {'migration': '0007_artists'}
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    severity: Severity | None = None
    because: Annotated[str, AfterValidator(_because)] = ""
    """Why a limit is looser than the line's own."""

    @model_validator(mode="after")
    def _states_something(self) -> LineOverlay:
        if not self.limits and self.severity is None:
            raise ValueError("nothing is stated of the line; write a limit of its check, or remove the entry")
        return self

    @property
    def limits(self) -> JsonObject:
        """The limits, and the checks with limits, as they stand there."""
        return dict(self.model_extra or {})


@dataclass(frozen=True)
class Overlaid:
    """What an environment states of one line, beside what the line states by itself."""

    file: str
    place: str
    """Where it stands, for messages: `shop.yaml:12: lines.umbrella/d1-tables`."""
    stated: Mapping[str, JsonObject]
    """Check → what the environment states of its limits."""
    own: Mapping[str, JsonObject]
    """Check → what the line states by itself, of the same checks."""
    merged: Mapping[str, JsonObject]
    """Check → both together, each limit with its days."""
    severity: Severity | None = None
    own_severity: Severity = ""
    because: str = ""

    def states(self, check: str, limit: str) -> bool:
        """Check whether a limit of a check is the environment's; one thing of several is the word of `each`."""
        stated = self.stated.get(check, {})
        return limit in stated or limit in stated.get("each", {})
