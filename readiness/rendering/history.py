"""The history of an environment: one row for each decision of each run, in a small SQLite file.

The journals are the truth. The file is made for looking back quickly, and can be made anew from them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.previous_run import candidates
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.evidence.rejudge import Judged, judge
from readiness.files.atomic_write import place_of
from readiness.files.history_tables import FILE, TABLES, WAIT_SECONDS, address
from readiness.ladder import INITIAL
from readiness.measurements import COMPARATORS, show
from readiness.outcomes import DecisionKey, Outcome, Phase
from readiness.rendering.charts import Chart, Curve, page

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
    """What one run came to for one decision. Value and limit are of the first measurement that is a number."""

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


Row = Sequence[str | float | None]


def append(path: Path, run: RecordedRun, judged: Judged) -> None:
    """Add a run, whole or not at all. Raises HistoryLost."""
    run_row = _run_row(run, judged)
    decisions = _decision_rows(run, judged)
    measurements = list(_measurement_rows(run))
    try:
        with closing(sqlite3.connect(place_of(path), timeout=WAIT_SECONDS, isolation_level=None)) as connection:
            connection.executescript(TABLES)
            connection.execute("begin immediate")
            connection.execute("insert or replace into runs values (?,?,?,?,?,?,?)", run_row)
            connection.executemany("insert or replace into decisions values (?,?,?,?,?,?,?,?,?,?,?,?)", decisions)
            connection.executemany("insert or replace into measurements values (?,?,?,?,?,?,?,?)", measurements)
            connection.executemany("insert or replace into bounds values (?,?,?,?,?,?,?,?)", _bound_rows(run))
            connection.execute("commit")
    except (sqlite3.Error, OSError) as error:
        raise HistoryLost(f"{path} could not be written: {error}") from None


def _run_row(run: RecordedRun, judged: Judged) -> Row:
    start, verdict = run.start, judged.verdict
    return (
        start.run,
        start.phase,
        start.started_at.isoformat(),
        start.target.url,
        start.target.revision,
        verdict.word,
        verdict.exit,
    )


def _decision_rows(run: RecordedRun, judged: Judged) -> list[Row]:
    rows: list[Row] = []
    for result in run.results:
        numeric = [measurement for measurement in result.measurements if _number(measurement.value) is not None]
        held_step = judged.states.get(result.key, INITIAL).step
        decision = (
            run.start.run,
            result.line,
            result.check,
            result.subject or "",
            result.outcome,
            result.step,
            held_step,
        )
        rows.append((*decision, *_measured(numeric[0] if numeric else None)))
    return rows


def _measurement_rows(run: RecordedRun) -> Iterator[Row]:
    """Yield every measurement that is a number."""
    for result in run.results:
        for index, measurement in enumerate(result.measurements):
            value = _number(measurement.value)
            if value is None:
                continue
            decision = (run.start.run, result.line, result.check, result.subject or "")
            yield (*decision, index, measurement.name, value, measurement.unit)


def _bound_rows(run: RecordedRun) -> Iterator[Row]:
    """Yield the measurements of which something else is known than the value itself."""
    for result in run.results:
        for index, measurement in enumerate(result.measurements):
            if measurement.known == "exactly":
                continue
            decision = (run.start.run, result.line, result.check, result.subject or "")
            yield (*decision, index, measurement.name, measurement.known, measurement.unit)


def _measured(first: RecordedMeasurement | None) -> Row:
    if first is None:
        return [None] * 5
    return [first.name, _number(first.value), first.comparator, _number(first.limit), first.unit]


def _number(value: object) -> float | None:
    # True is an int to Python, and no quantity.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def rebuild(reports: Path, environment: str) -> tuple[int, list[str]]:
    """Make the file anew from the journals. Raises HistoryLost.

    Returns how many runs it has, and which cannot be read. The file that is there is replaced at the end, and only
    where there is a run at all.
    """
    path = reports / environment / FILE
    new = reports / environment / f"{FILE}.new"
    new.unlink(missing_ok=True)

    problems: list[str] = []
    count = 0
    for folder in candidates(reports, environment):
        try:
            run = read_run(folder)
        except BadRun as error:
            problems.append(f"{folder.name}: {str(error).splitlines()[0]}")
            continue
        append(new, run, judge(run))
        count += 1

    if count:
        new.replace(_place(path))
    return count, problems


def _place(path: Path) -> Path:
    """Return where the file is written. Raises HistoryLost where what is there is no file."""
    try:
        return place_of(path)
    except OSError as error:
        raise HistoryLost(str(error)) from None


def read(path: Path, *, phase: Phase | None = None, last: int = 48) -> list[Point]:
    """Return the decisions of the newest runs of each phase, the oldest run first. Raises HistoryLost."""
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
    run, phase, started_at, revision, verdict, code, line, check, subject, outcome, stands, *measured = row
    name, value, comparator, limit, unit = measured
    return Point(
        run=PastRun(run, Phase(phase), datetime.fromisoformat(started_at), revision, verdict, int(code)),
        line=line,
        check=check,
        subject=subject,
        outcome=Outcome(outcome),
        stands=stands,
        name=name,
        value=_number(value),
        comparator=comparator,
        limit=_number(limit),
        unit=unit or "",
    )


@dataclass(frozen=True)
class DecisionTrend:
    """One decision over its runs, the oldest first; None for a run without it."""

    points: tuple[Point | None, ...]

    @property
    def newest(self) -> Point:
        """The newest point there is."""
        return next(point for point in reversed(self.points) if point)

    @property
    def name(self) -> str:
        """The name of the decision."""
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
        # Where nothing is above 0 there is no scale: every run has the lowest bar.
        if top <= 0:
            return BARS[0] * len(values)
        return "".join(BARS[min(7, int(max(value, 0) / top * 7.999))] for value in values)

    @property
    def measured(self) -> str:
        """The newest number and its limit."""
        if not self.values:
            return ""
        point, value = self.values[-1]
        unit = f" {point.unit}" if point.unit else ""
        text = f"{point.name}: {show(value)}{unit}"
        if point.limit is None:
            return text
        sign = COMPARATORS.get(point.comparator or "", "")
        return f"{text}, allowed {sign} {show(point.limit)}"


def trends(points: Iterable[Point]) -> list[DecisionTrend]:
    """Return the trend of each decision, from the points of one phase."""
    points = list(points)
    runs = list(dict.fromkeys(point.run.run for point in points))
    by_key: dict[DecisionKey, dict[str, Point]] = {}
    for point in points:
        by_key.setdefault(point.key, {})[point.run.run] = point
    return [DecisionTrend(tuple(by_run.get(run) for run in runs)) for by_run in by_key.values()]


def by_phase(points: Iterable[Point]) -> Iterator[tuple[Phase, list[PastRun], list[DecisionTrend]]]:
    """Yield each phase with its runs and the trend of each decision."""
    order = list(Phase)
    ordered = sorted(points, key=lambda point: order.index(point.run.phase))
    for phase, group in groupby(ordered, key=lambda point: point.run.phase):
        of_phase = list(group)
        runs = {point.run.run: point.run for point in of_phase}
        yield phase, list(runs.values()), trends(of_phase)


def charts(decisions: Iterable[DecisionTrend]) -> list[Chart]:
    """Return a chart of each trend with more than one number, over the hours since its first one."""
    return [_chart(trend) for trend in decisions if len(trend.values) > 1]


def _chart(trend: DecisionTrend) -> Chart:
    began = trend.values[0][0].run.started_at
    newest = trend.values[-1][0]
    points = [((point.run.started_at - began).total_seconds() / 3600, value) for point, value in trend.values]
    line = Curve("measured", "low", points)
    return Chart(f"{trend.name}: {newest.name}", newest.unit, (line,), newest.limit, "h")


def render(environment: str, points: Iterable[Point], today: Mapping[Phase, str]) -> str:
    """Return the page as HTML; `today` says how each phase stands when it is made."""
    phases = [(phase, runs, decisions, charts(decisions)) for phase, runs, decisions in by_phase(points)]
    legend = ", ".join(f"{mark} {outcome}" for outcome, mark in MARKS.items() if mark.strip())
    return page("history.html", environment=environment, phases=phases, legend=legend, today=today)
