"""The names that a check may use."""

from readiness.measurements import Measure
from readiness.outcomes import Unknown
from readiness.runbook.lines import Limits, Share

__all__ = ["Limits", "Measure", "Share", "Unknown"]
