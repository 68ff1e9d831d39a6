"""What crosses from a worker to the controller, as plain JSON: dumped and loaded here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from readiness.evidence.recorded_request import RecordedRequest
from readiness.evidence.records import RecordedObservation, Result
from readiness.redaction.redactor import REDACTOR

REPORT_RESULT, REPORT_RECORDS = "readiness", "readiness_seen"
"""The attributes of a report: the result of its item, and what was observed and sent meanwhile."""

Observed = RecordedObservation | RecordedRequest
_KINDS: dict[str, type[Observed]] = {"observation": RecordedObservation, "request": RecordedRequest}
_LOADED: WeakKeyDictionary[pytest.TestReport, Result] = WeakKeyDictionary()
"""The results of reports that several readers ask for: who decides, the terminal, the page."""


def attach_result(report: pytest.TestReport, result: Result) -> None:
    """Put a result on a report, masked."""
    setattr(report, REPORT_RESULT, REDACTOR.plain(result.plain()))


def result_of(report: pytest.TestReport) -> Result | None:
    """Return the result that a report carries, or None for a test that decides no line."""
    plain = getattr(report, REPORT_RESULT, None)
    if plain is None:
        return None
    if report not in _LOADED:
        _LOADED[report] = Result.model_validate(plain)
    return _LOADED[report]


def attach_records(report: pytest.TestReport, records: Iterable[Observed]) -> None:
    """Put on a report what was observed and sent, masked."""
    setattr(report, REPORT_RECORDS, REDACTOR.plain(dump(records)))


def records_of(report: pytest.TestReport) -> list[Observed]:
    """Return what a report says was observed and sent."""
    return load(getattr(report, REPORT_RECORDS, []))


def dump(records: Iterable[Observed]) -> list[list[Any]]:
    """Return records as plain JSON, each with its kind."""
    return [[record.KIND, record.plain()] for record in records]


def load(plain: Iterable[Iterable[Any]]) -> list[Observed]:
    """Return the records that `dump` wrote."""
    return [_KINDS[kind].model_validate(fields) for kind, fields in plain]
