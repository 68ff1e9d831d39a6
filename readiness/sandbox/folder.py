"""The sandbox's folder: locked while the sandbox lives, so that the next one can remove what a kill -9 left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "readiness-sandbox-"
LOCK = "lock"


@contextmanager
def own_folder() -> Iterator[Path]:
    """Make a folder that lasts as long as this block."""
    _remove_left_over()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        fresh = folder / "fresh"
        with fresh.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            fresh.rename(folder / LOCK)  # locked before anybody can look for it
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left_over() -> None:
    # Locks and not process ids: /tmp may be shared by containers that do not see each other's processes.
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        try:
            with lock.open() as held:
                if os.fstat(held.fileno()).st_uid != os.geteuid():
                    continue
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:  # somebody lives there, or was faster
            continue
