"""One synthetic file sent through the whole pipeline. It writes; it is tagged, watched and deleted again."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from readiness.clients.metrics import Exposition
from readiness.clients.postgres import Postgres
from readiness.environment.probes import SyntheticUpload
from readiness.environment.schema import Environment
from readiness.files.canonical_json import JsonObject
from readiness.measurements import Refusal
from readiness.observations import observation, pause
from readiness.observations.needs import need
from readiness.observations.refusals import refusal
from readiness.outcomes import Effect, NotConfigured, Refused, Unknown
from readiness.transport.http import Answer, Http
from readiness.transport.typed import at_key

METRIC = "ingestion_uploads_total"
POLL_SECONDS = 0.1
ENDED = {"completed", "failed"}
COUNTED_WITHIN_SECONDS = 5.0
"""Counters may lag behind the upload by a moment."""
DENIED = {401, 403, 404, 429}
GONE = {200, 202, 204, 404}


@dataclass(frozen=True)
class UploadTrace:
    """What became of the file, by the service, the database and the counters."""

    answered: int | Refusal
    """HTTP status of the upload request."""
    status: str
    """The upload's own status at the end; `refused` where it was never taken."""
    row_count: int
    staged_rows: int
    production_rows: int
    counted: float | None
    """By how much the service's counter of uploads rose; None where its page could not be asked."""
    seconds: float


def _waits(environment: Environment) -> float:
    return environment.synthetic_upload.seconds_at_most if environment.synthetic_upload else 0.0


@need("synthetic_upload")
def described_upload(environment: Environment) -> SyntheticUpload:
    """Return the upload that is sent. Raises NotConfigured."""
    if environment.synthetic_upload is None:
        raise NotConfigured("no synthetic upload is described", "set synthetic_upload in the environment file")
    return environment.synthetic_upload


@observation(needs=described_upload, effect=Effect.WRITE, waits=_waits)
def synthetic_upload(
    http: Http, exposition: Exposition, postgres: Postgres, environment: Environment, called_off: threading.Event
) -> UploadTrace:
    """Send the file, wait for its end, count its rows, and delete it; return what became of it."""
    upload = described_upload(environment)
    before = _counted_before(exposition)
    started = time.monotonic()
    try:
        answer = _send(http, upload)
    except Refused as refused:
        return UploadTrace(refusal(refused, environment), "refused", 0, 0, 0, None, 0.0)

    if answer.status in DENIED:
        answer.expect(200, 201, 202, asked="the synthetic upload")  # raises: the upload was never judged
    if not 200 <= answer.status < 300:  # noqa: PLR2004  any success, RFC 9110
        rise = None if before is None else exposition.total(METRIC) - before
        return UploadTrace(answer.status, "refused", 0, 0, 0, rise, 0.0)

    upload_id = id_of(answer, upload)
    try:
        state = _wait(http, upload, upload_id, called_off)
        return UploadTrace(
            answered=answer.status,
            status=state.status,
            row_count=state.row_count,
            staged_rows=_count(postgres.value(upload.staged_rows_sql, upload_id)),
            production_rows=_count(postgres.value(upload.production_rows_sql, upload_id)),
            counted=_counted(exposition, before, called_off),
            seconds=time.monotonic() - started,
        )
    finally:
        if upload.clean_up:
            delete(http, upload, upload_id)


def id_of(answer: Answer, upload: SyntheticUpload) -> str:
    """Return the id of an upload that the service took. Raises Unknown: then nobody can delete it."""
    remedy = f"find the file in the workspace {upload.workspace} and delete it; is {upload.path} the uploads' API?"
    try:
        upload_id = at_key(answer.json(), "id")
    except Unknown as unknown:
        raise Unknown(f"an upload was taken and cannot be deleted: {unknown.reason}", remedy) from None
    if isinstance(upload_id, bool) or not isinstance(upload_id, int | str) or upload_id == "":
        raise Unknown("an upload was taken and cannot be deleted: the service's answer names no id", remedy)
    return str(upload_id)


def delete(http: Http, upload: SyntheticUpload, upload_id: str) -> None:
    """Delete an upload through the service. Raises Unknown where it is still there."""
    where = f"{upload.path}/{upload_id}"
    try:
        http.send("DELETE", where, effect=Effect.WRITE, token=upload.token).expect(*GONE, asked="DELETE")
    except Unknown as unknown:
        remedy = f"send DELETE {where} with the token of synthetic_upload; {unknown.remedy}"
        raise Unknown(f"the upload {upload_id} is still there: {unknown.reason}", remedy) from unknown


def _send(http: Http, upload: SyntheticUpload) -> Answer:
    return http.send(
        "POST",
        upload.path,
        effect=Effect.WRITE,
        token=upload.token,
        data={"workspace": upload.workspace, "platform": upload.platform, "source": upload.source},
        files={"file": ("readiness-probe.csv", upload.csv.encode(), "text/csv")},
    )


@dataclass(frozen=True)
class _State:
    """How far the service has come with an upload."""

    status: str
    row_count: int


def _wait(http: Http, upload: SyntheticUpload, upload_id: str, called_off: threading.Event) -> _State:
    """Return the upload's state once it has ended, or when the time is over. Raises Unknown."""
    end = time.monotonic() + upload.seconds_at_most
    while True:
        answer = http.get(f"{upload.path}/{upload_id}", token=upload.token)
        document = answer.expect(200, asked="the question what became of the synthetic upload").json()
        if not isinstance(document, dict):
            raise Unknown("the upload's state is no JSON object", f"look at GET {upload.path}/{upload_id}")
        if document.get("status") in ENDED or time.monotonic() > end:
            return _State(_text(document, "status"), _count(document.get("row_count") or 0))
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


def _text(document: JsonObject, key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise Unknown(f"the service's answer names no {key}", "compare it with the upload API's description")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unknown(f"{value!r} is not a count of rows", "compare it with the upload API's description")
    return value
