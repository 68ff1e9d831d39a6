"""A lock that says that this process lives: the end of the process releases it, whatever ended it."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress


def take(handle: int) -> None:
    """Lock an open file for as long as this process lives. Raises BlockingIOError where another one holds it.

    A child that is forked meanwhile would hold it beyond the end of its parent, so it closes its own handle. Where the
    file system has no locks nothing is locked.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return
    held = os.fstat(handle)
    os.register_at_fork(after_in_child=lambda: _close(handle, held))


def _close(handle: int, held: os.stat_result) -> None:
    """Close a handle, where it is still of the file that was locked: its number may be another file's by now."""
    with suppress(OSError):
        if os.path.samestat(os.fstat(handle), held):
            os.close(handle)
