"""The names that a check may use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from readiness.measurements import Measure
    from readiness.outcomes import Unknown
    from readiness.runbook.lines import Limits, Share

__all__ = ["Limits", "Measure", "Share", "Unknown"]

if not TYPE_CHECKING:
    _MODULES = {"Limits": "runbook.lines", "Measure": "measurements", "Share": "runbook.lines", "Unknown": "outcomes"}

    def __getattr__(name: str) -> object:
        """Import a name when it is first asked for: pytest imports this package beside every test suite."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"readiness.{_MODULES[name]}"), name)
