"""The figures of a sign-off against their limits, and how they went in the seven days before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.evidence.records import Result
from readiness.measurements import COMPARATORS, show
from readiness.outcomes import DecisionKey, Phase
from readiness.rendering.checklist import link_to
from readiness.rendering.dossier import Dossier
from readiness.rendering.run_summary import MeasuredFigure, number
from readiness.rendering.texts import shortened

WINDOW = timedelta(days=7)
DAYS_NEEDED = 6.0
"""So many days must lie between the first and the last point, for a trend to be one of seven days."""
NEAREST, TRENDS_AT_MOST = 12, 12
POINTS_AT_LEAST = 2
SHOWN_USE_AT_MOST = 10
"""From ten times what is allowed on, the figure says no more than that it is far beyond."""
WIDE, HIGH, FULL = 220, 54, 1.5
"""A trend's size; and how far over its limit a bar is drawn."""
DAILY, COUNT, FAILED_SHARE = "daily_levels", "count", "failed of count"
"""The observation that gives the figures of each day, how many there were, and the one figure made of two of them."""
COLUMNS = {
    "slo.error_rate": (FAILED_SHARE, "share"),
    "slo.latency": ("p99_seconds", "s"),
    "slo.availability": ("available", "share"),
}
"""The check → the column that it judges of each day, and its unit; the others judge how many there were."""
CEILING = 0.9
"""From this share on, a floor is drawn by what it leaves: of 99.5 %, the half per cent."""


@dataclass(frozen=True)
class Bar:
    """One measurement: how much of what is allowed it uses. 1 is the limit."""

    where: str
    says: str
    name: str
    value: str
    allowed: str
    use: float
    ok: bool
    phase: Phase
    link: str
    near: bool
    """Whether it matters that it is near to its limit: not so for a status code, and for the one that must be there."""

    @property
    def width(self) -> float:
        """How long the bar is, in per cent."""
        return round(min(self.use, FULL) / FULL * 100, 1)

    @property
    def summary(self) -> str:
        """The same in words, for whoever does not see the bar."""
        if self.use <= SHOWN_USE_AT_MOST:
            return f"{self.use:.0%} of what is allowed"
        return "far beyond what is allowed"


LIMIT_AT = round(100 / FULL, 1)


def used(value: float, comparator: str, limit: float) -> float | None:
    """Return the share of what is allowed that is used; None where the comparison has no such share."""
    if comparator in {"at_least", "above"}:
        return _used_of_floor(value, limit)
    if comparator in {"below", "at_most"} and value >= 0:
        return _used_of_ceiling(value, limit)
    return None


def _used_of_floor(value: float, limit: float) -> float | None:
    # A share near 1 is drawn by what may be missing to 1.
    if CEILING <= limit <= 1 and value <= 1:
        return _used_of_ceiling(1 - value, 1 - limit)

    if limit <= 0:
        return None
    return limit / value if value > 0 else FULL


def _used_of_ceiling(value: float, limit: float) -> float:
    if limit > 0:
        return value / limit
    # Where nothing is allowed, anything is far too much.
    return FULL if value > 0 else 0.0


def bars(dossier: Dossier) -> tuple[list[Bar], list[Bar]]:
    """Return the figures of the sign-off itself, and those of the other phases that are nearest to their limits."""
    own = list(_bars(dossier, Phase.GA))
    shown = {(bar.where, bar.name) for bar in own}

    others = [bar for phase in dossier.phases if phase is not Phase.GA for bar in _bars(dossier, phase)]
    near = [bar for bar in others if bar.near and (bar.where, bar.name) not in shown]
    near.sort(key=_nearest_first)
    # Of several bars for one figure the nearest to its limit stays, which comes last here.
    once = {(bar.says, bar.name): bar for bar in reversed(near)}
    return own, sorted(once.values(), key=_nearest_first)[:NEAREST]


def _nearest_first(bar: Bar) -> float:
    return -bar.use


def value_and_limit(measurement: RecordedMeasurement) -> tuple[str, str]:
    """Return a measurement and its limit as text for people: a share in per cent."""
    value, limit = number(measurement.value), number(measurement.limit)
    if measurement.name.startswith("share") and value is not None and limit is not None:
        return f"{value * 100:.4g} %", f"{COMPARATORS[measurement.comparator]} {limit * 100:.4g} %"
    return measurement.measurement().seen, measurement.measurement().allowed


def _bars(dossier: Dossier, phase: Phase) -> Iterator[Bar]:
    decided = dossier.phases.get(phase)
    if decided is None:
        return
    link = link_to(decided.run.folder)
    for result in decided.run.results:
        for measurement in result.measurements:
            bar = _bar(result, measurement, phase, link)
            if bar:
                yield bar


def _bar(result: Result, measurement: RecordedMeasurement, phase: Phase, link: str) -> Bar | None:
    value, limit = number(measurement.value), number(measurement.limit)
    if value is None or limit is None:
        return None
    use = used(value, measurement.comparator, limit)
    if use is None:
        return None

    value_text, allowed = value_and_limit(measurement)
    return Bar(
        where=result.key.name,
        says=result.says,
        name=shortened(measurement.name),
        value=value_text,
        allowed=allowed,
        use=use,
        ok=measurement.ok,
        phase=phase,
        link=link,
        near=_tells_by_nearness(measurement),
    )


def _tells_by_nearness(measurement: RecordedMeasurement) -> bool:
    """Check whether it matters how near a measurement is to its limit: below a ceiling, or above a floor near 1."""
    is_share_near_one = CEILING <= (number(measurement.limit) or 0) < 1
    has_room = measurement.comparator in {"below", "at_most"} or is_share_near_one
    return has_room and not _is_code(measurement.name)


def _is_code(name: str) -> bool:
    """Check whether a number is a status code, which is no quantity."""
    return name.startswith("status")


@dataclass(frozen=True)
class FigureTrend:
    """One figure over the days before the moment of the page."""

    title: str
    unit: str
    points: tuple[tuple[datetime, float], ...]
    limit: float | None

    @property
    def _top(self) -> float:
        return max(*(value for _, value in self.points), self.limit or 0.0)

    @property
    def _bottom(self) -> float:
        values = [value for _, value in self.points]
        if self.limit is not None:
            values.append(self.limit)
        lowest = min(values)
        # The axis begins at nothing, but where that would flatten the curve.
        if 0 <= lowest < self._top / 2:
            return 0.0
        return lowest

    def _height(self, value: float) -> float:
        span = (self._top - self._bottom) or 1.0
        return round(HIGH - 4 - (value - self._bottom) / span * (HIGH - 8), 1)

    def _across(self, at: datetime) -> float:
        began, ended = self.points[0][0], self.points[-1][0]
        span = (ended - began) / timedelta(seconds=1) or 1.0
        return 4 + (at - began) / timedelta(seconds=1) / span * (WIDE - 8)

    @property
    def path(self) -> str:
        """The curve as SVG wants it."""
        return " ".join(f"{self._across(at):.1f},{self._height(value)}" for at, value in self.points)

    @property
    def last(self) -> tuple[str, str]:
        """Where the newest point lies: across and down, in pixels."""
        across, _, height = self.path.rpartition(" ")[2].partition(",")
        return across, height

    @property
    def level(self) -> float | None:
        """Where the limit lies, in pixels from above."""
        return None if self.limit is None else self._height(self.limit)

    @property
    def summary(self) -> str:
        """The same in words, for whoever does not see the curve."""
        values = [value for _, value in self.points]
        extent = f"last {self._show(values[-1])}, {self._show(min(values))} to {self._show(max(values))}"
        return extent if self.limit is None else f"{extent}; limit {self._show(self.limit)}"

    def _show(self, value: float) -> str:
        if self.unit == "share":
            return f"{value * 100:.3g} %"
        return f"{show(value)} {self.unit}".strip()

    @property
    def days(self) -> float:
        """How many days lie between the first and the last point."""
        return (self.points[-1][0] - self.points[0][0]) / timedelta(days=1)


@dataclass(frozen=True)
class WeekTrends:
    """The trends of the seven days."""

    daily: tuple[FigureTrend, ...]
    """What the sign-off measured for each day."""
    hourly: tuple[FigureTrend, ...]
    """What the runs after the launch measured."""
    runs: int
    more: int
    """How many of their figures are not drawn."""

    @property
    def lacks(self) -> str:
        """Why this is no trend of seven days; empty where it is one."""
        days = max((trend.days for trend in (*self.daily, *self.hourly)), default=0.0)
        if days >= DAYS_NEEDED:
            return ""
        reason = f"the figures cover {days:.1f} of 7 days" if days else "no figure was seen twice in the 7 days"
        return f"{reason}: run pytest -m postlaunch every hour, or name the service levels"


def course(dossier: Dossier) -> WeekTrends:
    """Return the trends of each day, and of the runs after the launch: service levels first, then the nearest."""
    began = dossier.moment - WINDOW
    runs = [run for run in dossier.runs if run.start.phase is Phase.POSTLAUNCH and run.start.as_of >= began]

    points: dict[DecisionKey, list[tuple[datetime, float]]] = {}
    newest: dict[DecisionKey, MeasuredFigure] = {}
    for run in runs:
        for key, figure in run.figures.items():
            points.setdefault(key, []).append((run.start.as_of, figure.value))
            newest[key] = figure

    drawn = [key for key in points if len(points[key]) >= POINTS_AT_LEAST and not _is_code(newest[key].name)]
    drawn.sort(key=lambda key: _rank(key, newest[key]))

    # Several lines hold the same figure against their own limits: the nearest is drawn.
    once: dict[object, DecisionKey] = {}
    for key in drawn:
        once.setdefault((newest[key].name, tuple(points[key])), key)

    keys = list(once.values())
    hourly = tuple(
        FigureTrend(newest[key].name, _unit(newest[key]), tuple(points[key]), newest[key].limit)
        for key in keys[:TRENDS_AT_MOST]
    )
    return WeekTrends(tuple(_daily(dossier)), hourly, len(runs), len(keys) - len(hourly))


def _rank(key: DecisionKey, figure: MeasuredFigure) -> tuple[bool, float]:
    """Return what sorts service levels first, and then by what is used of the limit."""
    use = used(figure.value, figure.comparator, figure.limit) if figure.limit is not None else None
    is_service_level = key.check.startswith(("slo.", "business."))
    return not is_service_level, -(use or 0.0)


def _unit(figure: MeasuredFigure) -> str:
    if figure.unit:
        return figure.unit
    return "share" if figure.name.startswith("share") else ""


def _daily(dossier: Dossier) -> Iterator[FigureTrend]:
    """Yield what a decision of the sign-off attached for each day, in the column that its check judges."""
    decided = dossier.phases.get(Phase.GA)
    if decided is None:
        return
    for result in decided.run.results:
        attached = result.diagnostics if isinstance(result.diagnostics, dict) else {}
        rows = attached.get(DAILY)
        column, unit = _column(result.check)
        points = tuple(_points(rows if isinstance(rows, list) else [], column))
        if len(points) < POINTS_AT_LEAST:
            continue

        # The limit of what is only counted is none of the day's.
        has_limit = bool(result.measurements) and column != COUNT
        limit = number(result.measurements[0].limit) if has_limit else None
        yield FigureTrend(result.says, unit, points, limit)


def _column(check: str) -> tuple[str, str]:
    for prefix, column in COLUMNS.items():
        if check.startswith(prefix):
            return column
    return COUNT, ""


def _points(rows: list[object], column: str) -> Iterator[tuple[datetime, float]]:
    for row in rows:
        if not isinstance(row, dict):
            continue
        value = _failed_share(row) if column == FAILED_SHARE else number(row.get(column))
        if value is not None:
            yield datetime.combine(date.fromisoformat(str(row["ends_on"])), time(), UTC), value


def _failed_share(row: Mapping[str, object]) -> float | None:
    """Return the share of the day's requests that failed; None where there were none, or nobody counted."""
    failed, count = number(row.get("failed")), number(row.get(COUNT))
    return failed / count if failed is not None and count else None
