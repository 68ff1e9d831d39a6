"""Files that are either whole or not there, also after a power cut, and never in the place of what is no file."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

PRIVATE = 0o600
"""The mode of a new file that its owner alone reads: evidence, keys."""
SHARED = 0o666
"""The mode of a new file of the user's own, such as a page that he names; his umask takes from it."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class NotReplaced(OSError):
    """The place of a file is taken by what must not be replaced by one."""


def write_whole(path: Path, text: str, mode: int = PRIVATE) -> None:
    """Write a file so that it is either whole or not there.

    A file that is there keeps its mode and its owner, and a link to it stays a link. `mode` is for a new one.

    Raises OSError; of it NotReplaced where a device, a pipe, a folder, or somebody else's file is in its place.
    """
    path = place_of(path)
    before = path.stat() if path.exists() else None
    # In the same folder: a file is moved in one step only within its file system.
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    handle = os.open(draft, _NEW, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            if before:
                _be_like(file.fileno(), before)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:  # Ctrl-C too leaves no half of a file behind
        draft.unlink(missing_ok=True)
        raise
    sync(path.parent)


def place_of(path: Path) -> Path:
    """Return where a file is written: the path, or what it is a link to. Raises NotReplaced, and OSError."""
    if path.is_symlink() and not path.exists():
        raise NotReplaced(f"{path} is a link to nothing; remove it, or name the file itself")
    if not path.exists():
        return path

    place = path.resolve()
    state = place.stat()
    if not stat.S_ISREG(state.st_mode):
        raise NotReplaced(f"{path} is {kind(state.st_mode)}; name a file")
    if state.st_uid != os.geteuid() and os.geteuid() != 0:
        raise NotReplaced(f"{path} belongs to another user; name another file")
    if not os.access(place, os.W_OK, effective_ids=True):
        raise NotReplaced(f"{path} is read-only; make it writable, or name another file")
    return place


def kind(mode: int) -> str:
    """Return what is in the place of a file, in words."""
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFSOCK: "a socket",
        stat.S_IFREG: "a file",
    }
    return kinds.get(stat.S_IFMT(mode), "no file")


def _be_like(handle: int, before: os.stat_result) -> None:
    """Give a new file the mode of the one before it, and its owner where this user may give files away."""
    if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
        os.fchown(handle, before.st_uid, before.st_gid)
    os.fchmod(handle, stat.S_IMODE(before.st_mode))


def sync(folder: Path) -> None:
    """Make a new name in a folder survive a power cut: the file's own fsync does not write its folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
