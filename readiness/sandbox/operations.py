"""The operators' hand on the sandbox's service: the kill switch, deployments, the object store, announcements.

A platform has such an interface for its operators; drills go through it as they would through Vercel's or a script.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from readiness.sandbox.front import Front
from readiness.sandbox.service import RELEASES, REVISION, Service
from readiness.sandbox.web import Web

DEPLOY_SECONDS = 0.4


@dataclass
class Operations:
    """What operators do, and what a fault makes of it."""

    service: Service
    front: Front
    storage_web: Web
    token: str = field(default_factory=lambda: f"ops_{secrets.token_urlsafe(24)}")
    announced: list[dict[str, Any]] = field(default_factory=list)
    deploy_seconds: float = DEPLOY_SECONDS
    deploys_instead: str = ""
    """The version that a deployment brings, whatever was asked for."""
    aborts_uploads: bool = False
    """Switching off ends what is in flight."""
    tells_monitoring: bool = True
    """The metrics show that the object store is away."""
    deployments: list[threading.Thread] = field(default_factory=list)
    _called_off: threading.Event = field(default_factory=threading.Event)
    _storage_up: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def application(self) -> Starlette:
        """Return its web application."""
        routes = {"/switch": self._switch, "/deploy": self._deploy, "/storage": self._storage, "/tell": self._tell}
        return Starlette(routes=[Route(path, self._checked(do), methods=["POST"]) for path, do in routes.items()])

    def _checked(self, do: Callable[[dict[str, Any]], Response]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self.token}":
                return JSONResponse({"error": "unauthorized"}, 401)
            return await run_in_threadpool(do, await request.json())

        return answer

    def _switch(self, asked: dict[str, Any]) -> Response:
        enabled = asked.get("enabled") is True
        self.service.plant.configuration.change(INGESTION_ENABLED="true" if enabled else "false")
        self.service.plant.log.write("state_change", switch="INGESTION_ENABLED", to_state=str(enabled).lower())
        if not enabled and self.aborts_uploads:
            self.service.plant.database.rows(
                "update data_uploads set status = 'failed', error_code = 'aborted', completed_at = now()"
                " where status in ('processing', 'promoting')"
            )
        return JSONResponse({"enabled": enabled})

    def _deploy(self, asked: dict[str, Any]) -> Response:
        revision = self.deploys_instead or str(asked.get("revision"))
        if revision not in RELEASES:
            return JSONResponse({"error": "unknown_revision", "known": sorted(RELEASES)}, 404)
        self.deployments.append(threading.Thread(target=self._bring, args=(revision,), daemon=True))
        self.deployments[-1].start()
        return JSONResponse({"deploying": revision}, 202)

    def _bring(self, revision: str) -> None:
        """Start the other version: for its last half the service is not healthy. One that is called off brings none."""
        half = self.deploy_seconds / 2
        if self._called_off.wait(half):
            return
        with self._lock:
            before, self.service.health_status = self.service.health_status, 503
            is_called_off = self._called_off.wait(half)
            self.service.health_status = before
            if not is_called_off:
                self.service.revision = revision

    def as_at_the_beginning(self) -> None:
        """Call off the deployments that are under way, and serve the first version again."""
        self._called_off.set()
        while self.deployments:
            self.deployments.pop().join()
        self._called_off.clear()
        self.service.revision = REVISION

    def _storage(self, asked: dict[str, Any]) -> Response:
        up = asked.get("up") is True
        with self._lock:
            if up and not self._storage_up:
                self.storage_web.restart()
            elif not up and self._storage_up:
                self.storage_web.stop()
            self._storage_up = up
            self.front.storage_up = up or not self.tells_monitoring
        return JSONResponse({"up": up})

    def _tell(self, asked: dict[str, Any]) -> Response:
        self.announced.append(asked)
        return JSONResponse({"announced": len(self.announced)}, 201)
