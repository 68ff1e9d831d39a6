"""Journeys that lie in files beside the environment: `load: {journeys: {checkout: checkout.journey.yaml}}`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from readiness.config.variables import read_filled
from readiness.errors import BadEnvironment
from readiness.rehearsal.journeys import Journey

SUFFIX = ".journey.yaml"
"""How such a file is called, so that nobody takes it for an environment."""


def bring_in(data: Any, folder: Path, variables: Mapping[str, str]) -> Any:
    """Return the data of an environment file with each journey that it names by its file in the place of the name.

    Raises BadEnvironment with every problem of these files.
    """
    load = data.get("load") if isinstance(data, dict) else None
    journeys = load.get("journeys") if isinstance(load, dict) else None
    if not isinstance(load, dict) or not isinstance(journeys, dict):
        return data

    problems: list[str] = []
    brought = {}
    for name, stated in journeys.items():
        is_file = isinstance(stated, str) and stated.endswith(SUFFIX)
        try:
            brought[name] = _read(folder / stated, variables) if is_file else stated
        except BadEnvironment as error:
            problems += error.problems
    if problems:
        raise BadEnvironment(problems)
    return {**data, "load": {**load, "journeys": brought}}


def _read(path: Path, variables: Mapping[str, str]) -> Journey:
    journey, _ = read_filled(path, Journey, variables)
    return journey
