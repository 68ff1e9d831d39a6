"""The good runs whose process has yet to say how it ends: a small file for each, locked while that process lives.

It is there before the run is sealed, and goes when pytest has ended, well or red. A process that dies in between, by
`os._exit` in another plugin or by a kill, says nothing. What it leaves is this file, which nobody locks any more.

A gate that started the run takes the file over: it sees how the process ended, and enters that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from readiness.evidence.pending_starts import is_locked
from readiness.files import process_lock

PREFIX = "ending-"


class EndMarker:
    """The file of an end that is to come."""

    def __init__(self, home: Path, run: str) -> None:
        """Write and lock it, or lock the one that is there. Raises OSError."""
        self._path = home / f"{PREFIX}{run}"
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        # Where the file system has no locks it looks as if the process had died, until it has ended.
        with suppress(BlockingIOError):
            process_lock.take(self._handle)

    def remove(self) -> None:
        """Remove it: how pytest ended is known. Raises OSError where it cannot be, and then the end is not known."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            os.close(self._handle)


def taken_over(home: Path, run: str) -> EndMarker | None:
    """Return the file that a process left without a word, locked by this one, which knows more; None where none is."""
    try:
        return EndMarker(home, run) if (home / f"{PREFIX}{run}").is_file() else None
    except OSError:
        return None


def never_ended(home: Path, run: str) -> str:
    """Return that the process of a good run died before pytest had ended; empty where nothing shows that."""
    path = home / f"{PREFIX}{run}"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"nobody knows how pytest ended: {path.name} cannot be read: {error.strerror}"
    try:
        is_alive = is_locked(handle)
    finally:
        os.close(handle)
    return "" if is_alive else f"its process died before pytest had ended, behind a good verdict ({path.name})"


def dead_ends(home: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of processes that died so, each with the name of its run."""
    for path in sorted(home.glob(f"{PREFIX}*")):
        run = path.name.removeprefix(PREFIX)
        if never_ended(home, run):
            yield path, run
