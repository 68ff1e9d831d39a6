"""Readings: a number or a fact from wherever the environment says it is."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from readiness.clients.files import Files
from readiness.clients.metrics import Exposition
from readiness.clients.postgres import Postgres, Row, only_value
from readiness.clients.prometheus import Prometheus
from readiness.environment.schema import KnownReading, Reading, Target
from readiness.errors import nearest
from readiness.measurements import Plain, as_decimal
from readiness.outcomes import NotConfigured, Unknown
from readiness.provenance import Declared
from readiness.redaction.secret import Secret, is_secret
from readiness.redaction.shown import shown
from readiness.sources.origins import NO_RUNBOOK, Origin, Origins, OwnSources, agreed
from readiness.sources.provenance import Provenance
from readiness.timeline import CLOCKS_DIFFER, of_a_year_that_matters, parse_instant
from readiness.transport.answer import at_pointer
from readiness.transport.http import Http
from readiness.transport.pages import why_not_whole

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


class Readings:
    """All readings of one environment and of its runbooks, and what PostgreSQL itself answers."""

    def __init__(
        self,
        configured: Mapping[str, Reading],
        http: Http,
        postgres: Postgres,
        exposition: Exposition,
        prometheus: Prometheus,
        files: Files,
        provenance: Provenance,
    ) -> None:
        self._own: OwnSources = {}
        self._runbook = NO_RUNBOOK
        self._origins = Origins(configured)
        self._http = http
        self._postgres = postgres
        self._exposition = exposition
        self._prometheus = prometheus
        self._files = files
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
        source = self._source(reading)
        if source.sql is not None:
            self._postgres.require_configured()
        if source.metric is not None:
            self._exposition.require_configured()
        if source.promql is not None:
            self._prometheus.require_configured()

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
            value = self._value(reading, source)
            self._examine_source(reading, source)
        return value

    def _value(self, reading: KnownReading, source: Reading) -> Plain:
        if source.sql is not None:
            return only_value(self._postgres.rows(source.sql), f"readings.{reading.name}")
        if source.metric is not None:
            return self._exposition.total(source.metric, source.labels)
        if source.promql is not None:
            return self._prometheus.value(source.promql)

        value = self._document(reading, source)
        flaw = _why_no_single_value(value)
        if flaw:
            raise Unknown(f"readings.{reading.name} is no single value but {flaw}", "correct its pointer or its source")
        return _plain(value)

    def number(self, reading: KnownReading) -> float:
        """Return the finite number of a reading. Raises Unknown."""
        return self.as_number(reading, self.value(reading))

    def as_number(self, reading: KnownReading, value: Plain) -> float:
        """Return a value of a reading as a finite number; text that is one counts. Raises Unknown."""
        number = _number(value)
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
            table = self._table(reading, source)
            self._examine_source(reading, source)
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
        return [{str(key): _plain(value) for key, value in row.items()} for row in table]

    def _table(self, reading: KnownReading, source: Reading) -> Any:
        if source.sql is not None:
            return self._postgres.rows(source.sql)
        if source.promql is not None:
            return [{**series.labels, "value": series.value} for series in self._prometheus.vector(source.promql)]
        return self._document(reading, source)

    def mapping(self, reading: KnownReading) -> dict[str, Secret]:
        """Return names and values, such as a service's variables. Raises Unknown for none, and for nested values.

        Every value is hidden; those that are secrets by their name or form are also remembered, for redaction.
        """
        source = self._source(reading)
        document: Any
        if source.file is not None and source.format == "dotenv":
            document = self._files.dotenv(source.file)
        else:
            document = self._document(reading, source)
        self._examine_source(reading, source)

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

    def _examine_source(self, reading: KnownReading, source: Reading) -> None:
        """Have noted that the look rests on a source which measures nothing. Raises Unknown, also for an old file."""
        if source.file is not None and source.age_seconds_at_most is not None:
            self._files.require_written_since(source.file, source.age_seconds_at_most)
        if self._is_written_down(reading):
            self._provenance.tell_of(reading.name, source, self._file_of(reading))

    def told_at(self, reading: KnownReading) -> datetime | None:
        """Return of when a reading's file or samples are; None for a source without times. Raises Unknown."""
        source = self._source(reading)
        if source.metric is not None:
            return self._exposition.taken_at(source.metric, source.labels)
        return self._files.written_at(source.file) if source.file is not None else None

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

    def _answered(self, reading: KnownReading, url: str, source: Reading) -> Any:
        """Return what a service answers, at the reading's pointer. Raises Unknown, also for a page of a longer list."""
        answer = self._http.get(url, token=source.token, headers=source.headers).expect(200)
        document = answer.json()
        value = at_pointer(document, source.pointer)

        rows = _length(value)
        hidden = why_not_whole(answer, document, rows) if rows is not None else ""
        if hidden:
            raise Unknown(
                f"readings.{reading.name} has {rows} entries, and there are more: {hidden}",
                "ask for all in one page (such as ?per_page=1000), or for a count of them",
            )
        return value

    def _document(self, reading: KnownReading, source: Reading) -> Any:
        """Return what a source of JSON or text has, at the reading's pointer. Raises Unknown."""
        if source.http is not None:
            return self._answered(reading, source.http, source)
        if source.value is not None:
            return source.value
        if source.file is None or source.format == "dotenv":
            wanted = "http, a file of JSON or JSON lines, or sql"
            raise Unknown(f"readings.{reading.name} has a source that cannot answer this", f"give it {wanted}")
        if source.format == "text":
            return self._files.text(source.file).strip()
        if source.format == "jsonl":
            return self._files.json_lines(source.file)
        return at_pointer(self._files.json(source.file), source.pointer)


def _place(reading: KnownReading, column: str) -> str:
    return f"readings.{reading.name}: {column}" if column else f"readings.{reading.name}"


def _length(value: Any) -> int | None:
    """Return how many entries a list has, or an object of objects, which is taken for one; None for anything else."""
    is_object_of_objects = (
        isinstance(value, dict) and bool(value) and all(isinstance(row, dict) for row in value.values())
    )
    return len(value) if isinstance(value, list) or is_object_of_objects else None


def _why_no_single_value(value: Any) -> str:
    """Return what a value is instead of a single one; an empty text for one that is."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str) and not value.strip():
        return "empty"
    return ""


def _number(value: Plain) -> float:
    """Return a value as a number, NaN for what is none: true and false are no numbers here."""
    if value is None or isinstance(value, bool | list | dict):
        return math.nan
    try:
        return as_decimal(value) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return math.nan


def _plain(value: Any) -> Plain:
    """Return a value of JSON with its keys as text. Raises Unknown for NaN and infinity, which JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Unknown(f"the source answers {value}", "correct the source")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    plain: Plain = value
    return plain
