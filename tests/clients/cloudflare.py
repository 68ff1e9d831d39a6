"""Cloudflare's API as far as a reading and a service level ask it: D1 over a real SQLite, and analytics of a zone."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.clients.servers import Asked, Server, whole

TOKEN = "cloudflare-token-of-a-test"
D1 = "/client/v4/accounts/a/d1/database/b/query"
GRAPHQL = "/client/v4/graphql"


@dataclass
class Cloudflare:
    """Events of a zone (moment, status, milliseconds), and a database."""

    events: list[tuple[datetime, int, float]] = field(default_factory=list)
    has_quantiles: bool = True
    _database: sqlite3.Connection = field(
        default_factory=lambda: sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, script: str) -> None:
        """Prepare the database."""
        self._database.executescript(script)

    def __call__(self, server: Server, connection: socket.socket, asked: Asked) -> None:
        """Answer one request."""
        status, answer = self._answer(asked)
        whole(status, json.dumps(answer), {"Content-Type": "application/json"})(server, connection, asked)

    def _answer(self, asked: Asked) -> tuple[int, Any]:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return 403, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}
        content = json.loads(asked.body)
        if asked.method == "POST" and asked.path == D1:
            return self._d1(content["sql"], content.get("params", []))
        if asked.method == "POST" and asked.path == GRAPHQL:
            return 200, self._analytics(content["query"], content["variables"])
        return 404, {"success": False, "errors": [{"code": 7003, "message": "no route"}]}

    def _d1(self, sql: str, parameters: list[Any]) -> tuple[int, Any]:
        try:
            with self._lock:
                cursor = self._database.execute(sql, parameters)
                names = [column[0] for column in cursor.description or ()]
                rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except sqlite3.Error as error:
            told = [{"code": 7500, "message": str(error)}]
            return 400, {"success": False, "errors": told, "messages": [], "result": []}
        meta = {"changed_db": not cursor.description, "changes": 0, "duration": 0.2, "rows_read": len(rows)}
        result = [{"success": True, "meta": meta, "results": rows}]
        return 200, {"success": True, "errors": [], "messages": [], "result": result}

    def _analytics(self, query: str, variables: dict[str, Any]) -> Any:
        if "quantiles" in query and not self.has_quantiles:
            message = "zone does not have access to the path"
            return {"data": None, "errors": [{"message": message, "extensions": {"code": "authz"}}]}
        begins, until = (datetime.fromisoformat(variables[name]) for name in ("from", "until"))
        floor = variables.get("statusAtLeast", 0)
        within = [event for event in self.events if begins <= event[0] < until and event[1] >= floor]
        milliseconds = sorted(event[2] for event in within)
        groups = []
        if within:
            p95 = milliseconds[min(len(milliseconds) - 1, int(len(milliseconds) * 0.95))]
            groups = [{"count": len(within), "quantiles": {"edgeTimeToFirstByteMsP95": p95}}]
        return {"data": {"viewer": {"zones": [{"httpRequestsAdaptiveGroups": groups}]}}, "errors": None}
