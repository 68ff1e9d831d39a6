"""Discord as far as the runbooks ask it: one server and its channels. Source: its OpenAPI description."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

GUILD, OPERATIONS, CREW = "1100000000000000001", "1100000000000000020", "1100000000000000030"
OWNER, MEMBER, GUEST, STRANGER = (f"120000000000000000{number}" for number in range(4))
SEES = 1 << 10
Json = dict[str, Any]


def _channels() -> list[Json]:
    hidden = [
        {"id": GUILD, "type": 0, "allow": "0", "deny": str(SEES)},
        {"id": CREW, "type": 0, "allow": str(SEES), "deny": "0"},
    ]
    return [
        {"id": "1100000000000000010", "type": 4, "name": "Launch", "permission_overwrites": []},
        {"id": OPERATIONS, "type": 0, "name": "operations", "permission_overwrites": hidden},
        {"id": "1100000000000000021", "type": 2, "name": "operations voice", "permission_overwrites": []},
    ]


@dataclass
class Discord:
    """The server; what a fault turns is a plain attribute."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    channels: list[Json] = field(default_factory=_channels)
    members: dict[str, list[str]] = field(default_factory=lambda: {OWNER: [], MEMBER: [CREW], GUEST: []})
    """Person → their roles."""
    said: list[Json] = field(default_factory=list)
    """The newest first."""

    def application(self) -> Starlette:
        """Return its web application."""
        paths = {
            "/guilds/{guild}": self._guild,
            "/guilds/{guild}/channels": self._list,
            "/guilds/{guild}/members/{person}": self._member,
            "/channels/{channel}/messages": self._messages,
        }
        return Starlette(routes=[Route(path, self._guarded(answer)) for path, answer in paths.items()])

    def say(
        self, number: int, who: str, content: str, at: str, embeds: list[Json] | None = None, *, bot: bool = False
    ) -> None:
        """Post a message; the number makes its id."""
        author = {"id": who, "username": f"person {who[-1]}", "discriminator": "0", "avatar": None, "bot": bot}
        message = {"id": str(number), "channel_id": OPERATIONS, "author": author, "content": content, "timestamp": at}
        self.said.insert(0, {**message, "embeds": embeds or [], "attachments": [], "type": 0})

    def _guarded(self, answer: Any) -> Any:
        def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bot {self.token}":
                return JSONResponse({"message": "401: Unauthorized", "code": 0}, 401)
            if request.path_params.get("guild", GUILD) != GUILD:
                return JSONResponse({"message": "Unknown Guild", "code": 10004}, 404)
            response: Response = answer(request)
            return response

        return guarded

    def _guild(self, request: Request) -> Response:
        del request
        roles = [
            {"id": GUILD, "name": "@everyone", "permissions": str(SEES), "position": 0},
            {"id": CREW, "name": "crew", "permissions": "0", "position": 1},
        ]
        return JSONResponse({"id": GUILD, "name": "sandbox", "owner_id": OWNER, "roles": roles})

    def _list(self, request: Request) -> Response:
        del request
        return JSONResponse(
            [
                {**channel, "flags": 0, "guild_id": GUILD, "position": place}
                for place, channel in enumerate(self.channels)
            ]
        )

    def _member(self, request: Request) -> Response:
        person = request.path_params["person"]
        if person not in self.members:
            return JSONResponse({"message": "Unknown Member", "code": 10007}, 404)
        return JSONResponse({"user": {"id": person, "username": "somebody"}, "roles": self.members[person]})

    def _messages(self, request: Request) -> Response:
        before, limit = int(request.query_params["before"]), int(request.query_params["limit"])
        earlier = [message for message in self.said if int(message["id"]) < before]
        return JSONResponse(earlier[:limit])
