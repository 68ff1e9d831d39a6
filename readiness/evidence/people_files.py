"""Where the files of people's words lie that an environment names by variables: for who comes later without these.

A run records each beside its evidence (`evidence:PATH`, from the environment's folder of reports) or in its project
(`project:PATH`), so that it is found wherever both are checked out. What lies elsewhere only the variable can name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from readiness.config.variables import filled_where_set, unset_in

_EVIDENCE, _PROJECT = "evidence:", "project:"


@dataclass(frozen=True)
class Folders:
    """The two folders that a recorded place begins at."""

    environments: Path
    evidence: Path
    """The environment's own folder of reports."""

    @property
    def project(self) -> Path:
        """The folder in which the folder of the environment files lies."""
        return self.environments.resolve().parent

    def recorded(self, named: Path) -> str:
        """Return how a run records a file that its environment names; empty for one that lies elsewhere."""
        path = (self.environments / named).resolve()
        for prefix, folder in ((_EVIDENCE, self.evidence.resolve()), (_PROJECT, self.project)):
            if path.is_relative_to(folder):
                return f"{prefix}{path.relative_to(folder).as_posix()}"
        return ""

    def path_of(self, recorded: str) -> Path | None:
        """Return the path of a recorded file; None where nobody knows it."""
        for prefix, folder in ((_EVIDENCE, self.evidence), (_PROJECT, self.project)):
            inside = Path(recorded.removeprefix(prefix))
            # A journal that was written by hand leads nowhere else.
            if recorded.startswith(prefix) and not inside.is_absolute() and ".." not in inside.parts:
                return folder / inside
        return None


def place_today(stated: str, recorded: str, folders: Folders) -> Path | None:
    """Return where a file lies that an environment names, from its folder; None where that cannot be known here.

    What is set here says it; else it is the file that the run read.
    """
    if not unset_in(stated, os.environ):
        return Path(filled_where_set(stated, os.environ))
    path = folders.path_of(recorded)
    return path.resolve() if path else None


def recorded_places(named: Mapping[str, Path | None], folders: Folders) -> dict[str, str]:
    """Return how a run records the files that its environment names: key → place."""
    places = {key: folders.recorded(path) for key, path in named.items() if path is not None}
    return {key: place for key, place in places.items() if place}
