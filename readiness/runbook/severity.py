"""The runbook's own word for a failure: SEV-1, P0."""

from __future__ import annotations

from collections.abc import Mapping

from readiness.outcomes import EscalationStep

Severity = str | dict[EscalationStep, str]
"""One word, or one for each step."""


def severity_at(stated: str | Mapping[EscalationStep, str], step: EscalationStep | None) -> str:
    """Return the runbook's word for a failure at a step; the empty text where it has none."""
    if isinstance(stated, str):
        return stated
    if step is None:
        return ""
    return stated.get(step, "")
