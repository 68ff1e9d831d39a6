"""Tinybird as far as the runbooks ask it: two pipes. Source: tinybird.co/docs/api-reference/pipe-api/api-endpoints."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PIPES = {"error_rate": 0.002, "p95": 0.34}
POINTS, STEP = 12, 300


@dataclass
class Tinybird:
    """A workspace with events up to `newest_age` seconds ago."""

    token: str = field(default_factory=lambda: f"p.{secrets.token_urlsafe(32)}")
    newest_age: float = 0.0
    empty: bool = False

    def application(self) -> Starlette:
        """Return its web application."""
        return Starlette(routes=[Route("/v0/pipes/{name}.json", self._pipe)])

    def _pipe(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": "invalid authentication token"}, 403)
        name = request.path_params["name"]
        if name not in PIPES:
            return JSONResponse({"error": f"The pipe '{name}' does not exist"}, 404)
        newest = int(time.time() - self.newest_age)
        moments = [] if self.empty else [newest - STEP * place for place in range(POINTS)]
        rows: list[dict[str, Any]] = [{"at": moment, "value": PIPES[name]} for moment in moments]
        meta = [{"name": "at", "type": "UInt32"}, {"name": "value", "type": "Float64"}]
        statistics = {"elapsed": 0.002, "rows_read": 20_000, "bytes_read": 320_000}
        return JSONResponse({"meta": meta, "data": rows, "rows": len(rows), "statistics": statistics})
