"""What people write about the sandbox: its sign-off, its incident reports, its documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from readiness.files.atomic_write import write_whole
from readiness.sandbox.web import Web

ROLES = {"Engineering Lead": "Ada Byron", "Product Manager": "Bo Chen", "SRE Lead": "Cy Diaz"}
PAGES = {"uploads": "Uploading data", "api": "Ingestion API", "shop": "Shop"}
FIELDS = {
    "summary": "Uploads were refused for 42 minutes.",
    "customer_impact": "Three clients sent 31 files again.",
    "root_cause": "The credential of the object store had expired.",
    "timeline": "Detected by the alert after one minute, mended after 42.",
    "mitigation": "The credential was renewed.",
    "preventive_actions": "Its expiry is watched; see the tracker.",
    # What the templates of the other runbooks ask for.
    "severity": "P2, SEV-2.",
    "status": "Resolved.",
    "scope": "Uploads of three workspaces, all platforms.",
    "users_affected": "Three clients.",
    "duration": "42 minutes.",
    "services_impacted": "Uploads.",
    "resolution": "The credential was renewed, and a test upload went through.",
    "actions_taken": "Storage was asked by hand, then the credential was renewed.",
    "action_items": "Watch the expiry; add it to the runbook.",
    "lessons_learned": "Credentials end on a day that is known before.",
    "learnings": "Shared in the weekly review; the runbook names the day.",
}


class Papers:
    """Files in one folder, written anew by a fault, and a web server for the pages."""

    def __init__(self, folder: Path, sign_off: Path) -> None:
        self.folder = folder
        self.sign_off = sign_off
        """The file of the approvals."""
        self.people = ROLES
        self.reports.mkdir(parents=True)
        self.page_status = dict.fromkeys(PAGES, 200)
        self.web = Web(Starlette(routes=[Route("/docs/{name}", self._page)]))
        self.report()
        self.sign()

    @property
    def reports(self) -> Path:
        """The folder of the incident reports."""
        return self.folder / "incidents"

    def variables(self) -> dict[str, str]:
        """Return what an environment file needs to know."""
        return {
            "SANDBOX_SIGN_OFF": str(self.sign_off),
            "SANDBOX_INCIDENTS": str(self.reports),
            "SANDBOX_DOCS_URL": f"{self.web.url}/docs",
        }

    def sign(self, people: dict[str, str] | None = None, **changes: Any) -> None:
        """Write the sign-off as it is when all goes well, with these changes."""
        today = datetime.now(UTC).date().isoformat()
        given = [{"role": role, "name": name, "approved_on": today} for role, name in (people or ROLES).items()]
        text = json.dumps({"decision": "approved", "approvals": given} | changes)
        write_whole(self.sign_off, text)

    def report(self, name: str = "INC-7", hours_after: float = 20.0, days_ago: float = 12.0, **fields: str) -> None:
        """Write one incident's report as it should be, with other texts in these fields."""
        began = datetime.now(UTC) - timedelta(days=days_ago)
        ended = began + timedelta(minutes=42)
        front = {
            "id": name,
            "title": "storage refused uploads",
            "started_at": began.isoformat(),
            "ended_at": ended.isoformat(),
            "written_at": (ended + timedelta(hours=hours_after)).isoformat(),
        }
        (self.reports / f"{name}.md").write_text(report(front, FIELDS | fields), encoding="utf-8")

    def _page(self, request: Request) -> Response:
        name = request.path_params["name"]
        status = self.page_status.get(name, 404)
        text = PAGES.get(name, "") if status == 200 else "no"  # noqa: PLR2004  the status of HTTP
        return HTMLResponse(f"<!doctype html><title>{text}</title><h1>{text}</h1>", status)


def report(front: Mapping[str, str], fields: Mapping[str, str]) -> str:
    """Write an incident report: front matter, and a heading for each field."""
    body = "\n\n".join(f"## {key.replace('_', ' ').capitalize()}\n\n{text}" for key, text in fields.items())
    return f"---\n{json.dumps(front)}\n---\n\n{body}\n"  # JSON is YAML
