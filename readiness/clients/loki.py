"""Loki: the newest lines of a log stream, and how many lines have which level.

Source: grafana.com/docs/loki/latest/reference/loki-http-api. Times are nanoseconds, written as text. From 3.1 on Loki
finds the level of each line that it takes in, be it JSON, logfmt or words, and keeps it as `detected_level` in the
structured metadata of the line. Where it finds none that is `unknown`, and not there without `discover_log_levels`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from readiness.environment import monitoring
from readiness.measurements import as_decimal
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.transport.answer import Answer
from readiness.transport.system import System
from readiness.transport.typed import at_key

_SECOND = 1_000_000_000
LINES_AT_MOST = 100
DETECTED = "detected_level"
WORDS_SHOWN = 120
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`', re.DOTALL)
_SELECTOR = re.compile(r"\s*\{[^{}|]*\}\s*")
_BY_LEVEL = re.compile(r"(level|lvl|severity)\w*\s*(=|!)", re.IGNORECASE)


@dataclass(frozen=True)
class LogLine:
    """One line and when it was written."""

    at: datetime
    text: str


class Loki(System[monitoring.Loki]):
    """The server that the environment names under `loki`."""

    NAME = "Loki"
    LACK = ("no Loki is configured", "set loki.url and loki.query in the environment file")

    def newest(self, since: datetime, levels: Iterable[str] = (), at_most: int = LINES_AT_MOST) -> list[LogLine]:
        """Return the newest lines after `since`, newest first; with `levels` those of these alone. Raises Unknown."""
        until = datetime.now(UTC) + timedelta(minutes=1)  # clocks differ a little
        words = "|".join(sorted(levels))
        of_levels = f' | {DETECTED}=~"(?i)({words})"' if words else ""
        parameters = {
            "query": f"{self.settings.query}{of_levels}",
            "limit": at_most,
            "direction": "backward",
            "start": round(since.timestamp() * _SECOND),
            "end": round(until.timestamp() * _SECOND),
        }
        answer, result = self._asked("query_range", parameters, "streams")
        lines = _lines(result, answer.url)
        return sorted(lines, key=lambda line: line.at, reverse=True)

    def by_level(self, since: datetime) -> dict[str, int]:
        """Return how many lines have which level, as Loki detected it, from `since` to now. Raises Unknown."""
        self._require_whole_streams()
        now = datetime.now(UTC)
        seconds = max(math.ceil((now - since).total_seconds()), 1)
        counted = f"sum by ({DETECTED}) (count_over_time({self.settings.query} [{seconds}s]))"
        parameters = {"query": counted, "time": round(now.timestamp() * _SECOND)}
        answer, result = self._asked("query", parameters, "vector")
        return _counts(result, answer.url)

    def _require_whole_streams(self) -> None:
        """Raise Unknown where the query leaves lines out: errors among those would be counted by nobody."""
        without_texts = _QUOTED.sub("", self.settings.query)
        if not _SELECTOR.fullmatch(without_texts) or _BY_LEVEL.search(without_texts):
            raise Unknown(
                f"loki.query may leave out lines with errors: {shown(self.settings.query, WORDS_SHOWN)}",
                'let it select the service\'s streams and nothing else, as {app="shop"}; or set readings.log_lines',
            )

    def _asked(self, what: str, parameters: dict[str, Any], kind: str) -> tuple[Answer, Any]:
        """Return the answer to a query, and its result of a kind. Raises Unknown."""
        headers = {"X-Scope-OrgID": self.settings.tenant} if self.settings.tenant else {}
        url = f"{self.settings.url}/loki/api/v1/{what}?{urlencode(parameters)}"
        answer = self._http.get(url, token=self.settings.token, headers=headers).expect(200)

        document = answer.json()
        data = at_key(document, "data") if at_key(document, "status") == "success" else None
        if not isinstance(data, dict) or data.get("resultType") != kind:
            raise Unknown(
                f"{answer.url} answered no {kind}",
                "does loki.query select log lines, and is it Loki?",
            )

        # Said beside an answer that is not all of it, or not exact.
        warnings = document.get("warnings")
        if warnings:
            told = shown(str(warnings), WORDS_SHOWN)
            raise Unknown(f"{answer.url} answered with warnings: {told}", "mend what they name, then run again")
        return answer, data.get("result")


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


def _counts(result: Any, url: str) -> dict[str, int]:
    """Return the counts of a vector, `{"metric": {...}, "value": [second, count as text]}` each. Raises Unknown."""
    counts: dict[str, int] = {}
    try:
        for series in result:
            level = str(series["metric"].get(DETECTED, "")).strip().lower()
            counts[level] = counts.get(level, 0) + _count(series["value"][1])
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError):
        raise Unknown(f"{url} answered what are no counts", "is loki.url right?") from None
    return counts


def _count(value: Any) -> int:
    """Return a count. Raises ValueError, OverflowError for what counts nothing."""
    number = as_decimal(str(value))
    if number < 0 or number != int(number):
        raise ValueError("a count is a whole number, and never less than 0")
    return int(number)
