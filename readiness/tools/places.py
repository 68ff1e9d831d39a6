"""Where a tool is found: on the PATH, else in the cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from readiness.errors import ReadinessError
from readiness.tools.catalogue import Tool

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)+")
VERSION_SECONDS = 60.0
"""Chromium takes some of them when a busy machine reads it from a disk for the first time."""


class NotFetched(ReadinessError):
    """A tool that could not be brought in one of the ways; the message says why."""


class BrokenTool(ReadinessError):
    """A program that is there and does not start; the message says why."""


def cache() -> Path:
    """Return the folder of what was fetched: `readiness` in XDG_CACHE_HOME, or in ~/.cache, also on macOS."""
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not chosen.is_absolute():  # the XDG specification: a relative path is to be ignored
        chosen = Path.home() / ".cache"
    return chosen / "readiness"


def find(tool: Tool) -> Path | None:
    """Return the program: the first of its names on the PATH, else the one that was fetched; None without either."""
    for program in tool.programs:
        path = shutil.which(program)
        if path:
            return Path(path)
    fetched = cache() / "bin" / tool.name
    return fetched if is_program(fetched) else None


def is_program(path: Path) -> bool:
    """Return whether there is a file that we may execute."""
    return path.is_file() and os.access(path, os.X_OK)


def version(program: Path) -> str:
    """Return the number that the program says to `--version`. Raises BrokenTool."""
    try:
        ran = subprocess.run(  # noqa: S603  a program that we looked for by name
            [str(program), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BrokenTool(f"{program} does not answer --version within {VERSION_SECONDS:g} seconds") from None
    except OSError as error:
        raise BrokenTool(f"{program} does not start: {error.strerror}") from None
    output = (ran.stdout.strip() or ran.stderr.strip()).splitlines()
    if ran.returncode:
        last = output[-1] if output else "it says nothing"
        raise BrokenTool(f"{program} --version ended with {ran.returncode}: {last}")

    first = output[0] if output else ""
    number = _NUMBER.search(first)
    return number[0] if number else "of no version"


def link(tool: Tool, program: Path) -> None:
    """Link a program into the cache, wherever it lies."""
    place = _place(tool)
    with _beside(place) as made:
        made.symlink_to(program)
        made.replace(place)


def wrap(tool: Tool, script: str) -> None:
    """Put a script into the cache that starts the tool with what it needs around it."""
    place = _place(tool)
    with _beside(place) as made:
        made.write_text(script, encoding="utf-8")
        made.chmod(0o755)
        made.replace(place)


def forget(tool: Tool) -> None:
    """Take a tool out of the cache, so that it counts as missing; what the cache points to stays."""
    _place(tool).unlink(missing_ok=True)


def _place(tool: Tool) -> Path:
    folder = cache() / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / tool.name


@contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """Return a path on the same disk, so that what is made there replaces `place` at once or not at all."""
    with TemporaryDirectory(dir=place.parent, prefix=".new-") as folder:
        yield Path(folder) / place.name


@contextmanager
def staging() -> Iterator[Path]:
    """Return an empty folder of the cache to unpack into; it is gone afterwards, whatever happens."""
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".staging-") as made:
        yield Path(made)


def settle(made: Path, target: Path) -> None:
    """Move a whole folder to its place; where another process was faster, its folder stays."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        made.rename(target)
    except OSError:
        if not target.is_dir():
            raise
