"""What the vendors that watch the sandbox tell of it, as far as it does not move by itself."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.sandbox.visitor import Visitor

PATHS = {
    "GRAFANA": (
        *("/api/search", "/api/datasources"),
        *(f"/api/dashboards/uid/{uid}" for uid in ("ingestion", "real-time", "database", "users", "errors")),
    ),
    "SENTRY": (
        "/api/0/projects/sandbox/shop/",
        *(f"/api/0/organizations/sandbox/{part}/" for part in ("detectors", "workflows")),
        "/api/0/organizations/sandbox/issues/?expand=integrationIssues",
        "/api/0/organizations/sandbox/events/?field=count()",
    ),
}
STALE_SECONDS = 60


def watched(visitor: Visitor) -> dict[str, Any]:
    seen = {path: _asked(visitor, name, path) for name, paths in PATHS.items() for path in paths}
    outcomes = _asked(visitor, "SENTRY", "/api/0/organizations/sandbox/stats_v2/")
    page = visitor.http.get(f"{visitor.sandbox.variables['SANDBOX_FRONT_URL']}/metrics").text
    return seen | {
        "outcomes": outcomes["groups"] if isinstance(outcomes, dict) else outcomes,
        "front": sorted({line.partition("{")[0].partition(" ")[0] for line in page.splitlines()}),
        "logs": _logs(visitor),
        "analytics": _analytics(visitor),
    }


def _asked(visitor: Visitor, name: str, path: str, **headers: str) -> Any:
    known = visitor.sandbox.variables
    bearer = {"Authorization": f"Bearer {known[f'SANDBOX_{name}_TOKEN']}"}
    try:
        found = visitor.http.get(known[f"SANDBOX_{name}_URL"] + path, headers=bearer | headers)
    except httpx.HTTPError as error:
        return type(error).__name__
    plain = found.headers.get("content-type", "").startswith("application/json") and found.is_success
    return found.json() if plain else [found.status_code, found.text]


def _logs(visitor: Visitor) -> Any:
    now = time.time()
    words = f"query=%7Bapp%3D%22front%22%7D&limit=5&start={now - 3600:.0f}000000000&end={now:.0f}000000000"
    found = _asked(visitor, "LOKI", f"/loki/api/v1/query_range?{words}", **{"X-Scope-OrgID": "sandbox"})
    if not isinstance(found, dict):
        return found
    newest = [float(stream["values"][0][0]) / 1e9 for stream in found["data"]["result"]]
    return [now - at > STALE_SECONDS for at in newest]


def _analytics(visitor: Visitor) -> Any:
    found = _asked(visitor, "TINYBIRD", "/v0/pipes/p95.json")
    return [time.time() - row["at"] > STALE_SECONDS for row in found["data"]] if isinstance(found, dict) else found
