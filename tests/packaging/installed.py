"""An environment of Python with the wheel in it, and how its commands are run."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Installed:
    """An environment of Python with the wheel in it."""

    wheel: Path
    bin: Path

    def run(self, *words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a module of this environment, such as `pytest`, or the command `readiness`."""
        python = [str(self.bin / "python"), "-m"]
        command = [str(self.bin / "readiness")] if words[0] == "readiness" else [*python, words[0]]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONPATH"))}
        return subprocess.run(
            [*command, *words[1:]],
            cwd=cwd,
            env={**kept, "COLUMNS": "120", "NO_COLOR": "1", **variables},
            capture_output=True,
            text=True,
            check=False,
        )
