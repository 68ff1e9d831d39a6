"""Files that somebody else may have put there: read to a stated size, and never waited for."""

from __future__ import annotations

import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from readiness.files.atomic_write import kind

BYTES_AT_MOST = 64_000_000
"""The journal of a thousand lines has about four million."""

DIGESTED_AT_MOST = 1_000_000_000
"""Of the files of a run the log of a tool may be the largest."""


class NotRead(OSError):
    """What is in the place of a file is none, or is larger than any such file is."""


def read_bytes(path: Path, at_most: int = BYTES_AT_MOST) -> bytes:
    """Return the bytes of a file. Raises OSError; of it NotRead for a device, a pipe, a folder, and a file too large.

    >>> read_bytes(Path("/dev/zero"))
    Traceback (most recent call last):
    readiness.files.bounded_read.NotRead: [Errno 22] it is a device and no regular file: '/dev/zero'
    """
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        # A file may grow while it is read, and some have no size until then.
        content = file.read(at_most + 1) if size <= at_most else b""
    if max(size, len(content)) > at_most:
        raise _not_read(path, f"it has more than {at_most:,} bytes")
    return content


def read_text(path: Path, at_most: int = BYTES_AT_MOST) -> str:
    """Return the text of a file, its line ends as they are written to any. Raises OSError and UnicodeDecodeError."""
    text = read_bytes(path, at_most).decode("utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, which is never in memory as a whole. Raises OSError; of it NotRead."""
    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size > DIGESTED_AT_MOST:
            raise _not_read(path, f"it has more than {DIGESTED_AT_MOST:,} bytes")
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_file(path: Path) -> BufferedReader:
    """Open a file to be read. Raises OSError; of it NotRead for what is no file."""
    _refuse_what_is_no_file(path, path.stat())
    # A pipe may have taken its place in between: without O_NONBLOCK the opening would wait for its writer.
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    try:
        _refuse_what_is_no_file(path, os.fstat(file.fileno()))
    except BaseException:
        file.close()
        raise
    return file


def _refuse_what_is_no_file(path: Path, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise _not_read(path, f"it is {kind(state.st_mode)} and no regular file")


def _not_read(path: Path, why: str) -> NotRead:
    return NotRead(22, why, str(path))
