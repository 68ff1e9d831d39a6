"""Notes on commits: written and read by Git, which runs nothing for it that the repository's settings name."""

from __future__ import annotations

import re
from pathlib import Path

from readiness.config.repository import ask_git
from readiness.measurements import is_digits

REF = "refs/notes/readiness"
BYTES_AT_MOST = 64_000_000
_AS_NOBODY = ("-c", "user.name=readiness", "-c", "user.email=readiness@localhost", "-c", "commit.gpgSign=false")
"""A note is a commit, and whoever has no name of his own in Git could write none."""


_HEADER = re.compile(r"[0-9a-f]{40,64} blob [0-9]+")
"""What Git prints before each object."""


class NoNotes(Exception):
    """Git does not answer, or there is too much."""


def append(folder: Path, line: str) -> None:
    """Append a line to the note on the commit that is checked out. Raises NoNotes."""
    if ask_git(folder, *_AS_NOBODY, "notes", f"--ref={REF}", "append", "-F", "-", "HEAD", given=line.encode()) is None:
        raise NoNotes(f"Git wrote no note ({REF}): is it a repository with a commit? {folder}")


def lines(folder: Path) -> list[str]:
    """Return the lines of all notes, none where there are none yet. Raises NoNotes."""
    if ask_git(folder, "rev-parse", "--git-dir") is None:
        raise NoNotes(f"there is no repository of Git around {folder}, or Git does not answer")
    if ask_git(folder, "rev-parse", "--verify", "--quiet", REF) is None:
        return []

    listed = ask_git(folder, "notes", f"--ref={REF}", "list")
    if listed is None:
        raise NoNotes(f"Git cannot list the notes of {REF} in {folder}")
    objects = [row.split()[0] for row in listed.splitlines() if row.strip()]
    return _contents(folder, objects)


def _contents(folder: Path, objects: list[str]) -> list[str]:
    """Return the lines of some objects. Raises NoNotes."""
    given = "".join(f"{name}\n" for name in objects).encode()
    sizes = ask_git(folder, "cat-file", "--batch-check=%(objectsize)", given=given)
    if sizes is None or sum(int(size) for size in sizes.split() if is_digits(size)) > BYTES_AT_MOST:
        raise NoNotes(f"the notes of {REF} cannot be read, or have more than {BYTES_AT_MOST:,} bytes")

    printed = ask_git(folder, "cat-file", "--batch", given=given)
    if printed is None:
        raise NoNotes(f"the notes of {REF} cannot be read")
    return [line for line in printed.splitlines() if line.strip() and not _HEADER.fullmatch(line)]
