"""Slack as far as the runbooks ask it: channels, members, messages, in small pages. Source: its OpenAPI description."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

ADA, GRACE, LINUS, BOT = "U0ADALOVEL", "U0GRACEHOP", "U0LINUSTOR", "U0READYBOT"
ROLLOUT, WAR_ROOM = "C0ROLLOUT01", "C0WARROOM1"
_MADE = 1_767_000_000
Json = dict[str, Any]


@dataclass
class Room:
    """A channel."""

    name: str
    members: list[str] = field(default_factory=lambda: [ADA, GRACE, LINUS, BOT])
    archived: bool = False
    said: list[Json] = field(default_factory=list)
    """The newest first, as they are answered."""


def _rooms() -> dict[str, Room]:
    names = {
        "C0GENERAL1": "general",
        ROLLOUT: "ingestion-rollout",
        "C0INCIDENT": "incidents",
        "C0CUSTOMER": "customer-team",
        "C0EXECUTIV": "executives",
        WAR_ROOM: "launch-war-room",
    }
    return {place: Room(name) for place, name in names.items()}


@dataclass
class Slack:
    """The workspace; what a fault turns is a plain attribute."""

    token: str = field(default_factory=lambda: f"xoxb-{secrets.token_hex(24)}")
    rooms: dict[str, Room] = field(default_factory=_rooms)
    scopes: set[str] = field(default_factory=lambda: {"channels:read", "groups:read", "channels:history"})
    html: bool = False
    per_page: int = 2

    def application(self) -> Starlette:
        """Return its web application."""
        methods = {
            "list": ("channels:read", self._list),
            "info": ("channels:read", self._info),
            "members": ("channels:read", self._members),
            "history": ("channels:history", self._history),
        }
        return Starlette(
            routes=[
                Route(f"/conversations.{name}", self._guarded(scope, answer))
                for name, (scope, answer) in methods.items()
            ]
        )

    def say(self, place: str, who: str, text: str, at: datetime, **more: Any) -> Json:
        """Post a message in a channel, and return it."""
        said: Json = {"type": "message", "ts": f"{at.timestamp():.6f}", "user": who, "text": text, **more}
        self.rooms[place].said.insert(0, said)
        return said

    def decide(self, at: datetime) -> None:
        """Post the decision on the launch."""
        self.say(ROLLOUT, ADA, ":rocket: *GO* for the launch, all lines are green", at)
        self.say(ROLLOUT, LINUS, "great, see you there", at + timedelta(minutes=1))

    def announce(self, at: datetime) -> Json:
        """Announce the launch, as a bot does it: the text stands in an attachment."""
        text = (
            f"time: {at:%Y-%m-%d %H:%M}Z\n"
            "status: smoke GO, all lines pass\n"
            "test upload: 3 of 3 lines pass\n"
            "monitoring: 9 of 9 lines pass\n"
            "on call: Ada Lovelace, +44 20 7946 0000"
        )
        attachment = {"id": 1, "title": "local launched", "text": text, "fallback": "local launched"}
        self.say(WAR_ROOM, BOT, "", at, bot_id="B0READYBOT", attachments=[dict(attachment)])
        return self.say(ROLLOUT, BOT, "", at, bot_id="B0READYBOT", attachments=[attachment])

    def age(self, passed: timedelta) -> None:
        """Make every message so much older."""
        for room in self.rooms.values():
            for said in room.said:
                said["ts"] = f"{float(said['ts']) - passed.total_seconds():.6f}"

    def _guarded(self, scope: str, answer: Any) -> Any:
        def guarded(request: Request) -> Response:
            if self.html:
                return HTMLResponse("<!doctype html><title>Slack is down</title>")
            if request.headers.get("authorization") != f"Bearer {self.token}":
                return JSONResponse({"ok": False, "error": "invalid_auth"})
            if scope not in self.scopes:
                provided = ",".join(sorted(self.scopes))
                refusal = {"ok": False, "error": "missing_scope", "needed": scope, "provided": provided}
                return JSONResponse(refusal)
            document: Json = answer(request)
            return JSONResponse(document)

        return guarded

    def _room(self, request: Request) -> Room | None:
        return self.rooms.get(request.query_params.get("channel", ""))

    def _list(self, request: Request) -> Json:
        channels = [_conversation(place, room) for place, room in self.rooms.items()]
        return self._page(request, "channels", channels)

    def _info(self, request: Request) -> Json:
        room = self._room(request)
        if room is None:
            return {"ok": False, "error": "channel_not_found"}
        return {"ok": True, "channel": _conversation(request.query_params["channel"], room)}

    def _members(self, request: Request) -> Json:
        room = self._room(request)
        return self._page(request, "members", room.members) if room else {"ok": False, "error": "channel_not_found"}

    def _history(self, request: Request) -> Json:
        room = self._room(request)
        if room is None:
            return {"ok": False, "error": "channel_not_found"}
        if BOT not in room.members:
            return {"ok": False, "error": "not_in_channel"}

        parameters = request.query_params
        since = float(parameters.get("oldest", 0))
        until = float(parameters.get("latest", "inf"))
        messages = [message for message in room.said if since <= float(message["ts"]) <= until]
        page = self._page(request, "messages", messages)
        return {**page, "has_more": bool(page["response_metadata"]["next_cursor"]), "pin_count": 0}

    def _page(self, request: Request, name: str, rows: list[Any]) -> Json:
        first = int(request.query_params.get("cursor") or 0)
        last = first + min(self.per_page, int(request.query_params.get("limit", 100)))
        cursor = str(last) if last < len(rows) else ""
        return {"ok": True, name: rows[first:last], "response_metadata": {"next_cursor": cursor}}


def _conversation(place: str, room: Room) -> Json:
    nothing = {"value": "", "creator": "", "last_set": 0}
    flags = ("is_general", "is_mpim", "is_group", "is_org_shared", "is_im", "is_shared", "is_private")
    return {
        "id": place,
        "name": room.name,
        "name_normalized": room.name,
        "created": _MADE,
        "creator": ADA,
        "is_channel": True,
        "is_archived": room.archived,
        "is_member": BOT in room.members,
        **dict.fromkeys(flags, False),
        "topic": nothing,
        "purpose": nothing,
    }
