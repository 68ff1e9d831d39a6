"""The files of a run's folder: their digests when it is sealed, and what is no longer as it was sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from readiness.files import bounded_read
from readiness.files.atomic_write import kind

TEST_RESULT = "test-result.json"
SUMMARY = "verification-summary.json"
"""It says what became of a run after it was sealed, so no seal has it: see `summary_audit`."""


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file. Raises OSError."""
    return bounded_read.digest(path)


def files_of(folder: Path) -> dict[str, str]:
    """Return the digest of every file of a folder, by its name in it. Raises OSError."""
    return {
        path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def changed(folder: Path, sealed: Mapping[str, str], later: Collection[str] = ()) -> Iterator[str]:
    """Yield what is not as it was sealed: `sealed` is the digest of each file, by its name in the folder.

    `later` are the names of files that are written after a seal, and are not looked at here.
    """
    present = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    for name in later:
        if name not in sealed and _is_file(present.get(name)):
            del present[name]
    for name in sorted({*sealed, *present}):
        reason = difference(present.get(name), sealed.get(name))
        if reason:
            yield f"{name} {reason}"


def difference(path: Path | None, sealed: str | None) -> str:
    """Return how something in the folder differs from what was sealed under its name; empty where it does not."""
    if path is None:
        return "was sealed and is gone"
    if path.is_symlink() or not path.is_file():
        return _why_no_file(path, sealed)
    if sealed is None:
        return "was added after it was sealed"
    try:
        return "" if file_digest(path) == sealed else "was changed after it was sealed"
    except OSError as error:
        return f"was changed after it was sealed: {error.strerror}"


def _is_file(path: Path | None) -> bool:
    return path is not None and path.is_file() and not path.is_symlink()


def _why_no_file(path: Path, sealed: str | None) -> str:
    """Return what is wrong with what is no file; a folder is well, as each file in it is looked at by itself."""
    if path.is_symlink():
        return "is a link, and what it leads to was never sealed"
    return f"is {kind(path.lstat().st_mode)}, and none was sealed" if sealed or not path.is_dir() else ""


def empty_folders(folder: Path) -> Iterator[str]:
    """Yield what is said of each folder without a file: a seal has files alone, so nobody knows since when it is there.

    It may have been in the way of a file, as the run then says.
    """
    for path in sorted(folder.rglob("*")):
        is_folder = path.is_dir() and not path.is_symlink()
        if is_folder and not any(path.iterdir()):
            yield f"{path.relative_to(folder).as_posix()} is a folder without a file, which no seal covers"
