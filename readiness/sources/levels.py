"""Service levels: a figure over a window, from the metrics server, the service's own tables or the suite's own runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from readiness.clients.history import History
from readiness.clients.postgres import Postgres, only_value
from readiness.clients.prometheus import Prometheus
from readiness.clients.questions import asked, found, total
from readiness.environment.service_levels import NOW, Figure, ServiceLevel, Window
from readiness.environment.service_levels import ProbeHistory as Source
from readiness.environment.spans import filled_pointer
from readiness.errors import nearest
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.shown import shown
from readiness.slo.probe_history import Looks, QuantileOfLooks
from readiness.sources.plain_values import as_number_or_nan, as_plain_value
from readiness.sources.provenance import Provenance
from readiness.timeline import parse_span
from readiness.transport.http import Http

FRESH = "5m"
"""A counter without a sample of so long has stopped."""
LONG_SECONDS = 86_400
"""A window of a day or more must be on record from its beginning, and without a long hole."""
RECORD_SHARE = 0.9
"""So much of it: as of the suite's own looks, where a pause of a tenth is too long."""
TOLD_BY_LOOKS = {"count", "failed", "available", "latency"}
POINTS = 250
POINT_SECONDS = 600
"""Holes are looked for in so many points, in fewer of so many seconds: of a day 144, of a week every 40 minutes."""


@dataclass(frozen=True)
class Quantile:
    """A quantile of what events took."""

    seconds: float
    at_least: bool
    """It lies beyond the histogram's last bound, or beyond a look that was given up: all that is known of it."""
    at_most: float | None = None
    """It lies between the seconds and these: some looks saw nothing."""
    without_time: int = 0
    """How many looks saw nothing, or were refused."""
    refused: str = ""
    """So many looks were refused that there is no such time; the seconds are 0."""

    @property
    def answered(self) -> float:
        """The seconds. Raises Unknown where there are none."""
        if self.refused:
            raise Unknown(self.refused, "look at those runs")
        if self.at_most is not None:
            return self.at_most
        if self.without_time and self.at_least:
            raise Unknown(f"{self.without_time} looks measured no seconds: it is not known", "look at those runs")
        return self.seconds


def _of_looks(quantile: QuantileOfLooks) -> Quantile:
    if math.isinf(quantile.least):
        return Quantile(0.0, at_least=False, refused=quantile.refused)
    if quantile.least == quantile.most:
        return Quantile(quantile.least, at_least=False)
    at_most = None if math.isinf(quantile.most) else quantile.most
    return Quantile(quantile.least, at_least=True, at_most=at_most, without_time=quantile.without_time)


class Levels:
    """The service levels that the environment names."""

    def __init__(
        self,
        configured: Mapping[str, ServiceLevel],
        postgres: Postgres,
        prometheus: Prometheus,
        http: Http,
        history: History,
        provenance: Provenance,
    ) -> None:
        self._configured = configured
        self._history = history
        self._provenance = provenance
        self._postgres = postgres
        self._prometheus = prometheus
        self._http = http
        self._on_record_of: dict[tuple[str, float], float] = {}
        """The query that counts a window's points and how long ago it ended → the share of the window on record."""

    def figure(self, level: str, name: str, window: Window) -> float:
        """Return one figure of a level over a window: count, failed, available or latency (in seconds).

        Raises Unknown, also for a count that has stopped or is not on record all the time.
        """
        source = self._source(level)
        if source:
            return self._figure_of_looks(level, name, self._looks(level, source, window), window)

        figure = self._figure(level, name)
        value = self._ask(figure, window, f"service_levels.{level}.{name}")
        if value < 0:
            raise Unknown(
                f"service_levels.{level}.{name} is {value:g}, and it counts", "use increase(): a counter may begin anew"
            )
        # Once, with the count: a hole in it is one in the other figures too.
        if name == "count" and figure.promql:
            self._require_record(level, figure, window)
        return value

    def require(self, level: str, names: Iterable[str]) -> None:
        """Raise NotConfigured where the environment does not say how to find these figures of a level."""
        for name in names:
            if self._source(level):
                self._require_told_by_looks(level, name)
                continue
            figure = self._figure(level, name)
            if figure.promql is not None:
                self._prometheus.require_configured()
            if figure.sql is not None:
                self._postgres.require_configured()

    def occurrences(self, level: str, window: Window) -> float:
        """Return how many events there were by themselves: traffic. Raises Unknown for the suite's own looks."""
        if self._source(level):
            raise Unknown(
                f"service_levels.{level} counts the suite's own looks, which is no traffic",
                "count it with promql or sql",
            )
        return self.figure(level, "count", window)

    def unseen(self, level: str, window: Window) -> float:
        """Return the number of events that nobody knows the end of: looks that were unknown. Raises Unknown."""
        source = self._source(level)
        if source is None:
            return 0.0
        return self._looks(level, source, window).unseen

    def is_of_looks(self, level: str) -> bool:
        """Check whether a level counts the suite's own looks."""
        return self._source(level) is not None

    def called(self, level: str) -> str:
        """Return what a level counts, for a person."""
        source = self._source(level)
        return f"looks of {source.check}" if source else level

    def quantile(self, level: str, window: Window) -> Quantile:
        """Return the window's quantile of the latency. Raises Unknown."""
        source = self._source(level)
        if source:
            return self._quantile_of_looks(level, self._looks(level, source, window), window)

        seconds = self.figure(level, "latency", window)
        if self._figure(level, "latency").promql is None:
            return Quantile(seconds, at_least=False)

        # A histogram answers its last bound for whatever lies beyond: as much for this quantile as for the largest.
        largest = self.figure(level, "latency", replace(window, quantile=1.0))
        return Quantile(seconds, at_least=seconds >= largest)

    def _source(self, level: str) -> Source | None:
        settings = self._configured.get(level)
        return settings.history if settings else None

    def _looks(self, level: str, source: Source, window: Window) -> Looks:
        """Return the suite's own looks in a window. Raises Unknown."""
        if window.path is not None:
            raise Unknown(
                f"service_levels.{level} is a history, which knows no path", "give the path a level with a query"
            )
        end = datetime.now(UTC) - timedelta(seconds=window.seconds_ago)
        return self._history.looks(source, end - parse_span(window.window), end)

    def _figure_of_looks(self, level: str, name: str, looks: Looks, window: Window) -> float:
        self._require_told_by_looks(level, name)
        if name != "latency":
            return float(getattr(looks, name))

        quantile = self._quantile_of_looks(level, looks, window)
        if quantile.refused or quantile.at_least:
            raise Unknown(f"the latency of {level} has no end: looks were refused or given up", "look at those runs")
        return quantile.seconds

    @staticmethod
    def _quantile_of_looks(level: str, looks: Looks, window: Window) -> Quantile:
        if window.quantile is None:
            raise Unknown(f"the latency of {level} was asked for without a quantile", "state one in the line")
        return _of_looks(looks.quantile(window.quantile))

    @staticmethod
    def _require_told_by_looks(level: str, name: str) -> None:
        if name not in TOLD_BY_LOOKS:
            raise NotConfigured(
                f"the suite's own looks do not tell {name} of {level}",
                f"count it with promql or sql: service_levels.{level}.{name}, in place of its history",
            )

    def _figure(self, level: str, name: str) -> Figure:
        """Return how a figure of a level is queried. Raises NotConfigured."""
        settings = self._configured.get(level)
        figure: Figure | None = getattr(settings, name) if settings else None
        if figure is not None:
            return figure

        # A level that exists has the right name; what it lacks is the figure.
        near = None if settings else nearest(level, self._configured)
        hint = f"; did you mean {near}?" if near else ""
        raise NotConfigured(
            f"nothing says how to find {name} of {level}{hint}",
            f"set service_levels.{level}.{name} in the environment file",
        )

    def _require_record(self, level: str, figure: Figure, window: Window) -> None:
        """Raise Unknown for a counter that has stopped, and for a window with a hole or without its beginning."""
        if window.offset == NOW and not self._has_samples(figure, replace(window, window=FRESH)):
            raise Unknown(
                f"service_levels.{level}.count has no sample of the last {FRESH}",
                "is the metric still emitted, and is its target scraped?",
            )

        span = parse_span(window.window).total_seconds()
        if span < LONG_SECONDS:
            return
        first_tenth = Window(f"{span / 10:.0f}s", f"{window.seconds_ago + span * 0.9:.0f}s", path=window.path)
        if not self._has_samples(figure, first_tenth):
            raise Unknown(
                f"service_levels.{level}.count is not on record from the beginning of {window}",
                "wait until there is so much of a history; how long does the server keep it?",
            )
        self._require_no_hole(level, figure, window, span)

    def _require_no_hole(self, level: str, figure: Figure, window: Window, span: float) -> None:
        """Raise Unknown where less than `RECORD_SHARE` of a window's points are on record; `span` is in seconds."""
        step = math.ceil(max(POINT_SECONDS, span / POINTS))
        point = figure.in_promql(replace(window, window=f"{step}s").values)
        # The query on a line of its own: it may end in a comment.
        query = f"count_over_time((\n{point}\n)[{span:.0f}s:{step}s])"

        # Once for a window: no other query is as expensive.
        key = (query, window.seconds_ago)
        if key not in self._on_record_of:
            vector = self._prometheus.vector(query, window.seconds_ago)
            points = math.fsum(series.value for series in vector)
            self._on_record_of[key] = points * step / span

        share = self._on_record_of[key]
        if share < RECORD_SHARE:
            raise Unknown(
                f"service_levels.{level}.count is on record for only"
                f" {share:.1%} of {window}: {RECORD_SHARE:.0%} is needed",
                f"draw it over that time: {point}; was the server down, or its target not scraped?",
            )

    def _has_samples(self, figure: Figure, window: Window) -> bool:
        return bool(self._prometheus.vector(figure.in_promql(window.values), window.seconds_ago))

    def _ask(self, figure: Figure, window: Window, what: str) -> float:
        """Return what a figure's query answers for a window. Raises Unknown that names `what` it is."""
        if figure.http is not None:
            return self._ask_by_http(figure, window, what)
        missing = figure.places - set(window.values)
        if missing:
            raise Unknown(f"{what} asks for {{{min(missing)}}}, and the line names none", "give it a level of its own")
        if figure.promql is not None:
            query = figure.in_promql(window.values)
            number = self._prometheus.value(query, window.seconds_ago)
            self._provenance.tell_of_figure(what, figure, query)
            return number

        statement, parameters = figure.in_sql(window.values)
        value = only_value(self._postgres.rows(statement, *parameters), what)
        self._provenance.tell_of_figure(what, figure, statement, tuple(parameters))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unknown(f"{what} is not a number: {shown(str(value), 60)!r}", "correct its query")
        return float(value)

    def _ask_by_http(self, figure: Figure, window: Window, what: str) -> float:
        """Return what a service answers for a window. Raises Unknown."""
        values = window.instants(datetime.now(UTC))
        missing = figure.places - set(values)
        if missing:
            raise Unknown(f"{what} asks for {{{min(missing)}}}, and the line names none", "give it a level of its own")

        answer, document = asked(self._http, figure, values, what)
        value = found(figure, answer, document, values, what)
        if figure.sum is not None:
            value = total(value, filled_pointer(figure.sum, values), what)
        self._provenance.tell_of_figure(what, figure, "")

        number = as_number_or_nan(as_plain_value(value))
        if not math.isfinite(number):
            raise Unknown(f"{what} is not a number: {shown(str(value), 60)!r}", "correct its pointer")
        return number * figure.times
