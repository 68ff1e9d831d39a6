"""Journeys that lie in files beside the environment: `load: {journeys: {checkout: checkout.journey.yaml}}`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from readiness.config.variables import Filling, read_filled
from readiness.errors import BadEnvironment
from readiness.rehearsal.journeys import Journey

SUFFIX = ".journey.yaml"
"""How such a file is called, so that nobody takes it for an environment."""


def bring_in(data: Any, folder: Path, filling: Filling) -> Any:
    """Return the data of an environment file with each journey that it names by its file in the place of the name.

    What is wrong with these files is among the problems of `filling`, and their places among those that it left open.
    """
    load = data.get("load") if isinstance(data, dict) else None
    journeys = load.get("journeys") if isinstance(load, dict) else None
    if not isinstance(load, dict) or not isinstance(journeys, dict):
        return data

    brought = {}
    for name, stated in journeys.items():
        is_file = isinstance(stated, str) and stated.endswith(SUFFIX)
        try:
            brought[name] = _read(folder / stated, filling.variables) if is_file else stated
        except BadEnvironment as error:
            brought[name] = stated
            filling.leave_open(("load", "journeys", str(name)), error)
    return {**data, "load": {**load, "journeys": brought}}


def _read(path: Path, variables: Mapping[str, str]) -> Journey:
    journey, _ = read_filled(path, Journey, variables)
    return journey
