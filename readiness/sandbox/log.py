"""The service's structured log: one JSON object a line."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path


class Log:
    """Appends lines; each is written whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        path.touch()

    def write(self, event: str, level: str = "info", **fields: object) -> None:
        """Log one event."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(), "level": level, "event": event, **fields}, default=str)
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
