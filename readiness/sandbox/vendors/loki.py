"""Loki as far as the runbooks ask it: the front writes a line every second, and they arrive here.

Source: grafana.com/docs/loki/latest/reference/loki-http-api, GET /loki/api/v1/query_range and /loki/api/v1/query. As
Loki does from 3.1 on it has `detected_level` among the labels of an answer's streams, although it is no label of a
stream: lines of one stream that differ in it come as two.
"""

from __future__ import annotations

import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

_SECOND = 1_000_000_000
STREAM = {"app": "front", "service_name": "front"}
QUERY = '{app="front"}'
_DETECTED = "detected_level"
_OF_LEVELS = re.compile(rf'(?P<query>{{[^}}]*}})( \| {_DETECTED}=~"(?P<levels>[^"]+)")?')
_BY_LEVEL = re.compile(rf"sum by \({_DETECTED}\) \(count_over_time\((?P<query>{{[^}}]*}}) \[(?P<seconds>[0-9]+)s\]\)\)")


@dataclass
class Loki:
    """One tenant with one stream."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    tenant: str = "sandbox"
    newest_age: float = 0.0
    """Seconds since the newest line arrived."""
    levels: Mapping[str, Callable[[int], bool]] = field(default_factory=lambda: {"info": lambda _: True})
    """Level → whether the line of a second has it; the first that fits. Of no level Loki says nothing."""
    empty: bool = False
    html: bool = False
    status: int = 200

    def application(self) -> Starlette:
        """Return its web application."""
        routes = [Route("/loki/api/v1/query_range", self._query_range), Route("/loki/api/v1/query", self._query)]
        return Starlette(routes=routes)

    def _query_range(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal

        parameters = request.query_params
        asked = _OF_LEVELS.fullmatch(parameters["query"])
        if not asked:
            return _parse_error()
        wanted = re.compile(asked["levels"] or ".*")
        seconds = self._seconds(asked["query"], int(parameters["start"]) / _SECOND, int(parameters["end"]) / _SECOND)
        fitting = [second for second in seconds if wanted.fullmatch(self._level(second))]

        by_level: dict[str, list[list[str]]] = {}
        for second in fitting[: int(parameters["limit"])]:
            line = [str(second * _SECOND), f'msg="GET /" at={second}']
            by_level.setdefault(self._level(second), []).append(line)
        result: list[dict[str, Any]] = [
            {"stream": STREAM | _label(level), "values": values} for level, values in by_level.items()
        ]
        return _success("streams", result)

    def _query(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal

        counted = _BY_LEVEL.fullmatch(request.query_params["query"])
        if not counted:
            return _parse_error()
        at = int(request.query_params["time"]) / _SECOND
        counts = Counter(
            self._level(second) for second in self._seconds(counted["query"], at - int(counted["seconds"]), at)
        )
        return _success("vector", [{"metric": _label(level), "value": [at, str(n)]} for level, n in counts.items()])

    def _refusal(self, request: Request) -> Response | None:
        if self.html:
            return HTMLResponse("<!doctype html><title>Sign in</title>")
        if self.status != 200:  # noqa: PLR2004  the status of HTTP
            return PlainTextResponse("too many outstanding requests", self.status)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return PlainTextResponse("no credentials provided", 401)
        if request.headers.get("x-scope-orgid") != self.tenant:
            return PlainTextResponse("no org id", 401)
        return None

    def _seconds(self, query: str, since: float, until: float) -> range:
        """Return the seconds of which a query finds a line, the newest first."""
        newest = int(min(time.time() - self.newest_age, until))
        return range(0) if self.empty or query != QUERY else range(newest, int(since), -1)

    def _level(self, second: int) -> str:
        return next((level for level, has in self.levels.items() if has(second)), "")


def _label(level: str) -> dict[str, str]:
    return {_DETECTED: level} if level else {}


def _parse_error() -> Response:
    return PlainTextResponse("parse error: this stand-in knows no more of LogQL than the suite asks", 400)


def _success(kind: str, result: list[dict[str, Any]]) -> Response:
    return JSONResponse({"status": "success", "data": {"resultType": kind, "result": result, "stats": {}}})
