"""What is made once on a machine and used by every sandbox: files in the temporary folder."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

OLD_SECONDS = 2 * 86_400.0
"""A file that nobody has made anew for so long is removed when the next one of its kind is made."""


def place(kind: str, *made_of: object) -> Path:
    """Return where a file of these ingredients is, or will be: other ingredients have another place."""
    digest = hashlib.sha256(json.dumps(made_of, default=str).encode()).hexdigest()[:24]
    return Path(tempfile.gettempdir()) / f"readiness-{kind}-{digest}.tar"


def version(path: Path) -> tuple[str, int, int]:
    """Return what tells one version of a program or module from another."""
    real = path.resolve()
    status = real.stat()
    return str(real), status.st_size, status.st_mtime_ns


def opened(path: Path) -> IO[bytes]:
    """Open a file that we have made ourselves. Raises OSError for any other, and where there is none."""
    # The folder is everybody's: without O_NONBLOCK a named pipe that somebody put there would be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise PermissionError(f"{path} is no file of ours")


def keep(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file whole or not at all, and replace only a file; what cannot be kept is made again the next time."""
    kind = path.name.rpartition("-")[0]
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        return
    with suppress(OSError):
        number, name = tempfile.mkstemp(prefix="readiness-unfinished-", dir=path.parent)
        try:
            with os.fdopen(number, "wb") as file:
                write(file)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
        for older in path.parent.glob(f"{kind}-*.tar"):
            with suppress(OSError):  # somebody else's, or another process was faster
                if older.lstat().st_mtime < time.time() - OLD_SECONDS:
                    older.unlink()
