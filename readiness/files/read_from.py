"""How a value was come by that stands in a file: which file, as it is written in the project, and how old it was."""

from __future__ import annotations

import time
from pathlib import Path

from readiness.provenance import FromFile


def read_from(path: Path) -> FromFile:
    """Return a file with its age; whoever reads it finds out whether it can be read at all."""
    try:
        age_seconds = max(time.time() - path.stat().st_mtime, 0.0)
    except (OSError, ValueError):
        return FromFile(in_project(path))
    return FromFile(in_project(path), round(age_seconds, 1))


def in_project(path: Path) -> str:
    """Return a path from the folder that the suite runs in, where it lies there; else the path as it is."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()
