"""The ingestion service: uploads in, health, workers and metrics out."""

from __future__ import annotations

import hmac
import queue
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import httpx
import psycopg
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from readiness.sandbox.billing import SandboxBilling
from readiness.sandbox.workers import Plant, Worker

FLAG = "ingestion_v2_enabled"
BYTES_AT_MOST = 5_000_000
ECHO_SECONDS = 0.5
CHECK_SECONDS = 0.8
VERSION, REVISION = "1.4.0", "2026.11.20-3f9c1d2"
RELEASES = {REVISION: VERSION, "2026.11.13-a81be07": "1.3.9", "2026.10.30-77d0c4e": "1.3.8"}
"""What can be deployed: revision → version."""
TEMPLATE = b"day,campaign,impressions,clicks,spend\n"
Handler = Callable[["Service", Request], Response]


class RequestRefused(Exception):
    """A request that is answered with a status and one word."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


def _threaded(handler: Handler) -> Callable[..., Any]:
    @wraps(handler)
    async def answer(self: Service, request: Request) -> Response:
        try:
            return await run_in_threadpool(handler, self, request)
        except RequestRefused as refused:
            return JSONResponse({"error": str(refused)}, refused.status)
        except psycopg.Error:
            return JSONResponse({"error": "database_unavailable"}, 503)

    return answer


def _challenge() -> Response:
    """Return the page by which a wall asks for the proof of a browser."""
    page = "<!doctype html><title>Just a moment...</title><script>window._cf_chl_opt = {}</script>"
    return HTMLResponse(page, 403, {"cf-mitigated": "challenge"})


@dataclass
class Service:
    """The web face of the plant."""

    plant: Plant
    workers: list[Worker]
    tokens: dict[str, str] = field(default_factory=dict)
    """Bearer token → workspace."""
    health_status: int = 200
    health_seconds: float = 0.0
    health_page: str = ""
    """A page of HTML that something in between answers instead, with status 200."""
    is_walled: bool = False
    """A wall in front of /health and /ready asks for a proof that only a browser gives."""
    environment: str = "production"
    """What /health says it is: the sandbox stands for a service in production."""
    clock_behind: timedelta = timedelta(0)
    """How old the timestamp of /health is."""
    metrics_status: int = 200
    revision: str = REVISION
    """Which of the releases runs."""
    heeds_switch: bool = True
    falls_back: bool = True
    """Serve the built-in template where the object store is away."""
    billing: SandboxBilling = field(default_factory=SandboxBilling)

    def application(self) -> Starlette:
        """Return its web application."""
        upload = "/v1/uploads/{upload}"
        return Starlette(
            routes=[
                Route("/v1/uploads", self._upload, methods=["POST"]),
                Route(upload, self._show, methods=["GET"]),
                Route(upload, self._delete, methods=["DELETE"]),
                Route("/v1/template", self._template),
                Route("/health", self._health),
                Route("/v1/health", self._health),  # as the umbrella's runbook calls it
                Route("/api/health", self._health),  # the agency's
                Route("/api/v1/health", self._health),  # the playbook's
                Route("/ready", self._ready),
                Route("/workers", self._workers),
                Route("/metrics", self._metrics),
                *self.billing.routes(),
            ]
        )

    async def _upload(self, request: Request) -> Response:
        form = await request.form()
        file = form.get("file")
        data = await file.read() if isinstance(file, UploadFile) else None
        fields = {name: str(form.get(name) or "") for name in ("platform", "source")}
        # As the runbook's document calls it; the name of an earlier release is taken too.
        fields["workspace"] = str(form.get("workspace_id") or form.get("workspace") or "")
        try:
            return await run_in_threadpool(self._take, request, fields, data)
        except RequestRefused as refused:
            return JSONResponse({"error": str(refused)}, refused.status)
        except psycopg.Error:
            return JSONResponse({"error": "database_unavailable"}, 503)

    def _take(self, request: Request, fields: dict[str, str], data: bytes | None) -> Response:
        workspace = self._workspace(request)
        if data is None or not all(fields.values()):
            raise RequestRefused(422, "workspace_id, platform, source and file are wanted")
        if fields["workspace"] != workspace:
            raise RequestRefused(403, "foreign_workspace")
        if len(data) > BYTES_AT_MOST:
            raise RequestRefused(413, "file_too_large")
        self._admit(workspace)
        upload, path = uuid.uuid4(), f"{workspace}/{uuid.uuid4()}.csv"
        self._store(path, data)
        self.plant.database.rows(
            "insert into data_uploads (id, workspace_id, platform, source, object_path) values (%s, %s, %s, %s, %s)",
            *(upload, workspace, fields["platform"], fields["source"], path),
        )
        return JSONResponse({"id": str(upload), "status": "pending"}, 202)

    def _workspace(self, request: Request) -> str:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        for token, workspace in self.tokens.items():
            if hmac.compare_digest(token.encode(), given.encode()):
                return workspace
        raise RequestRefused(401, "unauthorized")

    def _admit(self, workspace: str) -> None:
        """Refuse while any of the switches says so."""
        if self.heeds_switch and not self.plant.configuration.enabled:
            raise RequestRefused(503, "ingestion_disabled")
        paused = self.plant.database.rows(
            "select 1 from workspace_settings where workspace_id = %s and ingestion_paused", workspace
        )
        if paused:
            raise RequestRefused(409, "workspace_paused")
        flag = self.plant.database.rows("select enabled, allowlist from feature_flags where name = %s", FLAG)
        if not flag or not (flag[0]["enabled"] or workspace in flag[0]["allowlist"]):
            raise RequestRefused(403, "not_enabled")
        if not all(self.plant.breakers.allows(name) for name in ("database", "storage")):
            raise RequestRefused(503, "circuit_open")

    def _store(self, path: str, data: bytes) -> None:
        try:
            sent = self.plant.http.post(self.plant.object_url(path), content=data, headers=self.plant.headers())
            sent.raise_for_status()
        except httpx.HTTPError:
            self.plant.breakers.failed("storage")
            raise RequestRefused(503, "storage_unavailable") from None
        self.plant.breakers.succeeded("storage")

    @_threaded
    def _show(self, request: Request) -> Response:
        upload = self._own(request)
        rows = self.plant.database.one(
            "select count(*) as rows_staged, count(*) filter (where validation_status = 'valid') as rows_valid,"
            " count(*) filter (where validation_status = 'invalid') as rows_invalid,"
            " count(promoted_at) as rows_promoted from staging_rows where upload_id = %s",
            upload["id"],
        )
        shown = {name: upload[name] for name in ("status", "row_count", "error_code", "error_text")}
        return JSONResponse({"id": str(upload["id"]), **shown, **rows})

    @_threaded
    def _delete(self, request: Request) -> Response:
        upload = self._own(request)
        with self.plant.database.connection().transaction():
            self.plant.database.rows("delete from data_uploads where id = %s", upload["id"])
            self.plant.database.rows("delete from staging_rows where upload_id = %s", upload["id"])
            self.plant.database.rows("delete from campaign_metrics where upload_id = %s", upload["id"])
        self.plant.http.delete(self.plant.object_url(upload["object_path"]), headers=self.plant.headers())
        return Response(status_code=204)

    def _own(self, request: Request) -> dict[str, Any]:
        workspace = self._workspace(request)
        try:
            wanted = uuid.UUID(request.path_params["upload"])
        except ValueError:
            raise RequestRefused(404, "not_found") from None
        uploads = self.plant.database.rows(
            "select * from data_uploads where id = %s and workspace_id = %s", wanted, workspace
        )
        if not uploads:
            raise RequestRefused(404, "not_found")
        return uploads[0]

    @_threaded
    def _template(self, request: Request) -> Response:
        """Return the empty file to fill in: from the object store, which may hold a newer one, or the built-in one."""
        del request
        try:
            self.plant.http.get(f"{self.plant.configuration.get('STORAGE_URL')}/health/").raise_for_status()
        except httpx.HTTPError:
            if not self.falls_back:
                raise RequestRefused(503, "storage_unavailable") from None
            return Response(TEMPLATE, media_type="text/csv", headers={"x-served-by": "fallback"})
        return Response(TEMPLATE, media_type="text/csv", headers={"x-served-by": "storage"})

    @_threaded
    def _health(self, request: Request) -> Response:
        del request
        time.sleep(self.health_seconds)
        if self.is_walled:
            return _challenge()
        if self.health_page:
            return HTMLResponse(self.health_page)
        is_healthy = self.health_status == 200  # noqa: PLR2004  the status of HTTP
        answered_at = datetime.now(UTC) - self.clock_behind
        document = {
            "status": "ok" if is_healthy else "failing",
            "environment": self.environment,
            "version": RELEASES[self.revision],
            "revision": self.revision,
            "timestamp": answered_at.isoformat(),
        }
        return JSONResponse(document, self.health_status)

    @_threaded
    def _ready(self, request: Request) -> Response:
        del request
        if self.is_walled:
            return _challenge()
        checks = {"database": self._database_answers(), "storage": self._storage_answers()}
        is_ready = set(checks.values()) == {"ok"}
        if not is_ready:
            return JSONResponse({"status": "not ready", "checks": checks}, 503)
        return JSONResponse({"status": "ready", "checks": checks})

    def _database_answers(self) -> str:
        # A fresh connection, in a thread that may be left behind: a frozen server takes a connection and never answers.
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=lambda: answers.put(self.plant.database.state()), daemon=True).start()
        try:
            return answers.get(timeout=CHECK_SECONDS)
        except queue.Empty:
            return "timeout"

    def _storage_answers(self) -> str:
        try:
            url = f"{self.plant.configuration.get('STORAGE_URL')}/health/"
            answer = self.plant.http.get(url, timeout=CHECK_SECONDS)
        except httpx.HTTPError as error:
            return type(error).__name__
        if answer.status_code != 200:  # noqa: PLR2004  the status of HTTP
            return "unhealthy"
        return "ok" if answer.json().get("healthy") else "unhealthy"

    @_threaded
    def _workers(self, request: Request) -> Response:
        del request

        def ask(worker: Worker) -> dict[str, Any]:
            started = time.monotonic()
            return {"responds": worker.responds(ECHO_SECONDS), "seconds": round(time.monotonic() - started, 4)}

        with ThreadPoolExecutor(len(self.workers)) as pool:
            answers = dict(zip([worker.name for worker in self.workers], pool.map(ask, self.workers), strict=True))
        return JSONResponse({"workers": answers})

    @_threaded
    def _metrics(self, request: Request) -> Response:
        del request
        if self.metrics_status != 200:  # noqa: PLR2004  the status of HTTP
            return PlainTextResponse("forbidden", self.metrics_status)
        states = self.plant.database.rows("select name, state from circuit_breaker_state")
        self.plant.telemetry.breakers({row["name"]: row["state"] for row in states})
        return Response(self.plant.telemetry.page(), media_type="text/plain; version=0.0.4; charset=utf-8")
