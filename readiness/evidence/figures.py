"""The figures of a sign-off against their limits, and how they went in the seven days before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from readiness.evidence.before import name
from readiness.evidence.checklist import link_to, shortened
from readiness.evidence.dossier import Dossier
from readiness.evidence.glance import number
from readiness.evidence.records import RecordedMeasurement, Result
from readiness.measurements import show
from readiness.outcomes import Outcome, Phase
from readiness.verdict import Key

WINDOW = timedelta(days=7)
DAYS_NEEDED = 6.0
"""So many days must lie between the first and the last look, for a trend to be one of seven days."""
NEAREST, TRENDS_AT_MOST = 12, 12
POINTS_AT_LEAST = 2
WIDE, HIGH, FULL = 220, 54, 1.5
"""A trend's size; and how far over its limit a bar is drawn."""
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
            return (1 - value) / left if left else (FULL if value < 1 else 0.0)
        return None if limit <= 0 else (limit / value if value > 0 else FULL)
    if comparator in {"below", "at_most"} and value >= 0:
        return value / limit if limit > 0 else (FULL if value > 0 else 0.0)
    return None


def bars(dossier: Dossier) -> tuple[list[Bar], list[Bar]]:
    """Give the figures of the sign-off itself, and those of the other phases that are nearest to their limits."""
    own = list(_bars(dossier, Phase.GA))
    known = {(bar.where, bar.name) for bar in own}
    others = [bar for phase in dossier.phases if phase is not Phase.GA for bar in _bars(dossier, phase)]
    others.sort(key=lambda bar: -bar.use)
    found = {(bar.where, bar.name): bar for bar in reversed(others)}
    nearest = sorted((bar for key, bar in found.items() if key not in known), key=lambda bar: -bar.use)
    return own, nearest[:NEAREST]


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
    told, allowed = f"{show(one.value)} {one.unit}".strip(), one.measurement().allowed
    return Bar(name(result.key), result.says, shortened(one.name), told, allowed, use, one.ok, phase, link)


@dataclass(frozen=True)
class Trend:
    """One figure over the days before the moment of the page."""

    title: str
    unit: str
    points: tuple[tuple[datetime, float], ...]
    limit: float | None
    began: datetime
    ended: datetime

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
        span = (self.ended - self.began) / timedelta(seconds=1) or 1.0
        return " ".join(
            f"{4 + (at - self.began) / timedelta(seconds=1) / span * (WIDE - 8):.1f},{self._height(value)}"
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
        unit = f" {self.unit}" if self.unit else ""
        limit = f"; limit {show(self.limit)}" if self.limit is not None else ""
        return f"last {show(values[-1])}{unit}, {show(min(values))} to {show(max(values))}{limit}"


@dataclass(frozen=True)
class Course:
    """The trends, and how much of the seven days they cover."""

    trends: tuple[Trend, ...]
    runs: int
    days: float
    more: int
    """How many figures are not drawn."""

    @property
    def lacks(self) -> str:
        """Say why this is no trend of seven days; empty where it is one."""
        if not self.trends:
            return "no figure was measured twice in the 7 days before: run pytest -m postlaunch every hour"
        if self.days < DAYS_NEEDED:
            return f"the runs cover {self.days:.1f} of 7 days: run pytest -m postlaunch every hour"
        return ""


def course(dossier: Dossier) -> Course:
    """Draw the figures of the hourly runs in the seven days up to the moment: service levels first, then the nearest."""
    until = max(dossier.moment, *(one.start.started_at for one in dossier.runs))
    looked = [one for one in dossier.runs if one.start.phase is Phase.POSTLAUNCH]
    taken = [one for one in looked if dossier.moment - WINDOW <= one.start.as_of <= until]
    points: dict[Key, list[tuple[datetime, float]]] = {}
    newest = {}
    for run in taken:
        for key, figure in run.figures.items():
            points.setdefault(key, []).append((run.start.as_of, figure.value))
            newest[key] = figure
    if not taken:
        return Course((), 0, 0.0, 0)
    began, ended = taken[0].start.as_of, taken[-1].start.as_of
    drawn = [(key, found) for key, found in points.items() if len(found) >= POINTS_AT_LEAST]
    drawn.sort(key=lambda one: _first(one[0], newest[one[0]].value, newest[one[0]].comparator, newest[one[0]].limit))
    trends = tuple(
        Trend(f"{name(key)}: {newest[key].name}", newest[key].unit, tuple(found), newest[key].limit, began, ended)
        for key, found in drawn[:TRENDS_AT_MOST]
    )
    return Course(trends, len(taken), (ended - began) / timedelta(days=1), len(drawn) - len(trends))


def _first(key: Key, value: float, comparator: str, limit: float | None) -> tuple[bool, float]:
    use = used(value, comparator, limit) if limit is not None else None
    return (not key[1].startswith(("slo.", "business.")), -(use or 0.0))


@dataclass(frozen=True)
class Daily:
    """A figure for each day, as a decision of the sign-off attached it."""

    where: str
    name: str
    days: tuple[str, ...]
    columns: tuple[tuple[str, tuple[str, ...]], ...]


def daily(results: Iterable[Result]) -> Iterator[Daily]:
    """Give the attached tables whose rows each have a `day`."""
    for result in results:
        attached = result.diagnostics if isinstance(result.diagnostics, dict) else {}
        for title, rows in attached.items():
            if isinstance(rows, list) and rows and all(isinstance(row, dict) and "day" in row for row in rows):
                names = [key for key in rows[0] if key != "day"]
                columns = tuple((key, tuple(show(row.get(key)) for row in rows)) for key in names)
                yield Daily(name(result.key), title, tuple(str(row["day"]) for row in rows), columns)


def unmeasured(dossier: Dossier) -> list[Result]:
    """Give the decisions of the sign-off that measured nothing though they are due."""
    found = dossier.phases.get(Phase.GA)
    open_ = {Outcome.UNKNOWN, Outcome.NOT_RUN}
    return [one for one in found.results if one.outcome in open_] if found else []
