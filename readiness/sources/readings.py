"""Readings: a number or a fact from wherever the environment says it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from readiness.clients.files import Files
from readiness.clients.metrics import Exposition
from readiness.clients.postgres import Postgres, Row, only_value
from readiness.clients.prometheus import Prometheus
from readiness.environment.schema import KnownReading, Reading, Target
from readiness.errors import nearest
from readiness.measurements import Plain
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.secret import Secret, is_secret
from readiness.timeline import parse_instant
from readiness.transport.answer import at_pointer
from readiness.transport.http import Http


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
    return KnownReading("target.revision", "the revision that runs", source)


class Readings:
    """All readings of one environment, and the defaults of those that the checks ask for."""

    def __init__(
        self,
        configured: Mapping[str, Reading],
        http: Http,
        postgres: Postgres,
        exposition: Exposition,
        prometheus: Prometheus,
        files: Files,
    ) -> None:
        self._configured = configured
        self._http = http
        self._postgres = postgres
        self._exposition = exposition
        self._prometheus = prometheus
        self._files = files

    def named(self, name: str) -> KnownReading:
        """Return a reading that no observation declares. Raises NotConfigured with the nearest name."""
        if name in self._configured:
            return KnownReading(name, f"the reading {name}", self._configured[name])

        near = nearest(name, self._configured)
        hint = f"; did you mean {near}?" if near else ""
        raise NotConfigured(f"no reading is called {name}{hint}", f"set readings.{name} in the environment file")

    def require(self, known: KnownReading) -> None:
        """Raise NotConfigured where there is no source for it, or none of the system that its source asks."""
        reading = self._reading(known)
        if reading.sql is not None:
            self._postgres.require_configured()
        if reading.metric is not None:
            self._exposition.require_configured()
        if reading.promql is not None:
            self._prometheus.require_configured()

    def configured(self, known: KnownReading) -> bool:
        """Return whether a reading has a source, and the system that its source needs is configured."""
        try:
            self.require(known)
        except NotConfigured:
            return False
        return True

    def value(self, known: KnownReading) -> Plain:
        """Return the one value of a reading. Raises Unknown for none, for several and for an object or list."""
        reading = self._reading(known)
        if reading.sql is not None:
            return only_value(self._postgres.rows(reading.sql), f"readings.{known.name}")
        if reading.metric is not None:
            return self._exposition.total(reading.metric, reading.labels)
        if reading.promql is not None:
            return self._prometheus.value(reading.promql)

        value = self._document(known, reading)
        flaw = _why_no_single_value(value)
        if flaw:
            raise Unknown(f"readings.{known.name} is no single value but {flaw}", "correct its pointer or its source")
        return _plain(value)

    def number(self, known: KnownReading) -> float:
        """Return the finite number of a reading. Raises Unknown."""
        return self.as_number(known, self.value(known))

    def as_number(self, known: KnownReading, value: Plain) -> float:
        """Return a value of a reading as a finite number; text that is one counts. Raises Unknown."""
        number = _number(value)
        if not math.isfinite(number):
            raise Unknown(f"readings.{known.name} is not a number: {str(value)[:60]!r}", "correct its source")
        return number

    def as_instant(self, known: KnownReading, value: Plain, column: str = "") -> datetime:
        """Return a value of a reading as a moment: ISO 8601 with its zone. Raises Unknown that names the `column`."""
        try:
            return parse_instant(str(value))
        except ValueError as error:
            place = f"readings.{known.name}: {column}" if column else f"readings.{known.name}"
            raise Unknown(f"{place}: {error}", "give times with their zone, such as 2026-12-01T09:00:00Z") from None

    def rows(self, known: KnownReading, *columns: str) -> list[Row]:
        """Return the rows of a reading, which may be none; each has at least these columns. Raises Unknown.

        A row of PromQL is a series: its labels, and the column `value`. A JSON object of objects is taken as rows, each
        with its key as `name`.
        """
        table = self._table(known)
        if isinstance(table, dict) and table and all(isinstance(row, dict) for row in table.values()):
            table = [{"name": key, **row} for key, row in table.items()]
        if not isinstance(table, list) or not all(isinstance(row, dict) for row in table):
            raise Unknown(f"readings.{known.name} is no list of objects", "correct its pointer or its source")

        for row in table:
            for column in columns:
                if column not in row:
                    present = ", ".join(sorted(map(str, row))) or "none"
                    raise Unknown(
                        f"a row of readings.{known.name} has no column {column}; its columns: {present}",
                        f"name the column {column}, in SQL with `as`",
                    )
        return [{str(key): _plain(value) for key, value in row.items()} for row in table]

    def _table(self, known: KnownReading) -> Any:
        reading = self._reading(known)
        if reading.sql is not None:
            return self._postgres.rows(reading.sql)
        if reading.promql is not None:
            vector = self._prometheus.vector(reading.promql)
            return [{**series.labels, "value": series.value} for series in vector]
        return self._document(known, reading)

    def mapping(self, known: KnownReading) -> dict[str, Secret]:
        """Return names and values, such as a service's variables. Raises Unknown for none, and for nested values.

        Every value is hidden; those that are secrets by their name or form are also remembered, for redaction.
        """
        reading = self._reading(known)
        document: Any
        if reading.file is not None and reading.format == "dotenv":
            document = self._files.dotenv(reading.file)
        else:
            document = self._document(known, reading)

        is_flat = isinstance(document, dict) and not any(isinstance(each, dict | list) for each in document.values())
        if not document or not is_flat:
            raise Unknown(
                f"readings.{known.name} is no mapping of names to values", "correct its pointer or its source"
            )

        secrets: dict[str, Secret] = {}
        for key, value in document.items():
            name = str(key)
            text = "" if value is None else str(value)
            secrets[name] = Secret(text, remembered=is_secret(name, text))
        return secrets

    def _reading(self, known: KnownReading) -> Reading:
        reading = self._configured.get(known.name, known.default)
        if reading is None:
            raise NotConfigured(
                f"nothing says where to find {known.says}", f"set readings.{known.name} in the environment file"
            )
        return reading

    def _document(self, known: KnownReading, reading: Reading) -> Any:
        """Return what a source of JSON or text has, at the reading's pointer. Raises Unknown."""
        if reading.http is not None:
            answer = self._http.get(reading.http, token=reading.token, headers=reading.headers).expect(200)
            return at_pointer(answer.json(), reading.pointer)
        if reading.value is not None:
            return reading.value
        if reading.file is None or reading.format == "dotenv":
            wanted = "http, a file of JSON or JSON lines, or sql"
            raise Unknown(f"readings.{known.name} has a source that cannot answer this", f"give it {wanted}")
        if reading.format == "text":
            return self._files.text(reading.file).strip()
        if reading.format == "jsonl":
            return self._files.json_lines(reading.file)
        return at_pointer(self._files.json(reading.file), reading.pointer)


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
        return float(value)
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
