"""The people around the sandbox: their roster, PagerDuty, GitHub, and the record of what they have decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from readiness.sandbox.vendors.github import GitHub
from readiness.sandbox.vendors.pagerduty import PagerDuty, shifts
from readiness.sandbox.web import Web

HANDOVER = timedelta(hours=3)
"""After the launch: the turn of the next ones comes within the launch."""
_ROLES = {
    "primary on-call": "Ada Lovelace",
    "secondary on-call": "Grace Hopper",
    "engineering lead": "Edsger Dijkstra",
    "SRE lead": "Margaret Hamilton",
    "product manager": "Joan Clarke",
    "database specialist": "Edgar Codd",
    "executive": "Frances Allen",
    "security contact": "Ron Rivest",
    "status-page admin": "Radia Perlman",
}
_BACKUPS = {"primary on-call": "Grace Hopper", "secondary on-call": "Ada Lovelace", "engineering lead": "Alan Turing"}
_MATTERS = {"database": 15, "payments": 30, "security": 5, "infrastructure": 30}
Json = dict[str, Any]


@dataclass
class Office:
    """What the team has written down, and the vendors that it uses."""

    folder: Path
    roster: Json
    record: Json
    pagerduty: PagerDuty
    github: GitHub
    webs: dict[str, Web]

    def write(self) -> None:
        """Write the roster and the record."""
        for name, document in (("team", self.roster), ("release", self.record)):
            (self.folder / f"{name}.json").write_text(json.dumps(document, indent=2), encoding="utf-8")

    @contextmanager
    def rewritten(self) -> Iterator[tuple[Json, Json]]:
        """Yield copies of the roster and the record to change; put the old ones back at the end."""
        roster, record = self.roster, self.record
        self.roster, self.record = deepcopy(roster), deepcopy(record)
        yield self.roster, self.record
        self.roster, self.record = roster, record
        self.write()

    def variables(self) -> dict[str, str]:
        """Return what an environment file needs to know."""
        return {
            "SANDBOX_TEAM": str(self.folder / "team.json"),
            "SANDBOX_RELEASE": str(self.folder / "release.json"),
            "SANDBOX_PAGERDUTY_TOKEN": self.pagerduty.token,
            "SANDBOX_GITHUB_TOKEN": self.github.token,
            **{f"SANDBOX_{name}_URL": web.url for name, web in self.webs.items()},
        }


def start(folder: Path, launch_at: datetime, revision: str) -> Office:
    """Write everything down, and start the vendors."""
    pagerduty, github = PagerDuty(shifts(launch_at + HANDOVER)), GitHub(revision)
    webs = {"PAGERDUTY": Web(pagerduty.application()), "GITHUB": Web(github.application())}
    folder.mkdir()
    office = Office(folder, _roster(), _record(launch_at), pagerduty, github, webs)
    office.write()
    return office


def _roster() -> Json:
    lately = str((datetime.now(UTC) - timedelta(days=6)).date())
    dates = dict.fromkeys(("verified", "runbook_reviewed", "access_verified"), lately)
    # These numbers are kept free in Germany for films and books, so they are nobody's.
    people = {
        role: {"name": name, "contact": f"+49 30 23125 {place}", "backup": _BACKUPS.get(role), **dates}
        for place, (role, name) in enumerate(_ROLES.items(), 101)
    }
    levels = zip(_ROLES, (15, 30, 60), strict=False)
    return {
        "roles": people,
        "escalation": [{"role": role, "minutes": minutes} for role, minutes in levels],
        "matters": {
            matter: {
                "primary": "security contact" if matter == "security" else "primary on-call",
                "backup": "database specialist" if matter == "database" else "engineering lead",
                "minutes": minutes,
            }
            for matter, minutes in _MATTERS.items()
        },
        "vendors": {
            "supabase": {"contact": "https://supabase.com/dashboard/support", "verified": lately},
            "vercel": {"contact": "https://vercel.com/help", "verified": lately},
            "stripe": {"contact": "#shop-stripe", "verified": lately},
            "clerk": {"contact": "support@clerk.com", "verified": lately},
            "cloudflare": {"contact": "https://dash.cloudflare.com/support", "verified": lately},
            "openai": {"contact": "https://help.openai.com", "verified": lately},
            "resend": {"contact": "support@resend.com", "verified": lately},
            "sentry": {"contact": "support@sentry.io", "verified": lately},
            "twilio": {"contact": "https://www.twilio.com/help/contact", "verified": lately},
        },
        "stakeholders": ["Product", "Engineering"],
    }


def _record(launch_at: datetime) -> Json:
    now = datetime.now(UTC)
    deployed = now - timedelta(hours=25)
    window = _next_window(now)

    def said(minutes: int, by: str, decision: str) -> Json:
        return {"at": (now - timedelta(minutes=minutes)).isoformat(), "by": by, "decision": decision}

    return {
        "launch_time": launch_at.isoformat(),
        "decisions": [said(190, "Engineering", "no-go"), said(30, "Engineering", "go")],
        "approvals": [said(100, "Product", "approved"), said(80, "Engineering", "approved")],
        "maintenance": [
            {
                "created_at": (min(now, window) - timedelta(days=3)).isoformat(),
                "scheduled_for": window.isoformat(),
                "scheduled_until": (window + timedelta(hours=2)).isoformat(),
            }
        ],
        "object_backups": [{"finished_at": (now - timedelta(hours=2)).isoformat(), "name": "objects", "size": 4096}],
        "deployed_at": deployed.isoformat(),
        "looks": [{"at": (deployed + timedelta(minutes=minutes)).isoformat()} for minutes in range(1, 20, 2)],
    }


def _next_window(now: datetime) -> datetime:
    """Return when the next weekly maintenance begins, Sunday 02:00 UTC: never one that is over or about to be."""
    day = now.replace(hour=2, minute=0, second=0, microsecond=0)
    days_to_sunday = (6 - day.weekday()) % 7
    begins = day + timedelta(days=days_to_sunday)
    return begins if begins > now else begins + timedelta(days=7)
