"""Waiting for what a rehearsal does, not for a time: a busy machine takes longer."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from readiness.rehearsal.evidence import FOLDER, RehearsalEvidence, folders, read

Found = TypeVar("Found")
NEVER_SECONDS = 600.0
"""How long is waited before it is held that something will not come about."""


def until(find: Callable[[], Found | None]) -> Found:
    """Return what is found, as soon as there is something. Raises TimeoutError."""
    ends = time.monotonic() + NEVER_SECONDS
    while time.monotonic() < ends:
        if found := find():
            return found
        time.sleep(0.1)
    raise TimeoutError("it did not come about")


def asked(url: str) -> int:
    """Return how many requests the truth server has had so far."""
    with urllib.request.urlopen(f"{url}/record") as answer:
        return int(json.load(answer)["requests"])


def written(reports: Path, environment: str) -> RehearsalEvidence | None:
    """Return the newest evidence as it stands; None while none was written."""
    if not list((reports / environment / FOLDER).glob("*/evidence.json")):
        return None
    return read(next(folders(reports, environment)))
