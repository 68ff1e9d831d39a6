"""Loki: the newest lines of a log stream.

Source: grafana.com/docs/loki/latest/reference/loki-http-api. Times are nanoseconds, written as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from readiness.environment import monitoring
from readiness.outcomes import Unknown
from readiness.transport.system import System
from readiness.transport.typed import at_key

_SECOND = 1_000_000_000
LINES_AT_MOST = 100


@dataclass(frozen=True)
class LogLine:
    """One line and when it was written."""

    at: datetime
    text: str


class Loki(System[monitoring.Loki]):
    """The server that the environment names under `loki`."""

    NAME = "Loki"
    LACK = ("no Loki is configured", "set loki.url and loki.query in the environment file")

    def newest(self, since: datetime) -> list[LogLine]:
        """Return the newest lines after `since`, newest first; at most a hundred. Raises Unknown."""
        until = datetime.now(UTC) + timedelta(minutes=1)  # clocks differ a little
        parameters = urlencode(
            {
                "query": self.settings.query,
                "limit": LINES_AT_MOST,
                "direction": "backward",
                "start": round(since.timestamp() * _SECOND),
                "end": round(until.timestamp() * _SECOND),
            }
        )
        headers = {"X-Scope-OrgID": self.settings.tenant} if self.settings.tenant else {}
        url = f"{self.settings.url}/loki/api/v1/query_range?{parameters}"
        answer = self._http.get(url, token=self.settings.token, headers=headers).expect(200)

        document = answer.json()
        data = at_key(document, "data") if at_key(document, "status") == "success" else None
        if not isinstance(data, dict) or data.get("resultType") != "streams":
            raise Unknown(f"{answer.url} answered no streams", "does loki.query select log lines, and is it Loki?")
        lines = _lines(data.get("result"), answer.url)
        return sorted(lines, key=lambda line: line.at, reverse=True)


def _lines(streams: Any, url: str) -> list[LogLine]:
    """Return the lines of streams, `{"values": [[nanoseconds, text], ...]}` each. Raises Unknown."""
    try:
        return [
            LogLine(datetime.fromtimestamp(int(value[0]) / _SECOND, UTC), str(value[1]))
            for stream in streams
            for value in stream["values"]
        ]
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, OSError):
        raise Unknown(f"{url} answered what are no log lines", "is loki.url right?") from None
