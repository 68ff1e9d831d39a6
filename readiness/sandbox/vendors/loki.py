"""Loki as far as the runbooks ask it: the front writes a line every second, and they arrive here.

Source: grafana.com/docs/loki/latest/reference/loki-http-api, GET /loki/api/v1/query_range.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

_SECOND = 1_000_000_000
STREAM = {"app": "front", "level": "info"}
QUERY = '{app="front"}'


@dataclass
class Loki:
    """One tenant with one stream."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    tenant: str = "sandbox"
    newest_age: float = 0.0
    """Seconds since the newest line arrived."""
    empty: bool = False
    html: bool = False
    status: int = 200

    def application(self) -> Starlette:
        """Return its web application."""
        return Starlette(routes=[Route("/loki/api/v1/query_range", self._query_range)])

    def _query_range(self, request: Request) -> Response:
        if self.html:
            return HTMLResponse("<!doctype html><title>Sign in</title>")
        if self.status != 200:  # noqa: PLR2004  the status of HTTP
            return PlainTextResponse("too many outstanding requests", self.status)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return PlainTextResponse("no credentials provided", 401)
        if request.headers.get("x-scope-orgid") != self.tenant:
            return PlainTextResponse("no org id", 401)

        parameters = request.query_params
        now = time.time()
        since = int(parameters["start"]) / _SECOND
        until = min(int(parameters["end"]) / _SECOND, now)
        newest = int(min(now - self.newest_age, until))
        oldest = max(int(since), newest - int(parameters["limit"]))
        values = [[str(second * _SECOND), f'msg="GET /" at={second}'] for second in range(newest, oldest, -1)]

        nothing = self.empty or parameters["query"] != QUERY or not values
        result = [] if nothing else [{"stream": STREAM, "values": values}]
        return JSONResponse({"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}})
