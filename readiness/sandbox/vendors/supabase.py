"""Supabase's management API, as far as the runbook asks it.

Source: its OpenAPI description, GET /v1/projects/{ref} and GET /v1/projects/{ref}/database/backups.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import psycopg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from readiness.sandbox.database import Database

REF = "sandboxprojectletter"  # twenty letters, as the description demands


class Management:
    """Knows one project, whose health is that of the real database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.token = f"sbp_{secrets.token_hex(20)}"
        self.status: str | None = None
        """What it reports instead of the truth."""
        self.html = False
        self.pitr = True
        """Point-in-time recovery is on; it then lists no backups and tells of the physical one."""
        self.backup_hours = 0.1
        self._created = datetime.now(UTC).isoformat()

    def application(self) -> Starlette:
        """Return its web application."""
        project = "/v1/projects/{ref}"
        return Starlette(routes=[Route(project, self._project), Route(f"{project}/database/backups", self._backups)])

    def _refusal(self, request: Request) -> Response | None:
        if self.html:
            return HTMLResponse("<!doctype html><title>Sign in</title><h1>Sign in</h1>")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"message": "Unauthorized"}, 401)
        if request.path_params["ref"] != REF:
            return JSONResponse({"message": "Project not found"}, 404)
        return None

    def _backups(self, request: Request) -> Response:
        latest = datetime.now(UTC) - timedelta(hours=self.backup_hours)
        daily = {"id": 1, "is_physical_backup": False, "status": "COMPLETED", "inserted_at": latest.isoformat()}
        physical = {"latest_physical_backup_date_unix": int(latest.timestamp())} if self.pitr else {}
        return self._refusal(request) or JSONResponse(
            {
                "region": "eu-central-1",
                "walg_enabled": True,
                "pitr_enabled": self.pitr,
                "backups": [] if self.pitr else [daily],
                "physical_backup_data": physical,
            }
        )

    def _project(self, request: Request) -> Response:
        refused = self._refusal(request)
        if refused:
            return refused
        host = f"db.{REF}.supabase.co"
        database = {"host": host, "version": "18.6", "postgres_engine": "18", "release_channel": "ga"}
        return JSONResponse(
            {
                "id": REF,
                "ref": REF,
                "organization_id": "sandbox",
                "organization_slug": "sandbox",
                "name": "ingestion",
                "region": "eu-central-1",
                "created_at": self._created,
                "status": self.status or self._health(),
                "database": database,
            }
        )

    def _health(self) -> str:
        try:
            self._database.one("select 1 as answer")
        except psycopg.Error:
            return "ACTIVE_UNHEALTHY"
        return "ACTIVE_HEALTHY"
