"""The history of an environment: one row for each decision of each run, in a small SQLite file.

The journals are the truth. The file is made for looking back quickly, and can be made anew from them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.previous_run import candidates
from readiness.evidence.records import RecordedMeasurement
from readiness.evidence.rejudge import Judged, judge
from readiness.files.history_tables import FILE, TABLES, WAIT_SECONDS, address
from readiness.ladder import INITIAL
from readiness.measurements import COMPARATORS, show
from readiness.outcomes import DecisionKey, Outcome, Phase
from readiness.rendering.charts import Chart, Line, page

MARKS = {
    Outcome.PASS: ".",
    Outcome.WARN: "w",
    Outcome.FAIL: "F",
    Outcome.UNKNOWN: "?",
    Outcome.NOT_RUN: "-",
    Outcome.NOT_DUE: " ",
    Outcome.NOT_APPLICABLE: " ",
}
BARS = "▁▂▃▄▅▆▇█"


class HistoryLost(BadRun):
    """The file cannot be read or written."""


@dataclass(frozen=True)
class PastRun:
    """One run."""

    run: str
    phase: Phase
    started_at: datetime
    revision: str | None
    verdict: str
    exit: int


@dataclass(frozen=True)
class Point:
    """What one run found for one decision. Value and limit are of the first measurement that is a number."""

    run: PastRun
    line: str
    check: str
    subject: str
    outcome: Outcome
    stands: str | None
    name: str | None
    value: float | None
    comparator: str | None
    limit: float | None
    unit: str

    @property
    def key(self) -> DecisionKey:
        """What was decided."""
        return DecisionKey(self.line, self.check, self.subject or None)


def append(path: Path, run: RecordedRun, judged: Judged) -> None:
    """Add a run, whole or not at all. Raises HistoryLost."""
    start, verdict = run.start, judged.verdict
    about = (start.run, start.phase, start.started_at.isoformat(), start.target.url, start.target.revision)
    told = (*about, verdict.word, verdict.exit)
    rows = []
    for result in run.results:
        first = next((one for one in result.measurements if _number(one.value) is not None), None)
        stands = judged.states.get(result.key, INITIAL).step
        found = [start.run, result.line, result.check, result.subject or "", result.outcome, result.step, stands]
        rows.append([*found, *_measured(first)])
    try:
        with closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as connection:
            connection.executescript(TABLES)
            connection.execute("begin immediate")
            connection.execute("insert or replace into runs values (?,?,?,?,?,?,?)", told)
            connection.executemany("insert or replace into decisions values (?,?,?,?,?,?,?,?,?,?,?,?)", rows)
            connection.executemany("insert or replace into measurements values (?,?,?,?,?,?,?,?)", _numbers(run))
            connection.execute("commit")
    except (sqlite3.Error, OSError) as error:
        raise HistoryLost(f"{path} could not be written: {error}") from None


def _numbers(run: RecordedRun) -> Iterator[tuple[str | int | float, ...]]:
    """Give every measurement that is a number."""
    for result in run.results:
        for number, one in enumerate(result.measurements):
            value = _number(one.value)
            if value is not None:
                key = (run.start.run, result.line, result.check, result.subject or "")
                yield (*key, number, one.name, value, one.unit)


def _measured(first: RecordedMeasurement | None) -> list[str | float | None]:
    if first is None:
        return [None] * 5
    return [first.name, _number(first.value), first.comparator, _number(first.limit), first.unit]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def rebuild(reports: Path, environment: str) -> tuple[int, list[str]]:
    """Make the file anew from the journals; tell how many runs it has, and which cannot be read. Raises HistoryLost."""
    path, new = reports / environment / FILE, reports / environment / f"{FILE}.new"
    new.unlink(missing_ok=True)
    problems: list[str] = []
    number = 0
    for folder in candidates(reports, environment):
        try:
            run = read_run(folder)
        except BadRun as error:
            problems.append(f"{folder.name}: {str(error).splitlines()[0]}")
            continue
        append(new, run, judge(run))
        number += 1
    if number:
        new.replace(path)
    return number, problems


def read(path: Path, *, phase: Phase | None = None, last: int = 48) -> list[Point]:
    """Read the newest runs of each phase, the oldest first. Raises HistoryLost."""
    if not path.is_file():
        raise HistoryLost(f"{path} is not there: no run has ended yet (see --rebuild)")
    query = (
        "select r.run, r.phase, r.started_at, r.revision, r.verdict, r.exit, d.line, d.check_id, d.subject, d.outcome,"
        " d.stands, d.name, d.value, d.comparator, d.limit_value, d.unit from decisions d join (select *, row_number()"
        " over (partition by phase order by started_at desc) as age from runs) r on r.run = d.run"
        " where r.age <= ? and (r.phase = ? or ? is null) order by r.started_at, d.rowid"
    )
    try:
        with closing(sqlite3.connect(address(path), uri=True, timeout=WAIT_SECONDS)) as connection:
            return [_point(row) for row in connection.execute(query, [last, phase, phase])]
    except (sqlite3.Error, ValueError) as error:
        raise HistoryLost(f"{path} cannot be read: {error}; make it anew with --rebuild") from None


def _point(row: tuple[str, ...]) -> Point:
    run, phase, started_at, revision, verdict, code, line, check, subject, outcome, stands, name, *measured = row
    value, comparator, limit, unit = measured
    past = PastRun(run, Phase(phase), datetime.fromisoformat(started_at), revision, verdict, int(code))
    found = (name, _number(value), comparator, _number(limit), unit or "")
    return Point(past, line, check, subject, Outcome(outcome), stands, *found)


@dataclass(frozen=True)
class Trend:
    """One decision over its runs, the oldest first; None for a run without it."""

    points: tuple[Point | None, ...]

    @property
    def newest(self) -> Point:
        """The newest point there is."""
        return next(point for point in reversed(self.points) if point)

    @property
    def name(self) -> str:
        """Name the decision."""
        return self.newest.key.name

    @property
    def strip(self) -> str:
        """One character for each run."""
        return "".join(MARKS[point.outcome] if point else "-" for point in self.points)

    @property
    def values(self) -> list[tuple[Point, float]]:
        """The runs that measured a number."""
        return [(point, point.value) for point in self.points if point and point.value is not None]

    @property
    def spark(self) -> str:
        """The numbers as bars from 0 to the highest of them and of the limit."""
        values = [value for _, value in self.values]
        top = max([*values, self.newest.limit or 0], default=0)
        return "".join(BARS[min(7, int(max(value, 0) / top * 7.999))] if top > 0 else BARS[0] for value in values)

    @property
    def measured(self) -> str:
        """The newest number and its limit."""
        if not self.values:
            return ""
        point, value = self.values[-1]
        sign = COMPARATORS.get(point.comparator or "", "")
        limit = f", allowed {sign} {show(point.limit)}" if point.limit is not None else ""
        return f"{point.name}: {show(value)}{f' {point.unit}' if point.unit else ''}{limit}"


def trends(points: Iterable[Point]) -> list[Trend]:
    """Sort the points of one phase by decision."""
    found = list(points)
    runs = list(dict.fromkeys(point.run.run for point in found))
    by_key: dict[DecisionKey, dict[str, Point]] = {}
    for point in found:
        by_key.setdefault(point.key, {})[point.run.run] = point
    return [Trend(tuple(known.get(run) for run in runs)) for known in by_key.values()]


def by_phase(points: Iterable[Point]) -> Iterator[tuple[Phase, list[PastRun], list[Trend]]]:
    """Give each phase with its runs and the trend of each decision."""
    order = list(Phase)
    ordered = sorted(points, key=lambda point: order.index(point.run.phase))
    for phase, group in groupby(ordered, key=lambda point: point.run.phase):
        found = list(group)
        runs = {point.run.run: point.run for point in found}
        yield phase, list(runs.values()), trends(found)


def charts(found: Iterable[Trend]) -> list[Chart]:
    """Draw the trends that have numbers, over the hours since the first run."""
    drawn = []
    for trend in found:
        if len(trend.values) > 1:
            began = trend.values[0][0].run.started_at
            points = [((point.run.started_at - began).total_seconds() / 3600, value) for point, value in trend.values]
            newest = trend.values[-1][0]
            title = f"{trend.name}: {newest.name}"
            drawn.append(Chart(title, newest.unit, (Line("measured", "low", points),), newest.limit, "h"))
    return drawn


def render(environment: str, points: Iterable[Point]) -> str:
    """Write the page."""
    phases = [(phase, runs, found, charts(found)) for phase, runs, found in by_phase(points)]
    legend = ", ".join(f"{mark} {outcome}" for outcome, mark in MARKS.items() if mark.strip())
    return page("history.html", environment=environment, phases=phases, legend=legend)
