"""PagerDuty as far as the runbooks ask it: who is on call, two escalation policies, how users are reached.

Source: its OpenAPI description, GET /oncalls, /escalation_policies/{id}, /users/{id}/contact_methods.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MAIN, SECURITY = "PSHOP01", "PSAFE01"
ADA, GRACE, EDSGER = "PADA001", "PGRACE1", "PEDSGER"
USERS = {ADA: "Ada Lovelace", GRACE: "Grace Hopper", EDSGER: "Edsger Dijkstra"}
Json = dict[str, Any]


@dataclass
class Shift:
    """Who has a level, and for how long; None for good."""

    level: int
    user: str
    start: datetime | None = None
    end: datetime | None = None


def shifts(handover: datetime) -> list[Shift]:
    """Return a week of two people who take turns, and a third who is always asked last."""
    week = timedelta(days=7)
    return [
        Shift(1, ADA, handover - week, handover),
        Shift(1, GRACE, handover, handover + week),
        Shift(2, GRACE, handover - week, handover),
        Shift(2, ADA, handover, handover + week),
        Shift(3, EDSGER),
    ]


@dataclass
class PagerDuty:
    """The account; what a fault turns is a plain attribute."""

    shifts: list[Shift]
    token: str = field(default_factory=lambda: f"u+{secrets.token_urlsafe(15)}")
    minutes: dict[str, list[int]] = field(default_factory=lambda: {MAIN: [15, 30, 60], SECURITY: [5, 30]})
    """Policy → how long each of its levels has."""
    mail_only: set[str] = field(default_factory=set)
    """Users without telephone and app."""
    per_page: int = 25

    def application(self) -> Starlette:
        """Return its web application."""
        answers = {
            "/oncalls": self._on_calls,
            "/escalation_policies/{id}": self._policy,
            "/users/{id}/contact_methods": self._contact_methods,
        }
        return Starlette(routes=[Route(path, self._guarded(answer)) for path, answer in answers.items()])

    def _guarded(self, answer: Any) -> Any:
        def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != f"Token token={self.token}":
                return JSONResponse({"error": {"message": "Invalid credentials", "code": 2006}}, 401)
            response: Response = answer(request)
            return response

        return guarded

    def _on_calls(self, request: Request) -> Response:
        parameters = request.query_params
        now = datetime.now(UTC)
        since = datetime.fromisoformat(parameters["since"]) if "since" in parameters else now
        until = datetime.fromisoformat(parameters["until"]) if "until" in parameters else now
        policies = parameters.getlist("escalation_policy_ids[]") or [MAIN]

        def is_asked_for(shift: Shift) -> bool:
            # All shifts are those of one policy.
            if MAIN not in policies:
                return False
            # One for good has neither a start nor an end.
            starts_before = (shift.start or since) < until
            ends_after = (shift.end or until) > since
            return starts_before and ends_after

        rows = [self._row(shift) for shift in self.shifts if is_asked_for(shift)]
        first = int(parameters.get("offset", 0))
        last = first + min(self.per_page, int(parameters.get("limit", 25)))
        page = {"offset": first, "limit": last - first, "more": last < len(rows), "total": None}
        return JSONResponse({"oncalls": rows[first:last], **page})

    def _row(self, shift: Shift) -> Json:
        schedule = None if shift.start is None else _reference("schedule_reference", f"PLEVEL{shift.level}", "Rota")
        return {
            "escalation_policy": _reference("escalation_policy_reference", MAIN, "Shop"),
            "escalation_level": shift.level,
            "schedule": schedule,
            "user": _reference("user_reference", shift.user, USERS[shift.user]),
            "start": shift.start.isoformat() if shift.start else None,
            "end": shift.end.isoformat() if shift.end else None,
        }

    def _policy(self, request: Request) -> Response:
        number = request.path_params["id"]
        if number not in self.minutes:
            return JSONResponse({"error": {"message": "Not Found", "code": 2100}}, 404)
        rules = [
            {
                "id": f"PRULE{level}",
                "escalation_delay_in_minutes": minutes,
                "targets": [_reference("schedule_reference", f"PLEVEL{level}", "Rota")],
                "escalation_rule_assignment_strategy": "assign_to_everyone",
            }
            for level, minutes in enumerate(self.minutes[number], 1)
        ]
        policy = {
            **_reference("escalation_policy", number, "Shop"),
            "name": "Shop",
            "description": "",
            "num_loops": 1,
            "on_call_handoff_notifications": "if_has_services",
            "escalation_rules": rules,
            "services": [],
            "teams": [],
        }
        return JSONResponse({"escalation_policy": policy})

    def _contact_methods(self, request: Request) -> Response:
        user = request.path_params["id"]
        if user not in USERS:
            return JSONResponse({"error": {"message": "Not Found", "code": 2100}}, 404)
        mail = {"label": "Work", "address": f"{user.lower()}@shop.invalid", "send_short_email": False}
        methods = [{**_reference("email_contact_method", f"{user}M", "Work"), **mail}]
        if user not in self.mail_only:
            phone = {"label": "Mobile", "address": "3023125101", "country_code": 49}
            methods.append({**_reference("phone_contact_method", f"{user}P", "Mobile"), **phone})
        return JSONResponse({"contact_methods": methods})


def _reference(kind: str, number: str, summary: str) -> Json:
    return {
        "id": number,
        "type": kind,
        "summary": summary,
        "self": f"https://api.pagerduty.com/{number}",
        "html_url": None,
    }
