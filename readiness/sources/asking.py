"""How the one source of a reading is asked, whichever kind it is: what it answers, and of when that is.

`what` names the reading in every message: `readings.orders`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from readiness.clients.files import Files
from readiness.clients.metrics import Exposition
from readiness.clients.postgres import Postgres, Row, only_value
from readiness.clients.programs import Programs
from readiness.clients.prometheus import Prometheus
from readiness.clients.questions import asked, found
from readiness.environment.readings import WHEN_ASKED
from readiness.environment.schema import Reading
from readiness.measurements import Plain
from readiness.outcomes import Unknown
from readiness.sources.plain_values import as_plain_value, why_no_single_value
from readiness.transport.answer import at_pointer
from readiness.transport.http import Http
from readiness.transport.strict_json import parse_json

Times = list[Plain]
"""The times of an answer as they stand beside it; none where none is stated."""


@dataclass(frozen=True)
class Asking:
    """The systems that sources are asked of."""

    http: Http
    postgres: Postgres
    exposition: Exposition
    prometheus: Prometheus
    files: Files
    programs: Programs

    def require_configured(self, source: Reading) -> None:
        """Raise NotConfigured where the environment has none of the system that a source asks."""
        if source.sql is not None:
            self.postgres.require_configured()
        if source.metric is not None:
            self.exposition.require_configured()
        if source.promql is not None:
            self.prometheus.require_configured()

    def value(self, source: Reading, what: str) -> tuple[Plain, Times]:
        """Return the one value of a source. Raises Unknown for none, for several and for an object or list."""
        if source.sql is not None:
            rows, times = _without_times(self.postgres.rows(source.sql), source, what)
            return only_value(rows, what), times
        if source.metric is not None:
            return self.exposition.total(source.metric, source.labels), []
        if source.promql is not None:
            return self.prometheus.value(source.promql), self._times_by_promql(source)

        value, times = self.document(source, what)
        flaw = why_no_single_value(value)
        if flaw:
            raise Unknown(f"{what} is no single value but {flaw}", "correct its pointer or its source")
        return as_plain_value(value), times

    def table(self, source: Reading, what: str) -> tuple[Any, Times]:
        """Return all that a source answers, as it came: rows, or a document of JSON. Raises Unknown."""
        if source.sql is not None:
            rows = self.postgres.rows(source.sql)
            # The column stays: whoever asks for the rows may ask for their times.
            return rows, _without_times(rows, source, what)[1]
        if source.promql is not None:
            vector = self.prometheus.vector(source.promql)
            return [{**series.labels, "value": series.value} for series in vector], self._times_by_promql(source)
        return self.document(source, what)

    def mapping(self, source: Reading, what: str) -> tuple[Any, Times]:
        """Return what a source of names and values has: lines of NAME=value, or a document of JSON. Raises Unknown."""
        if source.file is not None and source.format == "dotenv":
            return self.files.dotenv(source.file), []
        return self.document(source, what)

    def document(self, source: Reading, what: str) -> tuple[Any, Times]:
        """Return what a source of JSON or text has, at its pointer. Raises Unknown."""
        if source.http is not None:
            values = source.span.instants(datetime.now(UTC)) if source.span else {}
            answer, document = asked(self.http, source, values, what)
            return found(source, answer, document, values, what), _times_in(document, source)
        if source.value is not None:
            return source.value, []
        if source.file is not None and source.format == "jsonl":
            return self.files.json_lines(source.file), []
        if source.format == "dotenv" or not (source.file or source.command):
            wanted = "http, a file of JSON or JSON lines, a command, or sql"
            raise Unknown(f"{what} has a source that cannot answer this", f"give it {wanted}")

        text = self.files.text(source.file) if source.file else self.programs.output(source, what)
        if source.format == "text":
            return text.strip(), []
        document = parse_json(text, str(source.file or f"the output of {what}"))
        return at_pointer(document, source.pointer), _times_in(document, source)

    def times(self, source: Reading, what: str) -> Times:
        """Return the times that stand beside an answer, which is asked for where they do. Raises Unknown."""
        return self.table(source, what)[1] if stands_beside(source) else []

    def told_by_source(self, source: Reading) -> datetime | None:
        """Return of when a source is, as far as that stands beside no value of it; None where it does not say so."""
        if source.at == WHEN_ASKED:
            return datetime.now(UTC)
        if source.metric is not None:
            # A page without times is of the moment at which it is read.
            return self.exposition.taken_at(source.metric, source.labels) or datetime.now(UTC)
        return self.files.written_at(source.file) if source.file is not None and source.at is None else None

    def _times_by_promql(self, source: Reading) -> Times:
        """Return the seconds since 1970 that a source's own query for them answers."""
        return [self.prometheus.value(source.at)] if source.at is not None and stands_beside(source) else []


def has_time(source: Reading) -> bool:
    """Check whether a source says of when its answer is: it states that, or is of a kind that carries a time."""
    return source.at is not None or source.file is not None or source.metric is not None


def stands_beside(source: Reading) -> bool:
    """Check whether the time of a source stands beside its answer."""
    return source.at is not None and source.at != WHEN_ASKED


def _without_times(rows: list[Row], source: Reading, what: str) -> tuple[list[Row], Times]:
    """Return the rows of a query without the column of their time, and these times. Raises Unknown."""
    column = source.at
    if column is None or not stands_beside(source):
        return rows, []
    for row in rows:
        if column not in row:
            present = ", ".join(sorted(row)) or "none"
            raise Unknown(
                f"{what} has no column {column}, which is to say its time; its columns: {present}", "correct at"
            )
    rest = [{name: value for name, value in row.items() if name != column} for row in rows]
    return rest, [row[column] for row in rows if row[column] is not None]


def _times_in(document: Any, source: Reading) -> Times:
    """Return the time that a document has at the pointer of its source. Raises Unknown."""
    if source.at is None or not stands_beside(source):
        return []
    value = at_pointer(document, source.at)
    flaw = why_no_single_value(value)
    if flaw:
        raise Unknown(f"the time at {source.at} is {flaw}", "correct at, or the source")
    return [as_plain_value(value)]
