"""Where runs leave their evidence: one folder a run, never written over."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from readiness.errors import BadRun
from readiness.files.atomic_write import write_whole

LATEST = "latest-"
REPLAY = "-replay"


def make(reports: Path, environment: str, started_at: datetime, phase: str, *, replay: bool = False) -> Path:
    """Make the folder of a run, and point to it as the newest of its phase from now on.

    The pointer moves before the run has a result: who asks for the newest run must not get an older, better one. A
    replay looks at nothing, so nothing points to it.
    """
    base = f"{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{phase}{REPLAY if replay else ''}"
    parent = reports / environment
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = parent / (base if number == 1 else f"{base}-{number}")
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
            continue
        if not replay:
            write_whole(parent / f"{LATEST}{phase}", f"{folder.name}\n")
        return folder


def share(home: Path) -> tuple[bool, Callable[[], None]]:
    """Return whether another run of an environment is under way, and how to tell others that ours is over.

    A process that ends in whatever way is over. Where the file system has no locks, nobody is known to be there.
    """
    handle = os.open(home, os.O_RDONLY)
    is_shared = False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        is_shared = True
    except OSError:
        return False, partial(os.close, handle)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return is_shared, partial(os.close, handle)


def find(reports: Path, words: list[str]) -> Path:
    """Find a run by its folder, by a pointer to it, or by environment and phase. Raises BadRun."""
    path = Path(words[0]) if len(words) == 1 else reports / words[0] / f"{LATEST}{words[1]}"
    if path.is_dir():
        return path
    if not path.is_file():
        raise BadRun(f"there is no run {' '.join(words)}: {path} does not exist")
    if not path.name.startswith(LATEST):
        return path.parent
    folder = path.parent / path.read_text(encoding="utf-8").strip()
    if not folder.is_dir():
        raise BadRun(f"{path} points to {folder.name}, which does not exist")
    return folder
