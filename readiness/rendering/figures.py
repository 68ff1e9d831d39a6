"""The figures of a sign-off against their limits, and how they went in the seven days before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from readiness.evidence.records import RecordedMeasurement, Result
from readiness.measurements import COMPARATORS, show
from readiness.outcomes import DecisionKey, Phase
from readiness.rendering.checklist import link_to
from readiness.rendering.dossier import Dossier
from readiness.rendering.run_summary import Figure, number
from readiness.rendering.texts import shortened

WINDOW = timedelta(days=7)
DAYS_NEEDED = 6.0
"""So many days must lie between the first and the last look, for a trend to be one of seven days."""
NEAREST, TRENDS_AT_MOST = 12, 12
POINTS_AT_LEAST = 2
WIDE, HIGH, FULL = 220, 54, 1.5
"""A trend's size; and how far over its limit a bar is drawn."""
DAILY, FAILED_SHARE = "daily_levels", "failed of count"
"""The observation that gives the figures of each day, and the one figure that is made of two of them."""
COLUMNS = {
    "slo.error_rate": (FAILED_SHARE, "share"),
    "slo.latency": ("p99_seconds", "s"),
    "slo.availability": ("available", "share"),
}
"""The check → what it looks at of each day, and its unit; the others look at how many there were."""
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
    """It says something that it is near to its limit: not so of a status code, and of the one that must be there."""

    @property
    def width(self) -> float:
        """How long the bar is, of 100."""
        return round(min(self.use, FULL) / FULL * 100, 1)

    @property
    def told(self) -> str:
        """Say it in words."""
        return f"{self.use:.0%} of what is allowed" if self.use <= 10 else "far beyond what is allowed"  # noqa: PLR2004


LIMIT_AT = round(100 / FULL, 1)


def used(value: float, comparator: str, limit: float) -> float | None:
    """Return the share of what is allowed that is used; None where the comparison has no such share."""
    if comparator in {"at_least", "above"}:
        if CEILING <= limit <= 1 and value <= 1:
            left = 1 - limit
            if left:
                return (1 - value) / left
            # At a limit of 1 nothing may be missing.
            return FULL if value < 1 else 0.0
        return None if limit <= 0 else (limit / value if value > 0 else FULL)
    if comparator in {"below", "at_most"} and value >= 0:
        return value / limit if limit > 0 else (FULL if value > 0 else 0.0)
    return None


def bars(dossier: Dossier) -> tuple[list[Bar], list[Bar]]:
    """Give the figures of the sign-off itself, and those of the other phases that are nearest to their limits."""
    own = list(_bars(dossier, Phase.GA))
    known = {(bar.where, bar.name) for bar in own}
    others = [bar for phase in dossier.phases if phase is not Phase.GA for bar in _bars(dossier, phase)]
    nearest = sorted(
        (bar for bar in others if bar.near and (bar.where, bar.name) not in known), key=lambda bar: -bar.use
    )
    once = {(bar.says, bar.name): bar for bar in reversed(nearest)}
    return own, sorted(once.values(), key=lambda bar: -bar.use)[:NEAREST]


def said(one: RecordedMeasurement) -> tuple[str, str]:
    """Write a measurement and its limit for people: a share in per cent."""
    value, limit = number(one.value), number(one.limit)
    if one.name.startswith("share") and value is not None and limit is not None:
        return f"{value * 100:.4g} %", f"{COMPARATORS[one.comparator]} {limit * 100:.4g} %"
    return f"{show(one.value)} {one.unit}".strip(), one.measurement().allowed


def _bars(dossier: Dossier, phase: Phase) -> Iterator[Bar]:
    found = dossier.phases.get(phase)
    for result in found.run.results if found else ():
        for one in result.measurements:
            bar = _bar(result, one, phase, link_to(found.run.folder)) if found else None
            if bar:
                yield bar


def _bar(result: Result, one: RecordedMeasurement, phase: Phase, link: str) -> Bar | None:
    value, limit = number(one.value), number(one.limit)
    use = used(value, one.comparator, limit) if value is not None and limit is not None else None
    if use is None:
        return None
    told, allowed = said(one)
    return Bar(
        result.key.name, result.says, shortened(one.name), told, allowed, use, one.ok, phase, link, _says_much(one)
    )


def _says_much(one: RecordedMeasurement) -> bool:
    ceiling = one.comparator in {"below", "at_most"} or CEILING <= (number(one.limit) or 0) < 1
    return ceiling and not _is_code(one.name)


def _is_code(name: str) -> bool:
    """Tell whether a number is a status code, which is no quantity."""
    return name.startswith("status")


@dataclass(frozen=True)
class Trend:
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
        lowest = min(*(value for _, value in self.points), *([] if self.limit is None else [self.limit]))
        return 0.0 if lowest >= 0 and lowest < self._top / 2 else lowest

    def _height(self, value: float) -> float:
        span = (self._top - self._bottom) or 1.0
        return round(HIGH - 4 - (value - self._bottom) / span * (HIGH - 8), 1)

    @property
    def path(self) -> str:
        """The curve as SVG wants it."""
        began, ended = self.points[0][0], self.points[-1][0]
        span = (ended - began) / timedelta(seconds=1) or 1.0
        return " ".join(
            f"{4 + (at - began) / timedelta(seconds=1) / span * (WIDE - 8):.1f},{self._height(value)}"
            for at, value in self.points
        )

    @property
    def last(self) -> tuple[str, str]:
        """Where the newest point lies."""
        across, _, height = self.path.rpartition(" ")[2].partition(",")
        return across, height

    @property
    def level(self) -> float | None:
        """Where the limit lies."""
        return None if self.limit is None else self._height(self.limit)

    @property
    def told(self) -> str:
        """Say it in words."""
        values = [value for _, value in self.points]
        limit = f"; limit {self._show(self.limit)}" if self.limit is not None else ""
        return f"last {self._show(values[-1])}, {self._show(min(values))} to {self._show(max(values))}{limit}"

    def _show(self, value: float) -> str:
        if self.unit == "share":
            return f"{value * 100:.3g} %"
        return f"{show(value)} {self.unit}".strip()

    @property
    def days(self) -> float:
        """How many days lie between the first and the last look."""
        return (self.points[-1][0] - self.points[0][0]) / timedelta(days=1)


@dataclass(frozen=True)
class Course:
    """The trends of the seven days."""

    daily: tuple[Trend, ...]
    """What the sign-off found for each day."""
    hourly: tuple[Trend, ...]
    """What the runs after the launch measured."""
    runs: int
    more: int
    """How many of their figures are not drawn."""

    @property
    def lacks(self) -> str:
        """Say why this is no trend of seven days; empty where it is one."""
        days = max((trend.days for trend in (*self.daily, *self.hourly)), default=0.0)
        if days >= DAYS_NEEDED:
            return ""
        told = f"the figures cover {days:.1f} of 7 days" if days else "no figure was seen twice in the 7 days"
        return f"{told}: run pytest -m postlaunch every hour, or name the service levels"


def course(dossier: Dossier) -> Course:
    """Draw the figures of each day, and those of the runs after the launch: service levels first, then the nearest."""
    looked = [one for one in dossier.runs if one.start.phase is Phase.POSTLAUNCH]
    taken = [one for one in looked if one.start.as_of >= dossier.moment - WINDOW]
    points: dict[DecisionKey, list[tuple[datetime, float]]] = {}
    newest: dict[DecisionKey, Figure] = {}
    for run in taken:
        for key, figure in run.figures.items():
            points.setdefault(key, []).append((run.start.as_of, figure.value))
            newest[key] = figure
    drawn = [key for key, found in points.items() if len(found) >= POINTS_AT_LEAST and not _is_code(newest[key].name)]
    drawn.sort(key=lambda key: _first(key, newest[key]))
    once: dict[object, DecisionKey] = {}
    for key in drawn:  # several lines hold the same figure against their own limits: the nearest is drawn
        once.setdefault((newest[key].name, tuple(points[key])), key)
    keys = list(once.values())
    hourly = tuple(
        Trend(newest[key].name, _unit(newest[key]), tuple(points[key]), newest[key].limit)
        for key in keys[:TRENDS_AT_MOST]
    )
    return Course(tuple(_daily(dossier)), hourly, len(taken), len(keys) - len(hourly))


def _first(key: DecisionKey, figure: Figure) -> tuple[bool, float]:
    use = used(figure.value, figure.comparator, figure.limit) if figure.limit is not None else None
    return (not key.check.startswith(("slo.", "business.")), -(use or 0.0))


def _unit(figure: Figure) -> str:
    return figure.unit or ("share" if figure.name.startswith("share") else "")


def _daily(dossier: Dossier) -> Iterator[Trend]:
    """Draw what a decision of the sign-off attached for each day, as its check looks at it."""
    found = dossier.phases.get(Phase.GA)
    for result in found.run.results if found else ():
        attached = result.diagnostics if isinstance(result.diagnostics, dict) else {}
        rows = attached.get(DAILY)
        column, unit = next((told for check, told in COLUMNS.items() if result.check.startswith(check)), ("count", ""))
        points = list(_points(rows if isinstance(rows, list) else [], column))
        if len(points) >= POINTS_AT_LEAST:
            limit = number(result.measurements[0].limit) if result.measurements and column != "count" else None
            yield Trend(result.says, unit, tuple(points), limit)


def _points(rows: list[object], column: str) -> Iterator[tuple[datetime, float]]:
    for row in rows:
        if not isinstance(row, dict):
            continue
        value = number(row.get("failed" if column == FAILED_SHARE else column))
        count = number(row.get("count"))
        if column == FAILED_SHARE:
            value = value / count if value is not None and count else None
        if value is not None:
            yield datetime.combine(date.fromisoformat(str(row["ends_on"])), time(), UTC), value
