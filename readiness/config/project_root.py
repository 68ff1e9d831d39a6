"""The folder of a project: pytest and the `readiness` command find it in the same way."""

from __future__ import annotations

from pathlib import Path

ENVIRONMENTS = "environments"
REPORTS = "reports"
REPOSITORY = ".git"


def project_root(here: Path) -> Path:
    """Return the nearest folder, from one upwards, that has `environments/`; the one itself where none has.

    The root of a repository is the last one that is looked at: what lies above belongs to somebody else.
    """
    for folder in (here, *here.parents):
        if (folder / ENVIRONMENTS).is_dir():
            return folder
        if (folder / REPOSITORY).exists():
            break
    return here


def place(name: str) -> Path:
    """Return a folder of the project by its name, as short as it can be written from the working directory."""
    here = Path.cwd()
    root = project_root(here)
    return Path(name) if root == here else root / name
