"""The folders in which runs leave their evidence: one a run, never written over."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Container
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from readiness.errors import NoRun
from readiness.files import bounded_read, process_lock
from readiness.files.atomic_write import write_whole

LATEST = "latest-"
POINTER_BYTES_AT_MOST = 1_000
REPLAY = "-replay"


def make(
    reports: Path,
    environment: str,
    started_at: datetime,
    phase: str,
    *,
    replay: bool = False,
    taken: Container[str] = (),
) -> Path:
    """Make the folder of a run and return it; from now on a pointer names it as the newest of its phase.

    `taken` are the names that the ledger has: that of a run whose folder was removed is not given to another one.
    """
    suffix = REPLAY if replay else ""
    home = reports / environment
    home.mkdir(parents=True, exist_ok=True)
    folder = _make_unique(home, f"{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{phase}{suffix}", taken)

    # The pointer moves before the run has a result: who asks for the newest run must not get an older, better one.
    # A replay looks at nothing, so nothing points to it.
    if not replay:
        write_whole(home / f"{LATEST}{phase}", f"{folder.name}\n")
    return folder


def _make_unique(home: Path, name: str, taken: Container[str]) -> Path:
    """Make a folder of this name, or with a number behind it where there is or was one already; return it."""
    number = 1
    folder = home / name
    while folder.name in taken or not _made(folder):
        number += 1
        folder = home / f"{name}-{number}"
    return folder


def _made(folder: Path) -> bool:
    """Make a folder; return False where there is one already."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return False
    return True


def share(home: Path) -> tuple[bool, Callable[[], None]]:
    """Lock the folder of an environment; return whether another run holds a lock on it, and what releases ours.

    The end of the process releases it too. Where the file system has no locks, the answer is no.
    """
    handle = os.open(home, os.O_RDONLY)
    release = partial(os.close, handle)

    # Only who is alone gets an exclusive lock.
    is_shared = False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        is_shared = True
    except OSError:
        return False, release

    fcntl.flock(handle, fcntl.LOCK_SH)
    return is_shared, release


def hold(folder: Path) -> Callable[[], None]:
    """Lock the folder of a run for as long as its process lives, and return what releases it."""
    handle = os.open(folder, os.O_RDONLY)
    # Where the file system has no locks a run under way looks as if it had been killed.
    with suppress(BlockingIOError):
        process_lock.take(handle)
    return partial(os.close, handle)


def is_under_way(folder: Path) -> bool:
    """Check whether the process of a run lives, on this machine."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def find(reports: Path, words: list[str]) -> Path:
    """Return the folder of a run: named itself, by a pointer to it, or by environment and phase. Raises NoRun."""
    path = Path(words[0]) if len(words) == 1 else reports / words[0] / f"{LATEST}{words[1]}"
    if path.is_dir():
        return path
    if not path.is_file():
        raise NoRun(f"there is no run {' '.join(words)}: {path} does not exist")

    # A file of the run, such as its journal.
    if not path.name.startswith(LATEST):
        return path.parent

    folder = path.parent / pointed_at(path)
    if not folder.is_dir():
        raise NoRun(f"{path} points to {folder.name}, which does not exist")
    return folder


def pointed_at(pointer: Path) -> str:
    """Return the name of the run that a pointer names. Raises NoRun."""
    try:
        return Path(bounded_read.read_text(pointer, POINTER_BYTES_AT_MOST).strip()).name
    except (OSError, ValueError) as error:
        raise NoRun(f"{pointer} cannot be read: {error}") from None
