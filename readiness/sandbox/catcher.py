"""Where the sandbox's alerts arrive: it takes what Alertmanager's webhook sends, and shows it to who asks."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEPT = 1000


class Catcher:
    """Takes alerts, and lists those that it has got."""

    def __init__(self) -> None:
        self.away = False
        """Refuse what is sent, as a receiver that is down does."""
        self.denied = False
        """Show nobody what has arrived."""
        self._caught: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def application(self) -> Starlette:
        """Return its web application."""
        return Starlette(
            routes=[Route("/webhook", self._take, methods=["POST"]), Route("/alerts", self._list, methods=["GET"])]
        )

    async def _take(self, request: Request) -> Response:
        if self.away:
            return JSONResponse({"error": "unavailable"}, 503)
        content = await request.json()
        with self._lock:
            self._caught.extend(content.get("alerts", []))
        return JSONResponse({})

    def _list(self, request: Request) -> Response:
        del request
        if self.denied:
            return JSONResponse({"error": "forbidden"}, 403)
        with self._lock:
            return JSONResponse(list(self._caught))


def routing(url: str) -> dict[str, Any]:
    """Configure Alertmanager so that every alert reaches the catcher at once."""
    webhook = {"url": f"{url}/webhook", "send_resolved": True}
    return {
        "route": {
            "receiver": "catcher",
            "group_by": ["..."],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "catcher", "webhook_configs": [webhook]}, {"name": "nobody"}],
    }
