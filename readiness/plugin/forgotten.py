"""What is told to whoever names a phase and no environment, in a folder that has no tests."""

from __future__ import annotations

from pathlib import Path

from readiness.environment.names import names
from readiness.outcomes import Phase


def hint(phase: str, folder: Path) -> str:
    """Return what is missing and what to run next; nothing where the word is no phase."""
    if phase not in set(Phase):
        return ""
    missing = f"-m {phase} judges an environment, and no --env names one"
    listed = names(folder)
    if listed:
        return f"{missing}: pytest -m {phase} --env {listed[0]} (there is {', '.join(listed)})"
    return f"{missing}: write environments/NAME.yaml, then pytest -m {phase} --env NAME (an example: readiness demo)"
