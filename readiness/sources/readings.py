"""Readings: a number or a fact from wherever the environment says it is."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from readiness.clients.postgres import Row
from readiness.environment.schema import KnownReading, Reading, Target
from readiness.errors import nearest
from readiness.measurements import Plain
from readiness.outcomes import NotConfigured, Unknown
from readiness.provenance import Declared
from readiness.redaction.secret import Secret, is_secret
from readiness.redaction.shown import shown
from readiness.sources.asking import Asking, Times, has_time, stands_beside
from readiness.sources.origins import NO_RUNBOOK, Origin, Origins, OwnSources, agreed
from readiness.sources.plain_values import as_number_or_nan, as_plain_value
from readiness.sources.provenance import Provenance
from readiness.timeline import CLOCKS_DIFFER, of_a_year_that_matters, parse_instant, why_not_of_now

REVISION = "target.revision"
"""The name of the reading that says which revision runs; its source stands in the environment."""


def revision_of(target: Target, readings: Readings) -> str:
    """Return the revision that runs, by the environment or by the reading that it names. Raises Unknown."""
    source = _source_of_revision(target)
    if isinstance(source, str):
        return source

    revision = str(readings.value(source))
    if not revision.strip():
        raise Unknown("target.revision is empty", "which revision runs? correct its source in the environment file")
    return revision


def require_revision(target: Target, readings: Readings) -> None:
    """Raise NotConfigured where nothing says which revision runs."""
    source = _source_of_revision(target)
    if not isinstance(source, str):
        readings.require(source)


def _source_of_revision(target: Target) -> str | KnownReading:
    """Return the revision as the environment states it, or else the reading that tells it. Raises NotConfigured."""
    source = target.revision
    if source is None:
        raise NotConfigured("nothing says which revision runs", "set target.revision in the environment file")
    if isinstance(source, str):
        return source
    return KnownReading(REVISION, "the revision that runs", source)


@dataclass(frozen=True)
class Dated:
    """A value, and of when it is; None where its source does not say."""

    value: Plain
    at: datetime | None


class Readings:
    """All readings of one environment and of its runbooks, and what PostgreSQL itself answers."""

    def __init__(self, configured: Mapping[str, Reading], asking: Asking, provenance: Provenance) -> None:
        self._own: OwnSources = {}
        self._runbook = NO_RUNBOOK
        self._origins = Origins(configured)
        self._asking = asking
        self._provenance = provenance

    def asking(self, own: OwnSources) -> Readings:
        """Return the same readings, with what runbooks ask by themselves."""
        return self._as_asked_by(NO_RUNBOOK, own, agreed(own))

    def of(self, runbook: str) -> Readings:
        """Return the readings as the lines of a runbook ask for them; no runbook: as a drill does."""
        return self._as_asked_by(runbook, self._own, self._own[runbook]) if runbook in self._own else self

    def _as_asked_by(self, runbook: str, own: OwnSources, sources: Mapping[str, Reading]) -> Readings:
        view = copy.copy(self)
        view._own, view._runbook = own, runbook  # noqa: SLF001  they are its own
        view._origins = Origins(self._origins.configured, sources)  # noqa: SLF001  as above
        return view

    def named(self, name: str) -> KnownReading:
        """Return a reading that no observation declares. Raises NotConfigured with the nearest name."""
        known = KnownReading(name, f"the reading {name}")
        if self._origins.of(known):
            return known

        near = nearest(name, self._origins.names())
        hint = f"; did you mean {near}?" if near else ""
        raise NotConfigured(f"no reading is called {name}{hint}", f"set readings.{name} in the environment file")

    def require(self, reading: KnownReading) -> None:
        """Raise NotConfigured where there is no source for it, or none of the system that its source asks."""
        self._asking.require_configured(self._source(reading))

    def configured(self, reading: KnownReading) -> bool:
        """Return whether a reading has a source, and the system that its source needs is configured."""
        try:
            self.require(reading)
        except NotConfigured:
            return False
        return True

    def value(self, reading: KnownReading) -> Plain:
        """Return the one value of a reading. Raises Unknown for none, for several and for an object or list."""
        source = self._source(reading)
        with self._telling_origin(reading):
            return self._answer(reading, source).value

    def dated(self, reading: KnownReading) -> Dated:
        """Return the one value of a reading, and of when it is, where its source says that. Raises Unknown."""
        source = self._source(reading)
        with self._telling_origin(reading):
            # Before the value: what is written meanwhile is only younger.
            told_at = self._asking.told_by_source(source)
            answer = self._answer(reading, source)
        return answer if answer.at else Dated(answer.value, told_at)

    def _answer(self, reading: KnownReading, source: Reading) -> Dated:
        """Return the value, and the time that stands beside it. Raises Unknown, also for one that is too old."""
        value, times = self._asking.value(source, _place(reading))
        at = self._newest(reading, times)
        self._examine_source(reading, source, at)
        return Dated(value, at)

    def _newest(self, reading: KnownReading, times: Times) -> datetime | None:
        """Return the latest of the times that stand beside an answer; None where none does. Raises Unknown."""
        return max((self.as_past(reading, time, "at") for time in times), default=None)

    def number(self, reading: KnownReading) -> float:
        """Return the finite number of a reading. Raises Unknown."""
        return self.as_number(reading, self.value(reading))

    def as_number(self, reading: KnownReading, value: Plain) -> float:
        """Return a value of a reading as a finite number; text that is one counts. Raises Unknown."""
        number = as_number_or_nan(value)
        if not math.isfinite(number):
            raise Unknown(f"readings.{reading.name} is not a number: {shown(str(value), 60)!r}", "correct its source")
        return number

    def as_instant(self, reading: KnownReading, value: Plain, column: str = "") -> datetime:
        """Return a value of a reading as a moment: ISO 8601 with its zone. Raises Unknown that names the `column`."""
        try:
            return parse_instant(str(value))
        except ValueError as error:
            raise Unknown(
                f"{_place(reading, column)}: {error}", "give times with their zone, such as 2026-12-01T09:00:00Z"
            ) from None

    def as_moment(self, reading: KnownReading, value: Plain, column: str = "") -> datetime:
        """Return a moment, in seconds since 1970 too. Raises Unknown for any other unit, and names the `column`."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self.as_instant(reading, value, column)
        try:
            return of_a_year_that_matters(datetime.fromtimestamp(value, UTC))
        except (ValueError, OverflowError, OSError):
            raise Unknown(
                f"{_place(reading, column)} is {value:.15g}, which is no second since 1970 of a year that matters here",
                "give seconds, not milliseconds and not the time since a start; or a date with its zone",
            ) from None

    def as_past(
        self, reading: KnownReading, value: Plain, column: str = "", moment: datetime | None = None
    ) -> datetime:
        """Return a moment that has come, by now or by the `moment` that is judged.

        Raises Unknown for one that is further ahead than clocks differ.
        """
        at = self.as_moment(reading, value, column)
        now = datetime.now(UTC)
        if at > max(now, moment or now) + CLOCKS_DIFFER:
            raise Unknown(
                f"{_place(reading, column)} is in the future: {at:%Y-%m-%d %H:%M:%S}Z",
                "whose clock is it? set it right",
            )
        return at

    def rows(self, reading: KnownReading, *columns: str) -> list[Row]:
        """Return the rows of a reading, which may be none; each has at least these columns. Raises Unknown.

        A row of PromQL is a series: its labels, and the column `value`. A JSON object of objects is taken as rows, each
        with its key as `name`.
        """
        table = self.table(reading)
        with self._telling_origin(reading):
            return self.rows_of(reading, table, *columns)

    def table(self, reading: KnownReading) -> Any:
        """Return all that a reading answers, as it came: rows, or a document of JSON. Raises Unknown."""
        source = self._source(reading)
        with self._telling_origin(reading):
            table, times = self._asking.table(source, _place(reading))
            self._examine_source(reading, source, self._newest(reading, times), is_list=True)
        return table

    @staticmethod
    def rows_of(reading: KnownReading, table: Any, *columns: str) -> list[Row]:
        """Return what a reading answered as its rows, each with at least these columns. Raises Unknown."""
        if isinstance(table, dict) and table and all(isinstance(row, dict) for row in table.values()):
            table = [{"name": key, **row} for key, row in table.items()]
        if not isinstance(table, list) or not all(isinstance(row, dict) for row in table):
            raise Unknown(f"readings.{reading.name} is no list of objects", "correct its pointer or its source")

        for row in table:
            for column in columns:
                if column not in row:
                    present = ", ".join(sorted(map(str, row))) or "none"
                    raise Unknown(
                        f"a row of readings.{reading.name} has no column {column}; its columns: {present}",
                        f"name the column {column}, in SQL with `as`",
                    )
        return [{str(key): as_plain_value(value) for key, value in row.items()} for row in table]

    def mapping(self, reading: KnownReading) -> dict[str, Secret]:
        """Return names and values, such as a service's variables. Raises Unknown for none, and for nested values.

        Every value is hidden; those that are secrets by their name or form are also remembered, for redaction.
        """
        source = self._source(reading)
        document, times = self._asking.mapping(source, _place(reading))
        self._examine_source(reading, source, self._newest(reading, times))

        is_flat = isinstance(document, dict) and not any(isinstance(each, dict | list) for each in document.values())
        if not document or not is_flat:
            raise Unknown(
                f"readings.{reading.name} is no mapping of names to values", "correct its pointer or its source"
            )

        secrets: dict[str, Secret] = {}
        for key, value in document.items():
            name = str(key)
            text = "" if value is None else str(value)
            secrets[name] = Secret(text, remembered=is_secret(name, text))
        return secrets

    def _examine_source(
        self, reading: KnownReading, source: Reading, at: datetime | None, *, is_list: bool = False
    ) -> None:
        """Have noted that the look rests on a source which measures nothing. Raises Unknown, also for an old answer."""
        age_at_most = source.age_seconds_at_most
        if age_at_most is not None and at is not None:
            stale = why_not_of_now(at.timestamp(), time.time(), timedelta(seconds=age_at_most))
            if stale:
                raise Unknown(f"readings.{reading.name} {stale}", "does what writes it still run?")
        elif age_at_most is not None and source.file is not None:
            self._asking.files.require_written_since(source.file, age_at_most)
        elif source.file is not None and source.at is None and not is_list:
            # What a list of the future names is there all the same; a figure of the future is none.
            self._asking.files.written_at(source.file)
        if self._is_written_down(reading):
            self._provenance.tell_of(reading.name, source, self._file_of(reading))

    def told_at(self, reading: KnownReading) -> datetime | None:
        """Return of when what a reading tells is; None for a source that does not say. Raises Unknown."""
        source = self._source(reading)
        if stands_beside(source):
            return self._newest(reading, self._asking.times(source, _place(reading)))
        return self._asking.told_by_source(source)

    def says_its_time(self, reading: KnownReading) -> bool:
        """Return whether the source of a reading says of when its answer is."""
        return has_time(self._source(reading))

    def source(self, reading: KnownReading) -> Reading | None:
        """Return the source of a reading, wherever it stands; None where there is none."""
        return self._origins.source(reading)

    def origin(self, reading: KnownReading) -> Origin | None:
        """Return where the source of a reading stands; None where there is none."""
        return self._origins.of(reading)

    def declared_ahead(self, reading: KnownReading) -> Iterator[Declared]:
        """Yield what of a reading is only declared, as far as its source says so before anything is asked."""
        source = self._origins.source(reading)
        if source and self._is_written_down(reading):
            yield from self._provenance.declared_ahead(reading.name, source, self._file_of(reading))

    def _is_written_down(self, reading: KnownReading) -> bool:
        """Check whether a team has written the source down: what stands in the suite asks, and states nothing."""
        # The revision's source is theirs too.
        return reading.name == REVISION or self._origins.of(reading) in {Origin.ENVIRONMENT, Origin.RUNBOOK}

    def _file_of(self, reading: KnownReading) -> str:
        """Return what a source stands in, for people; empty for the environment file."""
        return f"the runbook {self._runbook}" if self._origins.of(reading) is Origin.RUNBOOK else ""

    @contextmanager
    def _telling_origin(self, reading: KnownReading) -> Iterator[None]:
        """Have an answer that cannot be used say by whose query it came, where the team has not written that down."""
        try:
            yield
        except Unknown as unknown:
            origin = self._origins.of(reading)
            is_of_the_query = type(unknown) is Unknown and origin in {Origin.RUNBOOK, Origin.POSTGRES}
            if not is_of_the_query or reading.name == REVISION:
                raise
            own = f"the query of readings.{reading.name} is {origin}: state another source in the environment file"
            raise Unknown(unknown.reason, f"{unknown.remedy}; {own}") from unknown

    def _source(self, reading: KnownReading) -> Reading:
        source = self._origins.source(reading)
        if source is None:
            raise NotConfigured(
                f"nothing says where to find {reading.says}", f"set readings.{reading.name} in the environment file"
            )
        return source


def _place(reading: KnownReading, column: str = "") -> str:
    return f"readings.{reading.name}: {column}" if column else f"readings.{reading.name}"
