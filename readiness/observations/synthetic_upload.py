"""One synthetic file sent through the whole pipeline. It writes; it is tagged, watched and deleted again."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

from readiness.clients.metrics import Exposition
from readiness.clients.postgres import Postgres
from readiness.environment.probes import SyntheticUpload
from readiness.environment.schema import Environment
from readiness.measurements import Refusal
from readiness.observations import observation, pause
from readiness.observations.needs import need
from readiness.observations.refusals import refusal
from readiness.observations.uploads_api import ENDED, UploadsApi, UploadState, count_of
from readiness.outcomes import Effect, NotConfigured, Refused
from readiness.transport.http import Http

METRIC = "ingestion_uploads_total"
FILE = "readiness-probe.csv"
POLL_SECONDS = 0.1
COUNTED_WITHIN_SECONDS = 5.0
"""Counters may lag behind the upload by a moment."""
DENIED = {401, 403, 404, 429}


@dataclass(frozen=True)
class UploadTrace:
    """What became of the file, by the service, the database and the counters."""

    answered: int | Refusal
    """HTTP status of the upload request."""
    status: str
    """The upload's own status at the end; `refused` where it was never taken."""
    row_count: int
    staged_rows: int
    production_rows: int | None
    """None where nothing says how they are counted."""
    counted: float | None
    """By how much the service's counter of uploads rose; None where its page could not be asked."""
    seconds: float
    kept: bool = False
    """The file stays: the service deletes none, or the environment says so."""


def _waits(environment: Environment) -> float:
    return environment.synthetic_upload.seconds_at_most if environment.synthetic_upload else 0.0


@need("synthetic_upload")
def described_upload(environment: Environment) -> SyntheticUpload:
    """Return the upload that is sent. Raises NotConfigured."""
    if environment.synthetic_upload is None:
        raise NotConfigured("no synthetic upload is described", "set synthetic_upload in the environment file")
    return environment.synthetic_upload


@need("synthetic_upload.production_rows_sql")
def production_count(environment: Environment) -> str:
    """Return the query that counts the rows of an upload in production. Raises NotConfigured."""
    upload = environment.synthetic_upload
    if upload is None or upload.production_rows_sql is None:
        raise NotConfigured(
            "nothing says how many rows of the synthetic upload are in production",
            "set synthetic_upload.production_rows_sql in the environment file",
        )
    return upload.production_rows_sql


@observation(needs=production_count)
def production_rows_query(environment: Environment) -> str:
    """Return the query by which the rows of the synthetic upload in production are counted."""
    return production_count(environment)


@observation(needs=described_upload, effect=Effect.WRITE, waits=_waits)
def synthetic_upload(
    http: Http, exposition: Exposition, postgres: Postgres, environment: Environment, called_off: threading.Event
) -> UploadTrace:
    """Send the file, wait for its end, count its rows, and delete it; return what became of it."""
    upload = described_upload(environment)
    api = UploadsApi(http, postgres, upload)
    before = _counted_before(exposition)
    started = time.monotonic()
    try:
        answer = api.send(FILE, upload.csv.encode())
    except Refused as refused:
        return UploadTrace(refusal(refused, environment), "refused", 0, 0, 0, None, 0.0)

    if answer.status in DENIED:
        answer.expect(200, 201, 202, asked="the synthetic upload")  # raises: the upload was never judged
    if not 200 <= answer.status < 300:  # noqa: PLR2004  any success, RFC 9110
        rise = None if before is None else exposition.total(METRIC) - before
        return UploadTrace(answer.status, "refused", 0, 0, 0, rise, 0.0)

    upload_id = api.id_of(answer)
    kept = True
    try:
        state = _wait(api, upload_id, called_off)
        trace = UploadTrace(
            answered=answer.status,
            status=state.status,
            row_count=state.row_count,
            staged_rows=count_of(postgres.value(upload.staged_rows_sql, upload_id)),
            production_rows=_production_rows(postgres, upload, upload_id),
            counted=_counted(exposition, before, called_off),
            seconds=time.monotonic() - started,
        )
    finally:
        if upload.clean_up:
            kept = not api.delete(upload_id)
    return replace(trace, kept=kept)


def _production_rows(postgres: Postgres, upload: SyntheticUpload, upload_id: str) -> int | None:
    """Return how many rows of an upload are in production; None where nothing says how to count them."""
    query = upload.production_rows_sql
    return None if query is None else count_of(postgres.value(query, upload_id))


def _wait(api: UploadsApi, upload_id: str, called_off: threading.Event) -> UploadState:
    """Return the upload's state once it has ended, or when the time is over. Raises Unknown."""
    end = time.monotonic() + api.settings.seconds_at_most
    while True:
        state = api.state(upload_id)
        if state.status in ENDED or time.monotonic() > end:
            return state
        pause(called_off, POLL_SECONDS)


def _counted_before(exposition: Exposition) -> float | None:
    """Return the counter before the upload; None where its page refuses the connection. Raises Unknown."""
    try:
        return exposition.total(METRIC)
    except Refused:  # whether uploads are taken is another question, and is asked
        return None


def _counted(exposition: Exposition, before: float | None, called_off: threading.Event) -> float | None:
    """Return by how much the counter has risen, as soon as it has, or when the time is over. Raises Unknown."""
    if before is None:
        return None

    end = time.monotonic() + COUNTED_WITHIN_SECONDS
    rise = exposition.total(METRIC) - before
    while rise <= 0 and time.monotonic() < end:
        pause(called_off, POLL_SECONDS)
        rise = exposition.total(METRIC) - before
    return rise
