"""The record of the suite's own earlier runs, read-only: what a check found of this target, run after run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from readiness.environment.service_levels import ProbeHistory as Source
from readiness.errors import nearest
from readiness.files.history_tables import WAIT_SECONDS, address
from readiness.files.read_from import read_from
from readiness.outcomes import Effect, Outcome, Unknown
from readiness.slo.probe_history import Looks, ProbeRun
from readiness.transport.deadline import Deadline, DeadlinePassed, within
from readiness.transport.guard import Guard

SECONDS_AT_MOST = 10.0
_LOOKED = (Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN)
_OURS = (
    " from decisions d join runs r on r.run = d.run where r.url = :url and d.check_id = :check_id"
    f" and (:line is null or d.line = :line) and d.outcome in ({', '.join(repr(str(outcome)) for outcome in _LOOKED)})"
)
_SECONDS = (
    "(select max(m.value) from measurements m where m.run = d.run and m.line = d.line and m.check_id = d.check_id"
    " and m.subject = d.subject and m.unit = 's' and (:measurement is null or m.name = :measurement))"
)
_HAS_BOUND = (
    "exists (select 1 from bounds b where b.run = d.run and b.line = d.line and b.check_id = d.check_id"
    " and b.subject = d.subject and b.unit = 's' and (:measurement is null or b.name = :measurement)"
    " and b.known in ({known}))"
)
_REFUSED = _HAS_BOUND.format(known="'refused', 'silent'")
_AT_LEAST = _HAS_BOUND.format(known="'at least'")
# The address of a target is part of the question: a run of the same name elsewhere looked at another service.
_IN_WINDOW = f"{_OURS} and r.started_at between :begin and :end order by 2"
_LOOKS = f"select d.run, r.started_at, d.outcome, {_SECONDS}, {_AT_LEAST}, {_REFUSED}{_IN_WINDOW}"
_LOOKS_WITHOUT_BOUNDS = f"select d.run, r.started_at, d.outcome, {_SECONDS}, 0, 0{_IN_WINDOW}"
_KNOWS_BOUNDS = "select 1 from sqlite_master where type = 'table' and name = 'bounds'"
_BEGINS = f"select min(r.started_at){_OURS}"
_NAMES = (
    "select distinct m.name from measurements m join runs r on r.run = m.run"
    " where r.url = :url and m.check_id = :check_id and m.unit = 's'"
)


class History:
    """Reads `reports/<env>/history.sqlite`."""

    def __init__(self, path: Path, target: str, guard: Guard) -> None:
        self._path = path
        self._target = target
        self._guard = guard

    def looks(self, source: Source, begin: datetime, end: datetime) -> Looks:
        """Return the looks of a window. Raises Unknown, also where they do not cover it."""
        names = {"url": self._target, "check_id": source.check, "line": source.line, "measurement": source.measurement}
        parameters = {**names, "begin": begin.isoformat(), "end": end.isoformat()}
        target = f"{self._path}: {source.line or ''} {source.check}"
        with self._guard.request("history", "READ", target, None, Effect.READ, read_from(self._path)) as entry:
            rows, begins, measured = self._read(parameters)
            entry.status = f"{len(rows)} rows"
            try:
                looks = Looks(source.check, begin, end, _one_a_run(rows))
                first = datetime.fromisoformat(begins) if begins else None
                covering = looks.covering(first)
            except (TypeError, ValueError):
                raise self._unreadable("its rows are not those of a history") from None

        # Without a look nothing was measured, under whatever name.
        if source.measurement and looks.count and source.measurement not in measured:
            near = nearest(source.measurement, measured)
            hint = f"; did you mean {near!r}?" if near else ""
            raise Unknown(
                f"{source.check} measured no seconds called {source.measurement!r}{hint}",
                "correct the measurement, or leave it out: then the slowest of the look counts",
            )
        return covering

    def _read(self, parameters: dict[str, str | None]) -> tuple[list[tuple[Any, ...]], Any, list[str]]:
        """Return the rows of `_LOOKS`, when the first look of all was, and the names of what was measured."""
        if not self._path.is_file():
            raise Unknown(
                f"{self._path} is not there: no run has ended yet",
                "run the suite every hour; is --reports the folder that its runs are in?",
            )

        def read(_: object) -> tuple[list[tuple[Any, ...]], Any, list[str]]:
            with closing(sqlite3.connect(address(self._path), uri=True, timeout=WAIT_SECONDS)) as connection:
                # A file of an earlier version has no table of them until the next run is added to it.
                knows_bounds = connection.execute(_KNOWS_BOUNDS).fetchone()
                rows = connection.execute(_LOOKS if knows_bounds else _LOOKS_WITHOUT_BOUNDS, parameters).fetchall()
                (begins,) = connection.execute(_BEGINS, parameters).fetchone()
                measured = [str(name) for (name,) in connection.execute(_NAMES, parameters)]
                return rows, begins, measured

        try:
            return within(Deadline.after(SECONDS_AT_MOST), read)
        except (sqlite3.Error, OSError, ValueError) as error:
            raise self._unreadable(str(error)) from None
        except DeadlinePassed:
            raise Unknown(f"{self._path} was not read within {SECONDS_AT_MOST:g} s", "is its disk reachable?") from None

    def _unreadable(self, why: str) -> Unknown:
        remedy = "does a run write to it just now? else make it anew: readiness history --rebuild"
        return Unknown(f"{self._path} cannot be read: {why}", remedy)


def _one_a_run(rows: Iterable[tuple[Any, ...]]) -> list[ProbeRun]:
    """Return one look for the decisions of each run. Raises TypeError and ValueError for what no run wrote."""
    looks: dict[str, ProbeRun] = {}
    for run, started_at, outcome, value, at_least, refused in rows:
        seconds = None if value is None else float(value)
        at = datetime.fromisoformat(started_at)
        look = ProbeRun(at, Outcome(outcome), seconds, at_least=bool(at_least), refused=bool(refused))
        looks[run] = looks[run].and_also(look) if run in looks else look
    return list(looks.values())
