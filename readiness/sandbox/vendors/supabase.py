"""Supabase's management API, as far as the runbook asks it. Source: its OpenAPI description, GET /v1/projects/{ref}."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

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
        self._created = datetime.now(UTC).isoformat()

    def application(self) -> Starlette:
        """Give its web application."""
        return Starlette(routes=[Route("/v1/projects/{ref}", self._project)])

    def _project(self, request: Request) -> Response:
        if self.html:
            return HTMLResponse("<!doctype html><title>Sign in</title><h1>Sign in</h1>")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"message": "Unauthorized"}, 401)
        if request.path_params["ref"] != REF:
            return JSONResponse({"message": "Project not found"}, 404)
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
