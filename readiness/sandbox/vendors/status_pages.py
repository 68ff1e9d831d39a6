"""Status pages in Statuspage's shape: the service's own, and those of eight vendors.

Source: mongodb.com/docs/api/doc/cloud-status, a published description of it. Supabase's is as incident.io answers it:
the name of a component stands once for each region, and an incident names none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

OWN = "own"
VENDORS = {
    "supabase": ("Auth", "Auth", "Database", "Database", "Storage"),
    "vercel": ("Builds", "Edge Network", "Functions"),
    "openai": ("Chat Completions", "Images"),
    "stripe": ("API", "Dashboard", "Webhooks"),
    "clerk": ("Sign in", "Session verification"),
    "cloudflare": ("Workers", "D1", "R2"),
    "twilio": ("SMS", "Voice"),
    "sendgrid": ("Mail Sending", "API v3"),
}
_BEFORE, _AFTER = timedelta(minutes=10), timedelta(hours=2)
Json = dict[str, Any]


@dataclass
class Site:
    """One status page."""

    name: str
    components: list[Json]
    incidents: list[Json] = field(default_factory=list)
    maintenances: list[Json] = field(default_factory=list)
    past: list[Json] = field(default_factory=list)
    """What is over: in the list of all incidents, no longer in the summary."""

    @property
    def indicator(self) -> str:
        """Its word for the whole."""
        states = {component["status"] for component in self.components}
        if "major_outage" in states:
            return "major"
        if states - {"operational"} or self.incidents:
            return "minor"
        return "none"

    def turn(self, component: str, state: str) -> None:
        """Set the state of a component, or of the first with its name."""
        first = next(entry for entry in self.components if entry["name"] == component)
        first["status"] = state

    def incident(self, name: str, *minutes_ago: float, body: str = "We are looking into it.") -> None:
        """Open an incident that was told of at these moments, the oldest first."""
        self.incidents.append(_notice(name, "investigating", body, minutes_ago))


def _site(name: str, components: tuple[str, ...]) -> Site:
    made = [
        {"id": f"{name}{place}", "name": component, "status": "operational", "group": False, "group_id": None}
        for place, component in enumerate(components)
    ]
    return Site(name, made)


def _sites() -> dict[str, Site]:
    pages = {OWN: ("Uploads", "API"), **VENDORS}
    return {name: _site(name, components) for name, components in pages.items()}


def _notice(name: str, status: str, body: str, minutes_ago: tuple[float, ...]) -> Json:
    times = [(datetime.now(UTC) - timedelta(minutes=ago)).isoformat() for ago in minutes_ago]
    updates = [
        {"id": f"u{place}", "status": status, "body": body, "created_at": at, "display_at": at}
        for place, at in enumerate(times)
    ]
    return {
        "id": "n1",
        "name": name,
        "status": status,
        "impact": "none",
        "created_at": times[0],
        "updated_at": times[-1],
        "incident_updates": updates[::-1],
    }


@dataclass
class StatusPages:
    """All of them, on one server; what a fault turns is a plain attribute."""

    sites: dict[str, Site] = field(default_factory=_sites)
    html: set[str] = field(default_factory=set)
    """Names of those that answer a page for people."""
    away: set[str] = field(default_factory=set)

    def application(self) -> Starlette:
        """Return its web application."""
        return Starlette(routes=[Route("/{site}/api/v2/{document}.json", self._answer)])

    def plan(self, launch_at: datetime) -> None:
        """Announce the launch on the service's own page."""
        planned = _notice("New ingestion pipeline", "scheduled", "Uploads go through the new pipeline.", (1440.0,))
        since, until = (launch_at - _BEFORE).isoformat(), (launch_at + _AFTER).isoformat()
        self.sites[OWN].maintenances = [{**planned, "scheduled_for": since, "scheduled_until": until}]

    def declare_live(self) -> None:
        """Post on the service's own page that the launch is done."""
        body = "The new pipeline is generally available."
        self.sites[OWN].past = [_notice("New ingestion pipeline", "resolved", body, (0.0,))]

    def _answer(self, request: Request) -> Response:
        name = request.path_params["site"]
        if name not in self.sites:
            return JSONResponse({"error": "not found"}, 404)
        if name in self.away:
            return JSONResponse({"error": "unavailable"}, 503)
        if name in self.html:
            return HTMLResponse("<!doctype html><title>Status</title>")
        site, now = self.sites[name], datetime.now(UTC).isoformat()
        page = {"page": {"id": name, "name": name, "url": f"https://{name}.example", "updated_at": now}}
        parts = dict(self._parts(site))
        if request.path_params["document"] == "summary":
            return JSONResponse({**page, **parts})
        key = request.path_params["document"].replace("-", "_")
        parts["incidents"] = [*site.incidents, *site.past]
        return JSONResponse({**page, key: parts[key]}) if key in parts else JSONResponse({}, 404)

    def _parts(self, site: Site) -> Iterator[tuple[str, Any]]:
        yield "status", {"indicator": site.indicator, "description": "as the components are"}
        yield "components", site.components
        yield "incidents", site.incidents
        yield "scheduled_maintenances", site.maintenances
