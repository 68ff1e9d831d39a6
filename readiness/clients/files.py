"""Files that a service or its operators leave: JSON, JSON lines, dotenv, text."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

from readiness.outcomes import Effect, Unknown
from readiness.transport.deadline import Deadline, DeadlinePassed, within
from readiness.transport.guard import Guard
from readiness.transport.strict_json import parse_json

BYTES_AT_MOST = 50_000_000
FILES_AT_MOST = 1000
SECONDS_AT_MOST = 30.0  # a file can lie on a disk far away
_VARIABLE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=[ \t]*(.*)$", re.DOTALL)
_COMMENT = r"[ \t]*(?:#.*)?$"
_SINGLE = re.compile(rf"'([^']*)'{_COMMENT}")
_DOUBLE = re.compile(rf'"((?:[^"\\]|\\.)*)"{_COMMENT}')
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


class Files:
    """Reads files of this machine."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def text(self, path: Path) -> str:
        """Read a text file. Raises Unknown where it is missing, denied, no file, too large, empty or not UTF-8."""
        with self._guard.request("files", "READ", str(path), None, Effect.READ) as entry:
            try:
                data = within(Deadline.after(SECONDS_AT_MOST), lambda _: _bytes(path))
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError:
                raise Unknown(f"{path} is not UTF-8 text", "point the reading at a text file") from None
            except (OSError, ValueError) as error:
                told = getattr(error, "strerror", None) or "no file can be called so"
                raise Unknown(f"{path} cannot be read: {told}", "is the path right, and may we read it?") from None
            except DeadlinePassed:
                raise Unknown(f"{path} was not read within {SECONDS_AT_MOST:g} s", "is its disk reachable?") from None
            entry.status = f"{len(data)} bytes"
        if not text.strip():
            raise Unknown(f"{path} is empty", "does anything still write it?")
        return text

    def names(self, folder: Path, suffix: str) -> list[str]:
        """Name the files of a folder that end so; none are none. Raises Unknown where it is missing or denied."""
        with self._guard.request("files", "LIST", str(folder), None, Effect.READ) as entry:
            try:
                found = within(Deadline.after(SECONDS_AT_MOST), lambda _: _listed(folder, suffix))
            except (OSError, ValueError) as error:
                told = getattr(error, "strerror", None) or "no folder can be called so"
                raise Unknown(f"{folder} cannot be read: {told}", "is the path right, and may we read it?") from None
            except DeadlinePassed:
                raise Unknown(f"{folder} was not read within {SECONDS_AT_MOST:g} s", "is its disk reachable?") from None
            entry.status = f"{len(found)} files"
        if len(found) > FILES_AT_MOST:
            raise Unknown(f"{folder} holds {len(found):,} files", f"point to a folder of at most {FILES_AT_MOST:,}")
        return found

    def json(self, path: Path) -> Any:
        """Read one JSON document. Raises Unknown."""
        return parse_json(self.text(path), str(path))

    def json_lines(self, path: Path) -> list[Any]:
        """Read one JSON document a line. Raises Unknown that names a malformed line.

        A last line that is still being written (it has no end, and does not parse) is left out.
        """
        *whole, last = self.text(path).split("\n")
        found = [parse_json(line, f"{path}:{number}") for number, line in enumerate(whole, 1) if line.strip()]
        if last.strip():
            try:
                found.append(parse_json(last, f"{path}:{len(whole) + 1}"))
            except Unknown:
                if not found:
                    raise
        return found

    def dotenv(self, path: Path) -> dict[str, str]:
        """Read NAME=value lines. The last of a name counts. Raises Unknown that names the line, not its text."""
        found: dict[str, str] = {}
        for number, line in enumerate(self.text(path).split("\n"), 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            variable = _VARIABLE.match(text)
            value = _unquoted(variable[2]) if variable else None
            if variable is None or value is None:
                raise Unknown(f"{path}:{number} is not NAME=value", "correct the line; a value stands on one line")
            found[variable[1]] = value
        if not found:
            raise Unknown(f"{path} sets no variable", "is it the right file?")
        return found


def _listed(folder: Path, suffix: str) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(suffix) and not path.is_dir())


def _bytes(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device may have no end
        raise Unknown(f"{path} is no regular file", "point the reading at a file")
    with path.open("rb") as file:
        data = file.read(BYTES_AT_MOST + 1)
    if len(data) > BYTES_AT_MOST:
        raise Unknown(f"{path} is larger than {BYTES_AT_MOST:,} bytes", "point the reading at a shorter file")
    return data


def _unquoted(value: str) -> str | None:
    """Give the value without quotes and comment; None where a quote is not closed."""
    if value.startswith("'"):
        single = _SINGLE.match(value)
        return single[1] if single else None
    if value.startswith('"'):
        double = _DOUBLE.match(value)
        return re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found[1]), double[1]) if double else None
    return re.split(r"(?:^|\s)#", value, maxsplit=1)[0].strip()
