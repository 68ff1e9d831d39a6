"""The sandbox's dashboards: each kind of panel that a real one may have."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
PROMETHEUS = {"type": "prometheus", "uid": "sandbox-prometheus"}
POSTGRES = {"type": "grafana-postgresql-datasource", "uid": "sandbox-postgres"}
SOURCES: list[Json] = [
    {**PROMETHEUS, "name": "Prometheus", "isDefault": True},
    {**POSTGRES, "name": "PostgreSQL", "isDefault": False},
]
SHARED = "shared-errors"
MAIN, REAL_TIME, DATABASE, USERS, ERRORS = "ingestion", "real-time", "database", "users", "errors"
NAMES = {
    "main": MAIN,
    "real-time metrics": REAL_TIME,
    "database performance": DATABASE,
    "user activity": USERS,
    "error tracking": ERRORS,
}


def dashboards() -> dict[str, Json]:
    """Return all of them by uid, as new."""
    listed = [_main(), _real_time(), _database(), _users(), _errors()]
    return {model["uid"]: {"id": place, **model} for place, model in enumerate(listed, 1)}


def library() -> dict[str, Json]:
    """Return the panels that dashboards share, by uid."""
    shared = _panel(0, "Server errors", _prometheus('sum(rate(http_requests_total{code="500"}[$__rate_interval]))'))
    return {SHARED: shared}


def _dashboard(uid: str, title: str, *panels: Json, since: str = "now-24h", **more: Any) -> Json:
    numbered = [{**panel, "id": place} for place, panel in enumerate(panels, 1)]
    return {
        "uid": uid,
        "title": title,
        "schemaVersion": 39,
        "version": 1,
        "timezone": "utc",
        "tags": [],
        "time": {"from": since, "to": "now"},
        "refresh": "30s",
        "panels": numbered,
        **more,
    }


def _panel(number: int, title: str, *targets: Json, kind: str = "timeseries", source: Any = PROMETHEUS) -> Json:
    named = [{"refId": chr(ord("A") + place), **target} for place, target in enumerate(targets)]
    return {"id": number, "type": kind, "title": title, "datasource": source, "targets": named}


def _prometheus(expression: str, **more: Any) -> Json:
    return {"expr": expression, "datasource": PROMETHEUS, **more}


def _sql(text: str, **more: Any) -> Json:
    return {"rawSql": text, "format": "table", "datasource": POSTGRES, **more}


def _main() -> Json:
    """Make one with a row that is folded, a note, a library panel, and a panel of two data sources."""
    inner = [_panel(21, "Up since", _prometheus("process_start_time_seconds", instant=True), kind="stat")]
    row = {"type": "row", "title": "The machine", "collapsed": True, "panels": inner}
    note = {"type": "text", "title": "Read me", "options": {"content": "The runbook: section 1.3"}}
    mixed = _panel(
        *(0, "Uploads and requests"),
        _sql("select count(*)::int as uploads from data_uploads"),
        _prometheus("sum(rate(http_requests_total[$__rate_interval]))"),
        source={"type": "datasource", "uid": "-- Mixed --"},
    )
    shared = {"type": "library-panel-ref", "title": "Server errors", "libraryPanel": {"uid": SHARED, "name": "Errors"}}
    return _dashboard(MAIN, "Ingestion", note, mixed, shared, row)


def _real_time() -> Json:
    """Make one with variables: one of several values, and one of all; a query that is hidden; the default source."""
    codes = {
        "name": "code",
        "type": "custom",
        "query": "200,429,500",
        "multi": True,
        "current": {"text": ["200", "429"], "value": ["200", "429"]},
    }
    paths = {"name": "path", "type": "query", "includeAll": True, "current": {"text": "All", "value": "$__all"}}
    by_code = _prometheus('sum by (code) (rate(http_requests_total{code=~"$code", path=~"${path:regex}"}[5m]))')
    hidden = _prometheus("no_such_metric", hide=True)
    cached = _prometheus('rate(cache_requests_total{result="hit"}[5m])')
    return _dashboard(
        *(REAL_TIME, "Real-time metrics"),
        _panel(0, "Requests for $code", by_code, hidden),
        _panel(0, "Cache hits", cached, source=None),  # the default data source
        since="now-1h",
        templating={"list": [codes, paths]},
    )


def _database() -> Json:
    sessions = _sql("select count(*)::int as sessions from pg_stat_activity")
    return _dashboard(
        *(DATABASE, "Database performance"),
        _panel(0, "CPU", _prometheus("database_cpu_share")),
        _panel(0, "Sessions", sessions, kind="table", source="PostgreSQL"),  # by name, as it was of old
        since="now-6h",
    )


def _users() -> Json:
    logins = _prometheus('sum(rate(business_events_total{event="login"}[$__rate_interval]))')
    return _dashboard(USERS, "User activity", _panel(0, "Logins", logins))


def _errors() -> Json:
    return _dashboard(
        *(ERRORS, "Error tracking"),
        _panel(0, "By code", _prometheus('sum by (code) (increase(http_requests_total{code!="200"}[$__range]))')),
        since="now-1d",
    )
