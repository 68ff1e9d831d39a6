"""The hand on the sandbox: launch it, plant faults, mend them.

`PUT /faults/disk-full` plants one fault, `PUT /faults?name=disk-full&name=cpu-busy` several, which wait together;
`DELETE` mends them.
"""

from __future__ import annotations

import secrets
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from readiness.errors import not_one_of
from readiness.sandbox.faults import FAULTS
from readiness.sandbox.target import SandboxTarget
from readiness.sandbox.web import Web


class Control:
    """Plants by name what `readiness.sandbox.faults` knows."""

    def __init__(self, target: SandboxTarget) -> None:
        self._target = target
        self._planted: dict[str, Iterator[None]] = {}
        self._lock = threading.Lock()
        self._token = secrets.token_urlsafe(24)
        routes = [
            Route("/launch", self._launch, methods=["POST"]),
            Route("/age/{days:int}", self._age, methods=["POST"]),
            Route("/variables", self._variables),
            Route("/faults", self._list),
            Route("/faults", self._put, methods=["PUT"]),
            Route("/faults", self._delete, methods=["DELETE"]),
            Route("/faults/{name}", self._put, methods=["PUT"]),
            Route("/faults/{name}", self._delete, methods=["DELETE"]),
        ]
        self.web = Web(Starlette(routes=routes, exception_handlers={Exception: _failed}))

    def variables(self) -> dict[str, str]:
        """Return the target's variables and the way to this hand."""
        own = {"SANDBOX_CONTROL_URL": self.web.url, "SANDBOX_CONTROL_TOKEN": self._token}
        return {**self._target.variables(), **own}

    def plant(self, *names: str) -> None:
        """Break these things at the same time. Raises ValueError for an unknown name."""
        for name in names:
            if name not in FAULTS:
                raise ValueError(f"fault {not_one_of(name, FAULTS)}")
        with self._lock, self._target.monitoring.together():
            if not self._planted:
                self._target.monitoring.forget_missed()
            for name in sorted(names, key=_place):
                if name not in self._planted:
                    planted = FAULTS[name].plant(self._target)
                    next(planted)
                    self._planted[name] = planted

    def mend(self, *names: str) -> None:
        """Make them whole again, the last one first; one that cannot be mended leaves none of the others planted."""
        with self._lock, self._target.monitoring.together(), ExitStack() as all_of_them:
            for name in [name for name in self._planted if name in names]:
                all_of_them.callback(self._mend, name)

    def _mend(self, name: str) -> None:
        for _ in self._planted.pop(name):
            raise ValueError(f"the fault {name} yields twice")

    def _allowed(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self._token}"

    def _launch(self, request: Request) -> Response:
        if not self._allowed(request):
            return JSONResponse({"error": "unauthorized"}, 401)
        self._target.launch()
        return JSONResponse(self.variables())

    def _age(self, request: Request) -> Response:
        if not self._allowed(request):
            return JSONResponse({"error": "unauthorized"}, 401)
        self._target.age(request.path_params["days"])
        return JSONResponse(self.variables())

    def _variables(self, request: Request) -> Response:
        if not self._allowed(request):
            return JSONResponse({}, 401)
        return JSONResponse(self.variables())

    def _list(self, request: Request) -> Response:
        del request
        return JSONResponse({"planted": sorted(self._planted), "known": sorted(FAULTS)})

    def _put(self, request: Request) -> Response:
        return self._change(request, self.plant)

    def _delete(self, request: Request) -> Response:
        return self._change(request, self.mend)

    def _change(self, request: Request, change: object) -> Response:
        if not self._allowed(request) or not callable(change):
            return JSONResponse({"error": "unauthorized"}, 401)
        try:
            change(*request.query_params.getlist("name"), *request.path_params.values())
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 404)
        return JSONResponse({"planted": sorted(self._planted)})


def _place(name: str) -> int:
    """Return when a fault is planted among others that come with it."""
    fault = FAULTS[name]
    if fault.retells:
        return 0
    return 2 if fault.cuts_off else 1


async def _failed(request: Request, error: Exception) -> Response:
    """Return what went wrong, and where: nobody reads a log of the sandbox."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    message = f"{request.method} {asked}: {type(error).__name__}: {error}"
    return PlainTextResponse(f"{message} ({Path(where.filename).name}:{where.lineno} in {where.name})", 500)
