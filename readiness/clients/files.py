"""Files that a service or its operators leave: JSON, JSON lines, dotenv, text."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from readiness.files import bounded_read
from readiness.files.read_from import in_project
from readiness.outcomes import Effect, Unknown
from readiness.provenance import FromFile
from readiness.timeline import why_not_of_now
from readiness.transport.deadline import Deadline, DeadlinePassed, within
from readiness.transport.guard import Guard
from readiness.transport.strict_json import parse_json

BYTES_AT_MOST = 50_000_000
FILES_AT_MOST = 1000
SECONDS_AT_MOST = 30.0
"""A file can lie on a disk of the network, which may never answer."""
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
        """Return a file's text. Raises Unknown where it is missing, denied, no file, too large, empty or not UTF-8."""
        file = FromFile(in_project(path))
        with self._guard.request("files", "READ", str(path), None, Effect.READ, file) as entry:
            try:
                data = within(Deadline.after(SECONDS_AT_MOST), lambda _: bounded_read.read_bytes(path, BYTES_AT_MOST))
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError:
                raise Unknown(f"{path} is not UTF-8 text", "point the reading at a text file") from None
            except (OSError, ValueError) as error:
                # ValueError is a path with a null byte in it.
                reason = getattr(error, "strerror", None) or "no file can be called so"
                raise Unknown(f"{path} cannot be read: {reason}", "is the path right, and may we read it?") from None
            except DeadlinePassed:
                raise Unknown(f"{path} was not read within {SECONDS_AT_MOST:g} s", "is its disk reachable?") from None
            entry.status = f"{len(data)} bytes"
            entry.came_from = replace(file, age_seconds=_age_of(path))
        if not text.strip():
            raise Unknown(f"{path} is empty", "does anything still write it?")
        return text

    def require_written_since(self, path: Path, age_seconds_at_most: float) -> None:
        """Raise Unknown where a file was last written longer ago than that, or in the future."""
        stale = why_not_of_now(_second_of(path), time.time(), timedelta(seconds=age_seconds_at_most))
        if stale:
            raise Unknown(f"{path} {stale}", "does the job that writes it still run?")

    def written_at(self, path: Path) -> datetime:
        """Return when a file was last written. Raises Unknown where nobody can see that, and for the future."""
        written = _second_of(path)
        ahead = why_not_of_now(written, time.time(), timedelta.max)
        if ahead:
            raise Unknown(f"{path} {ahead}", "whose clock is it? set it right")
        return datetime.fromtimestamp(written, UTC)

    def names(self, folder: Path, suffix: str) -> list[str]:
        """Return the names of a folder's files that end so, sorted. Raises Unknown where it is missing or denied."""
        listed = FromFile(in_project(folder))
        with self._guard.request("files", "LIST", str(folder), None, Effect.READ, listed) as entry:
            try:
                names = within(Deadline.after(SECONDS_AT_MOST), lambda _: _listed(folder, suffix))
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "no folder can be called so"
                raise Unknown(f"{folder} cannot be read: {reason}", "is the path right, and may we read it?") from None
            except DeadlinePassed:
                raise Unknown(f"{folder} was not read within {SECONDS_AT_MOST:g} s", "is its disk reachable?") from None
            entry.status = f"{len(names)} files"
        if len(names) > FILES_AT_MOST:
            raise Unknown(f"{folder} holds {len(names):,} files", f"point to a folder of at most {FILES_AT_MOST:,}")
        return names

    def json(self, path: Path) -> Any:
        """Return the JSON document of a file. Raises Unknown."""
        return parse_json(self.text(path), str(path))

    def json_lines(self, path: Path) -> list[Any]:
        """Return the JSON documents of a file that has one on each line. Raises Unknown that names a malformed line.

        A last line that is still being written (it has no end, and does not parse) is left out.
        """
        *ended, last = self.text(path).split("\n")
        documents = [parse_json(line, f"{path}:{number}") for number, line in enumerate(ended, 1) if line.strip()]
        if not last.strip():
            return documents

        try:
            documents.append(parse_json(last, f"{path}:{len(ended) + 1}"))
        except Unknown:
            # A file of nothing but this line is no file of JSON lines.
            if not documents:
                raise
        return documents

    def dotenv(self, path: Path) -> dict[str, str]:
        """Return the variables of NAME=value lines; the last of a name counts.

        Raises Unknown that names the line, never its text: that may be a secret.
        """
        variables: dict[str, str] = {}
        for number, line in enumerate(self.text(path).split("\n"), 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue

            match = _VARIABLE.match(text)
            value = _unquoted(match[2]) if match else None
            if match is None or value is None:
                raise Unknown(f"{path}:{number} is not NAME=value", "correct the line; a value stands on one line")
            variables[match[1]] = value

        if not variables:
            raise Unknown(f"{path} sets no variable", "is it the right file?")
        return variables


def _age_of(path: Path) -> float | None:
    """Return how long ago a file was last written, in seconds; None where nobody can see that."""
    try:
        return round(max(time.time() - _second_of(path), 0.0), 1)
    except Unknown:
        return None


def _second_of(path: Path) -> float:
    """Return when a file was last written, in seconds since 1970. Raises Unknown."""
    try:
        return within(Deadline.after(SECONDS_AT_MOST), lambda _: path.stat().st_mtime)
    except (OSError, ValueError, DeadlinePassed) as error:
        raise Unknown(f"when {path} was written cannot be seen: {error}", "may we look at its folder?") from None


def _listed(folder: Path, suffix: str) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(suffix) and not path.is_dir())


def _unquoted(value: str) -> str | None:
    """Return a value without its quotes and comment; None where a quote is not closed.

    As shells do: within single quotes nothing is escaped, within double quotes a backslash escapes.
    """
    if value.startswith("'"):
        single = _SINGLE.match(value)
        return single[1] if single else None

    if value.startswith('"'):
        double = _DOUBLE.match(value)
        if double is None:
            return None
        return re.sub(r"\\(.)", lambda match: _ESCAPED.get(match[1], match[1]), double[1])

    # Without quotes only a # after a space begins a comment: a password may contain one.
    return re.split(r"(?:^|\s)#", value, maxsplit=1)[0].strip()
