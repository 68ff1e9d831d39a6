"""Files that a service or its operators leave: JSON, JSON lines, dotenv, text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from readiness.clients.guard import Guard
from readiness.outcomes import Effect, Unknown

BYTES_AT_MOST = 50_000_000
_VARIABLE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$")


class Files:
    """Reads files of this machine."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def text(self, path: Path) -> str:
        """Read a text file. Raises Unknown where it is missing, denied, too large or empty."""
        host = next(iter(self._guard.allowed_hosts))  # a file is on this machine: no host is asked
        with self._guard.request("files", "READ", str(path), host, Effect.READ) as entry:
            try:
                if path.stat().st_size > BYTES_AT_MOST:
                    raise Unknown(
                        f"{path} is larger than {BYTES_AT_MOST:,} bytes", "point the reading at a shorter file"
                    )
                text = path.read_text(encoding="utf-8")
            except OSError as error:
                raise Unknown(
                    f"{path} cannot be read: {error.strerror}", "is the path right, and may we read it?"
                ) from None
            except UnicodeDecodeError:
                raise Unknown(f"{path} is not UTF-8 text", "point the reading at a text file") from None
            entry.status = f"{len(text)} characters"
        if not text.strip():
            raise Unknown(f"{path} is empty", "does anything still write it?")
        return text

    def json(self, path: Path) -> Any:
        """Read one JSON document. Raises Unknown."""
        return _parsed(self.text(path), f"{path}")

    def json_lines(self, path: Path) -> list[Any]:
        """Read one JSON document a line; a last line that is still being written is left out. Raises Unknown."""
        text = self.text(path)
        lines = text.split("\n")
        whole = lines[:-1] if not text.endswith("\n") and len(lines) > 1 else lines
        return [_parsed(line, f"{path}:{number}") for number, line in enumerate(whole, 1) if line.strip()]

    def dotenv(self, path: Path) -> dict[str, str]:
        """Read NAME=value lines. Raises Unknown that names a malformed line, not its text."""
        found: dict[str, str] = {}
        for number, line in enumerate(self.text(path).splitlines(), 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            variable = _VARIABLE.match(text)
            if not variable:
                raise Unknown(f"{path}:{number} is not NAME=value", "correct the line")
            found[variable[1]] = _unquoted(variable[2])
        return found


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unknown(f"{where} is not JSON: {error}", "is it the right file, and the right format?") from None


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return re.split(r"\s+#", value, maxsplit=1)[0].strip()
