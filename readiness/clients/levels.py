"""Service levels: a figure over a window, from the metrics server or from the service's own tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from readiness.clients.postgres import Postgres, only_value
from readiness.clients.prometheus import Prometheus
from readiness.errors import nearest
from readiness.outcomes import NotConfigured, Unknown
from readiness.service_levels import NOW, Figure, ServiceLevel, Window
from readiness.timeline import parse_span

FRESH = "5m"
"""A counter without a sample of so long has stopped."""
LONG_SECONDS = 86_400
"""A window of a day or more must be on record from its beginning."""


@dataclass(frozen=True)
class Quantile:
    """A quantile of what events took."""

    seconds: float
    at_least: bool
    """It lies beyond the histogram's last bound, which is all that is known of it."""


class Levels:
    """The service levels that the environment names."""

    def __init__(self, configured: Mapping[str, ServiceLevel], postgres: Postgres, prometheus: Prometheus) -> None:
        self._configured = configured
        self._postgres = postgres
        self._prometheus = prometheus

    def figure(self, level: str, name: str, window: Window) -> float:
        """Fetch one figure. Raises Unknown, also for a count that has stopped or is not on record for so long."""
        figure = self._figure(level, name)
        value = self._ask(figure, window, f"service_levels.{level}.{name}")
        if value < 0:
            raise Unknown(
                f"service_levels.{level}.{name} is {value:g}, and it counts", "use increase(): a counter may begin anew"
            )
        if name == "count" and figure.promql:
            self._on_record(level, figure, window)
        return value

    def quantile(self, level: str, window: Window) -> Quantile:
        """Fetch the latency's quantile. Raises Unknown."""
        seconds = self.figure(level, "latency", window)
        histogram = self._figure(level, "latency").promql is not None
        # A histogram answers its last bound for whatever lies beyond: as much for this quantile as for the largest.
        return Quantile(seconds, histogram and seconds >= self.figure(level, "latency", replace(window, quantile=1.0)))

    def _figure(self, level: str, name: str) -> Figure:
        known = self._configured.get(level)
        figure: Figure | None = getattr(known, name) if known else None
        if figure is None:
            near = None if known else nearest(level, self._configured)
            raise NotConfigured(
                f"nothing says how to find {name} of {level}" + (f"; did you mean {near}?" if near else ""),
                f"set service_levels.{level}.{name} in the environment file",
            )
        return figure

    def _on_record(self, level: str, figure: Figure, window: Window) -> None:
        """Refuse a counter that has stopped, and a window that begins before anything was recorded."""
        if window.offset == NOW and not self._seen(figure, replace(window, window=FRESH)):
            raise Unknown(
                f"service_levels.{level}.count has no sample of the last {FRESH}",
                "is the metric still emitted, and is its target scraped?",
            )
        span = parse_span(window.window).total_seconds()
        oldest = Window(f"{span / 10:.0f}s", f"{window.seconds_ago + span * 0.9:.0f}s", path=window.path)
        if span >= LONG_SECONDS and not self._seen(figure, oldest):
            raise Unknown(
                f"service_levels.{level}.count is not on record from the beginning of {window}",
                "wait until there is so much of a history; how long does the server keep it?",
            )

    def _seen(self, figure: Figure, window: Window) -> bool:
        return bool(self._prometheus.vector(figure.in_promql(window.values), window.seconds_ago))

    def _ask(self, figure: Figure, window: Window, what: str) -> float:
        missing = figure.places - set(window.values)
        if missing:
            raise Unknown(f"{what} asks for {{{min(missing)}}}, and the line names none", "give it a level of its own")
        if figure.promql is not None:
            return self._prometheus.value(figure.in_promql(window.values), window.seconds_ago)
        statement, parameters = figure.in_sql(window.values)
        value = only_value(self._postgres.rows(statement, *parameters), what)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unknown(f"{what} is not a number: {str(value)[:60]!r}", "correct its query")
        return float(value)
