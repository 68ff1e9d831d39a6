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
    """Say which revision runs: as the environment states it, or as the target tells. Raises NotConfigured, Unknown."""
    stated = _revision(target)
    if isinstance(stated, str):
        return stated
    found = str(readings.value(stated))
    if not found.strip():
        raise Unknown("target.revision is empty", "which revision runs? correct its source in the environment file")
    return found


def require_revision(target: Target, readings: Readings) -> None:
    """Raise NotConfigured where nothing says which revision runs."""
    stated = _revision(target)
    if not isinstance(stated, str):
        readings.require(stated)


def _revision(target: Target) -> str | KnownReading:
    stated = target.revision
    if stated is None:
        raise NotConfigured("nothing says which revision runs", "set target.revision in the environment file")
    return stated if isinstance(stated, str) else KnownReading("target.revision", "the revision that runs", stated)


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
        """Give the reading that only the environment knows. Raises NotConfigured with the nearest name."""
        if name not in self._configured:
            near = nearest(name, self._configured)
            hint = f"; did you mean {near}?" if near else ""
            raise NotConfigured(f"no reading is called {name}{hint}", f"set readings.{name} in the environment file")
        return KnownReading(name, f"the reading {name}", self._configured[name])

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
        """Tell whether there is a source for it."""
        try:
            self.require(known)
        except NotConfigured:
            return False
        return True

    def value(self, known: KnownReading) -> Plain:
        """Fetch one fact. Raises Unknown."""
        reading = self._reading(known)
        if reading.sql is not None:
            return only_value(self._postgres.rows(reading.sql), f"readings.{known.name}")
        if reading.metric is not None:
            return self._exposition.total(reading.metric, reading.labels)
        if reading.promql is not None:
            return self._prometheus.value(reading.promql)
        found = self._document(known, reading)
        if found is None or isinstance(found, dict | list) or (isinstance(found, str) and not found.strip()):
            there = {type(None): "null", dict: "an object", list: "a list"}.get(type(found), "empty")
            raise Unknown(f"readings.{known.name} is no single value but {there}", "correct its pointer or its source")
        return _plain(found)

    def number(self, known: KnownReading) -> float:
        """Fetch one finite number. Raises Unknown."""
        return self.as_number(known, self.value(known))

    def as_number(self, known: KnownReading, value: Plain) -> float:
        """Read a value of a reading as a finite number; text that is one counts. Raises Unknown."""
        try:
            number = float("nan" if isinstance(value, bool | list | dict) or value is None else value)
        except (ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise Unknown(f"readings.{known.name} is not a number: {str(value)[:60]!r}", "correct its source")
        return number

    def as_instant(self, known: KnownReading, value: Plain, column: str = "") -> datetime:
        """Read a value of a reading, of a column where it is of rows: ISO 8601 with its zone. Raises Unknown."""
        try:
            return parse_instant(str(value))
        except ValueError as error:
            place = f"readings.{known.name}: {column}: " if column else f"readings.{known.name}: "
            remedy = "give times with their zone, such as 2026-12-01T09:00:00Z"
            raise Unknown(f"{place}{error}", remedy) from None

    def rows(self, known: KnownReading, *columns: str) -> list[Row]:
        """Fetch rows that have these columns. Raises Unknown; no rows are no rows.

        A JSON object of objects is taken as rows, each with its key as `name`.
        """
        reading = self._reading(known)
        found: Any
        if reading.sql is not None:
            found = self._postgres.rows(reading.sql)
        elif reading.promql is not None:
            found = [{**one.labels, "value": one.value} for one in self._prometheus.vector(reading.promql)]
        else:
            found = self._document(known, reading)
        if isinstance(found, dict) and found and all(isinstance(value, dict) for value in found.values()):
            found = [{"name": key, **value} for key, value in found.items()]
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise Unknown(f"readings.{known.name} is no list of objects", "correct its pointer or its source")
        for row in found:
            for column in columns:
                if column not in row:
                    there = ", ".join(sorted(map(str, row))) or "none"
                    raise Unknown(
                        f"a row of readings.{known.name} has no column {column}; its columns: {there}",
                        f"name the column {column}, in SQL with `as`",
                    )
        return [{str(key): _plain(value) for key, value in row.items()} for row in found]

    def mapping(self, known: KnownReading) -> dict[str, Secret]:
        """Fetch names and values, every value a secret. Raises Unknown."""
        reading = self._reading(known)
        if reading.file is not None and reading.format == "dotenv":
            found: Any = self._files.dotenv(reading.file)
        else:
            found = self._document(known, reading)
        if not isinstance(found, dict) or not found or any(isinstance(value, dict | list) for value in found.values()):
            raise Unknown(
                f"readings.{known.name} is no mapping of names to values", "correct its pointer or its source"
            )
        texts = {str(name): "" if value is None else str(value) for name, value in found.items()}
        return {name: Secret(text, remembered=is_secret(name, text)) for name, text in texts.items()}

    def _reading(self, known: KnownReading) -> Reading:
        reading = self._configured.get(known.name, known.default)
        if reading is None:
            raise NotConfigured(
                f"nothing says where to find {known.says}", f"set readings.{known.name} in the environment file"
            )
        return reading

    def _document(self, known: KnownReading, reading: Reading) -> Any:
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


def _plain(value: Any) -> Plain:
    if isinstance(value, float) and not math.isfinite(value):
        raise Unknown(f"the source answers {value}", "correct the source")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    plain: Plain = value
    return plain
