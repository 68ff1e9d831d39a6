"""Sentry as far as the runbooks ask it: one project, with a few issues and two alerts.

Source: its OpenAPI description. An `older` one has the alert rules of before 2026 and no monitors.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from readiness.sandbox.vendors import sentry_records as records

_ORGANIZATION = "/api/0/organizations/{organization}"
_PROJECT = "/api/0/projects/{organization}/{project}"
_SPAN = re.compile(r"([0-9]+)([smhdw])$")
_SINCE = re.compile(r"firstSeen:-([0-9]+[smhdw])")
_LEVELS = re.compile(r"level:\[([^\]]*)\]")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
Json = dict[str, Any]


@dataclass
class Sentry:
    """The organisation; what a fault turns is a plain attribute."""

    token: str = field(default_factory=lambda: f"sntryu_{secrets.token_hex(32)}")
    issues: list[records.Seen] = field(default_factory=records.healthy)
    errors_lately: int = 3
    """Error events of the last hour."""
    dropped: dict[str, int] = field(default_factory=dict)
    first_event: bool = True
    detectors: list[Json] = field(default_factory=records.detectors)
    workflows: list[Json] = field(default_factory=records.workflows)
    older: bool = False
    html: bool = False
    per_page: int = 100

    def application(self) -> Starlette:
        """Return its web application."""
        listed = {
            f"{_ORGANIZATION}/": lambda _: JSONResponse(records.organization()),
            f"{_ORGANIZATION}/issues/": self._issues,
            f"{_ORGANIZATION}/events/": self._events,
            f"{_ORGANIZATION}/stats_v2/": self._stats,
            f"{_ORGANIZATION}/detectors/": lambda request: self._newer(request, self.detectors),
            f"{_ORGANIZATION}/workflows/": lambda request: self._newer(request, self.workflows),
            f"{_ORGANIZATION}/alert-rules/": lambda request: self._past(request, records.metric_rules()),
            f"{_PROJECT}/rules/": lambda request: self._past(request, records.issue_rules()),
            f"{_PROJECT}/": lambda _: JSONResponse(records.project(self.first_event)),
        }
        return Starlette(routes=[Route(path, self._guarded(answer)) for path, answer in listed.items()])

    def _guarded(self, answer: Any) -> Any:
        def guarded(request: Request) -> Response:
            if self.html:
                return HTMLResponse("<!doctype html><title>Sign in | Sentry</title>")
            if request.headers.get("authorization") != f"Bearer {self.token}":
                return JSONResponse({"detail": "Invalid token"}, 401)
            expected = {"organization": records.ORGANIZATION, "project": records.PROJECT}
            if any(expected[name] != given for name, given in request.path_params.items()):
                return JSONResponse({"detail": "The requested resource does not exist"}, 404)
            response: Response = answer(request)
            return response

        return guarded

    def _page(self, request: Request, rows: list[Json]) -> Response:
        """Answer one page, and tell in the Link header whether there is another."""
        first = int(request.query_params.get("cursor", "0:0:0").split(":")[1])
        last = first + min(self.per_page, int(request.query_params.get("limit", 100)))
        before, after = str(first > 0).lower(), str(last < len(rows)).lower()
        links = (
            f'<{request.url}>; rel="previous"; results="{before}"; cursor="0:0:1", '
            f'<{request.url}>; rel="next"; results="{after}"; cursor="0:{last}:0"'
        )
        return JSONResponse(rows[first:last], headers={"Link": links})

    def _issues(self, request: Request) -> Response:
        parameters = request.query_params
        now = datetime.now(UTC)
        query = parameters.get("query", "is:unresolved")
        since = _SINCE.search(query)
        levels = _LEVELS.search(query)
        period = _span(parameters.get("statsPeriod", "14d"))

        def is_asked_for(issue: records.Seen) -> bool:
            if now - issue.last > period:
                return False
            if since and now - issue.first > _span(since[1]):
                return False
            if levels and issue.level not in levels[1].split(","):
                return False
            return parameters.get("environment", issue.environment) == issue.environment

        expanded = set(parameters.getlist("expand"))
        issues = [issue for issue in self.issues if is_asked_for(issue)]
        return self._page(request, [records.issue(place, issue, expanded) for place, issue in enumerate(issues, 1)])

    def _events(self, request: Request) -> Response:
        meta = {"fields": {"count()": "integer"}, "units": {"count()": None}, "dataset": "errors"}
        return JSONResponse({"data": [{request.query_params["field"]: self.errors_lately}], "meta": meta})

    def _stats(self, request: Request) -> Response:
        del request
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        name = "sum(quantity)"
        counts = {"accepted": self.errors_lately, "filtered": 2, **self.dropped}
        groups = [
            {"by": {"outcome": outcome}, "totals": {name: count}, "series": {name: [count]}}
            for outcome, count in counts.items()
        ]
        start, end = (now - timedelta(hours=1)).isoformat(), now.isoformat()
        return JSONResponse({"start": start, "end": end, "intervals": [start], "groups": groups})

    def _newer(self, request: Request, rows: list[Json]) -> Response:
        if self.older:
            return JSONResponse({"detail": "The requested resource does not exist"}, 404)
        return self._page(request, rows)

    def _past(self, request: Request, rows: list[Json]) -> Response:
        if not self.older:
            return JSONResponse({"detail": "This endpoint is gone"}, 410)
        return self._page(request, rows)


def _span(text: str) -> timedelta:
    match = _SPAN.match(text)
    if match is None:
        return timedelta(days=14)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
