"""Grafana as far as the runbooks ask it; its panels ask the sandbox's own Prometheus and PostgreSQL.

Source: its OpenAPI description, and for the frames of an answer
grafana.com/developers/plugin-tools/key-concepts/data-frames.
"""

from __future__ import annotations

import json
import re
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import psycopg
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from readiness.sandbox.database import Database
from readiness.sandbox.vendors.grafana_alerting import Alerting
from readiness.sandbox.vendors.grafana_dashboards import SOURCES, dashboards, library

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_BACK = re.compile(r"now(?:-([0-9]+)([smhd]))?$")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_OK, _IN_PART, _BAD, _AWAY = 200, 207, 400, 503
Json = dict[str, Any]


@dataclass
class Grafana:
    """The server; what a fault turns is a plain attribute."""

    prometheus_url: str
    database: Database
    token: str = field(default_factory=lambda: f"glsa_{secrets.token_urlsafe(24)}")
    dashboards: dict[str, Json] = field(default_factory=dashboards)
    """Uid → model."""
    hidden: set[str] = field(default_factory=set)
    """Uids that the service account may not see."""
    html: bool = False
    alerting: Alerting = field(default_factory=Alerting)

    def application(self) -> Starlette:
        """Return its web application."""
        return Starlette(
            routes=[
                Route("/api/search", self._search),
                Route("/api/dashboards/uid/{uid}", self._dashboard),
                Route("/api/library-elements/{uid}", self._library),
                Route("/api/datasources", self._sources),
                Route("/api/ds/query", self._query, methods=["POST"]),
                Route("/api/v1/provisioning/alert-rules", self._kept),
                Route("/api/v1/provisioning/contact-points", self._kept),
                Route("/api/v1/provisioning/policies", self._kept),
                Route("/api/prometheus/grafana/api/v1/rules", self._kept),
            ]
        )

    def panel(self, uid: str, title: str) -> Json:
        """Find a panel, to change it."""
        model = self.dashboards[uid]
        inner = [each for row in model["panels"] for each in (row, *row.get("panels", []))]
        panel: Json = next(each for each in inner if each.get("title") == title)
        return panel

    def _refused(self, request: Request) -> Response | None:
        if self.html:
            return HTMLResponse("<!doctype html><title>Grafana</title><h1>Sign in</h1>")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"message": "Invalid API key"}, 401)
        return None

    def _search(self, request: Request) -> Response:
        hits = [
            {
                "id": place,
                "uid": uid,
                "title": model["title"],
                "type": "dash-db",
                "tags": [],
                "uri": f"db/{uid}",
                "url": f"/d/{uid}/{uid}",
                "slug": "",
                "isStarred": False,
            }
            for place, (uid, model) in enumerate(self.dashboards.items(), 1)
            if uid not in self.hidden
        ]
        limit = int(request.query_params.get("limit", 1000))
        return self._refused(request) or JSONResponse(hits[:limit])

    def _dashboard(self, request: Request) -> Response:
        uid = request.path_params["uid"]
        refused = self._refused(request)
        if refused:
            return refused
        if uid not in self.dashboards:
            return JSONResponse({"message": "Dashboard not found"}, 404)
        if uid in self.hidden:
            return JSONResponse({"message": "You'll need additional permissions to perform this action."}, 403)
        meta = {"type": "db", "canSave": False, "slug": uid, "url": f"/d/{uid}/{uid}", "version": 1, "isFolder": False}
        return JSONResponse({"meta": meta, "dashboard": self.dashboards[uid]})

    def _library(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused:
            return refused

        uid = request.path_params["uid"]
        model = library().get(uid)
        if not model:
            return JSONResponse({"message": "library element could not be found"}, 404)
        return JSONResponse({"result": {"uid": uid, "kind": 1, "model": model}})

    def _sources(self, request: Request) -> Response:
        sources = [
            {
                "id": place,
                "orgId": 1,
                **source,
                "access": "proxy",
                "url": "",
                "user": "",
                "database": "",
                "basicAuth": False,
                "jsonData": {},
                "readOnly": True,
            }
            for place, source in enumerate(SOURCES, 1)
        ]
        return self._refused(request) or JSONResponse(sources)

    def _kept(self, request: Request) -> Response:
        """Answer what is kept of the alerting."""
        if self.alerting.denied:
            message = "You'll need additional permissions to perform this action. Permissions needed: alert.rules:read"
            return JSONResponse({"message": message}, 403)
        answers = {
            "alert-rules": self.alerting.rules,
            "contact-points": self.alerting.contact_points,
            "policies": self.alerting.policies,
            "rules": self.alerting.evaluated(),
        }
        return self._refused(request) or JSONResponse(answers[request.url.path.rpartition("/")[2]])

    async def _query(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused:
            return refused
        asked = await request.json()
        return await run_in_threadpool(self._answer, asked)

    def _answer(self, asked: Json) -> Response:
        """Answer every query; those that fail say so each, and the status says that some did."""
        now = time.time()
        since, until = _instant(asked["from"], now), _instant(asked["to"], now)
        results: Json = {}
        for query in asked["queries"]:
            try:
                frames = self._frames(query, since, until)
                results[query["refId"]] = {"status": _OK, "frames": frames}
            except _QueryError as error:
                if error.status == _AWAY:  # of the sandbox, which is without a Prometheus then
                    return JSONResponse({"message": str(error)}, _AWAY)
                results[query["refId"]] = {"status": error.status, "error": str(error), "frames": []}
        failed = any("error" in result for result in results.values())
        return JSONResponse({"results": results}, _IN_PART if failed else _OK)

    def _frames(self, query: Json, since: float, until: float) -> list[Json]:
        source = query["datasource"]["uid"]
        if source == "sandbox-postgres":
            try:
                with self.database.fresh() as connection:  # of this question alone: none stays open
                    return [_table(query["refId"], connection.execute(query["rawSql"].encode()).fetchall())]
            except psycopg.Error as error:
                raise _QueryError(_BAD, f"db query error: {error}") from None
        if source != "sandbox-prometheus":
            raise _QueryError(404, "data source not found")
        points = int(query.get("maxDataPoints", 100))
        step = max(int(query.get("intervalMs", 1000)) / 1000, (until - since) / points)
        expression = str(query["expr"]).replace("$__rate_interval", "5m").replace("$__range", f"{until - since:.0f}s")
        parameters = {"query": expression, "start": since, "end": until, "step": step}
        if query.get("instant"):
            parameters = {"query": expression, "time": until}
        path = "query" if query.get("instant") else "query_range"
        return [_frame(query["refId"], series) for series in self._ask(path, parameters)]

    def _ask(self, path: str, parameters: Json) -> list[Json]:
        try:
            url = f"{self.prometheus_url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
            with _DIRECT.open(url, timeout=10) as answer:
                series: list[Json] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise _QueryError(error.code, error.read().decode("utf-8", "replace")) from None
        except OSError as error:
            raise _QueryError(502, f"Post: {error}") from None
        return series


class _QueryError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _instant(text: str, now: float) -> float:
    match = _BACK.match(text)
    if not match:
        return float(text) / 1000
    if not match[1]:
        return now
    return now - int(match[1]) * _SECONDS[match[2]]


def _frame(name: str, series: Json) -> Json:
    """Write a series of Prometheus as a frame; what is no number becomes null."""
    points = series.get("values") or [series["value"]]
    values = [None if text in {"NaN", "+Inf", "-Inf"} else float(text) for _, text in points]
    fields = [
        {"name": "Time", "type": "time", "typeInfo": {"frame": "time.Time"}},
        {"name": "Value", "type": "number", "typeInfo": {"frame": "float64"}, "labels": series["metric"]},
    ]
    schema = {"refId": name, "meta": {"type": "timeseries-multi"}, "fields": fields}
    return {"schema": schema, "data": {"values": [[round(float(at) * 1000) for at, _ in points], values]}}


def _table(name: str, rows: list[Json]) -> Json:
    columns = list(rows[0]) if rows else []
    fields = [{"name": column, "type": "number"} for column in columns]
    return {
        "schema": {"refId": name, "fields": fields},
        "data": {"values": [[row[column] for row in rows] for column in columns]},
    }
