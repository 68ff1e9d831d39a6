"""The starts that are not in the ledger yet: a small file for each, locked for as long as its process lives.

A process that is killed enters nothing. What it leaves is this file, and nobody holds its lock any more.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from readiness.files import process_lock
from readiness.outcomes import Phase

PREFIX = "starting-"
_BYTES_AT_MOST = 100


@dataclass(frozen=True)
class PendingStart:
    """A start that has come to nothing yet."""

    path: Path
    phase: Phase | None
    """None where nobody knew which one was meant."""
    at: datetime
    is_alive: bool

    @property
    def says(self) -> str:
        """What is known of it."""
        began = f"a start of {self.phase or 'no known phase'} began at {self.at:%Y-%m-%d %H:%M:%S}Z ({self.path.name})"
        return f"{began}, and {'is under way' if self.is_alive else 'was killed before its run did'}"


class Marker:
    """The file of a start, while its process lives."""

    def __init__(self, home: Path, phase: Phase | None) -> None:
        """Write and lock it. Raises OSError."""
        self._path = home / f"{PREFIX}{uuid.uuid4().hex}"
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        # Where the file system has no locks it looks as if it were killed, until the run is in the ledger.
        with suppress(BlockingIOError):
            process_lock.take(self._handle)
        os.write(self._handle, (phase or "").encode())

    def remove(self) -> None:
        """Remove it: the start has come to something that is in the ledger, or to nothing that anybody asked for."""
        with suppress(OSError):
            self._path.unlink()
        with suppress(OSError):
            os.close(self._handle)


def pending(home: Path) -> Iterator[PendingStart]:
    """Yield the starts that are not in the ledger yet."""
    for path in sorted(home.glob(f"{PREFIX}*")):
        # What is no file nobody waits for, and what is gone by now has come to something.
        if not path.is_file():
            continue
        try:
            yield _read(path)
        except FileNotFoundError:
            continue
        except OSError:
            # What may not be read may be of any phase.
            yield PendingStart(path, None, datetime.fromtimestamp(path.stat().st_mtime, UTC), is_alive=True)


def _read(path: Path) -> PendingStart:
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        word = os.read(handle, _BYTES_AT_MOST).decode(errors="replace")
        at = datetime.fromtimestamp(os.fstat(handle).st_mtime, UTC)
        return PendingStart(path, Phase(word) if word in list(Phase) else None, at, is_locked(handle))
    finally:
        os.close(handle)


def is_locked(handle: int) -> bool:
    """Check whether a process holds the lock of an open file."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # no locks there
    return False


def not_in_ledger(home: Path, phase: Phase) -> str:
    """Return that a start of a phase, or of one that nobody knows, is not in the ledger; empty where none is."""
    return next((start.says for start in pending(home) if start.phase in {phase, None}), "")
