"""What answers in place of a server that this machine does not have, or that does not start."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from readiness.sandbox.web import Web
from readiness.tools import BY_NAME, find

LINE_LENGTH = 200
"""Characters of the end of a log that a reason quotes."""
METHODS = ("GET", "POST", "PUT", "DELETE")


class ServerFailed(RuntimeError):
    """A server, or what it needs, is not there or does not start; the message is the reason."""


@dataclass
class Absent:
    """A server that is not there: each request is answered 503 with the reason, so that its lines are unknown."""

    name: str
    reason: str
    web: Web = field(init=False)

    def __post_init__(self) -> None:
        """Start to answer."""
        self.web = Web(Starlette(routes=[Route("/{path:path}", self._answer, methods=METHODS)]))

    async def _answer(self, request: Request) -> Response:
        del request
        return PlainTextResponse(self.reason, 503)


def not_here(name: str) -> ServerFailed:
    """Return the error for a tool that was not found."""
    return ServerFailed(f"{name} is not on this machine; run: readiness tools --fetch")


def broken(name: str, why: str) -> ServerFailed:
    """Return the error for a tool that was found and does not do its work."""
    return ServerFailed(f"{name} does not start; readiness tools says where it is: {why}")


def program(name: str) -> str:
    """Return where a tool is. Raises ServerFailed."""
    path = find(BY_NAME[name])
    if path is None:
        raise not_here(name)
    return str(path)


def last_line(text: str) -> str:
    """Return the end of what a tool has said."""
    lines = text.strip().splitlines()
    return lines[-1][-LINE_LENGTH:] if lines else "it says nothing"
