"""GitHub's issues as far as support's lines and incident reports ask for them. Source: its OpenAPI description."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

REPOSITORY = "sandbox/support"
LABELS = ("complaint", "incident", "postmortem", "security", "support", "P1", "P2", "P3", "P4")
_API = "https://api.github.com"
Json = dict[str, Any]


@dataclass
class Issue:
    """An issue, as far as it differs from others; a pull request is one too."""

    title: str
    labels: Sequence[str]
    comments: int = 0
    hours_old: float = 30.0
    assigned: bool = False
    pull_request: bool = False
    body: str | None = None
    closed_hours_ago: float | None = None


def _issues() -> list[Issue]:
    return [
        Issue("The export is slow", ("support", "P3"), comments=2),
        Issue("Strange sign-in", ("security",), assigned=True),
        Issue("Answer complaints by mail", ("complaint", "support"), pull_request=True),
        Issue("How do I add a colleague?", ("support",), hours_old=1.0),
    ]


@dataclass
class Tickets:
    """The repository; what a fault turns is a plain attribute."""

    token: str = field(default_factory=lambda: f"github_pat_{secrets.token_hex(30)}")
    issues: list[Issue] = field(default_factory=_issues)
    per_page: int = 2

    def application(self) -> Starlette:
        """Return its web application."""
        repository = "/repos/{owner}/{name}"
        return Starlette(
            routes=[Route(f"{repository}/issues", self._list), Route(f"{repository}/labels/{{label}}", self._label)]
        )

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"message": "Bad credentials", "documentation_url": "https://docs.github.com"}, 401)
        if "{owner}/{name}".format(**request.path_params) != REPOSITORY:
            return JSONResponse({"message": "Not Found", "documentation_url": "https://docs.github.com"}, 404)
        return None

    def _list(self, request: Request) -> Response:
        parameters = request.query_params
        rows = listed(self.issues, parameters, REPOSITORY)
        page = int(parameters.get("page", 1))
        size = min(self.per_page, int(parameters.get("per_page", 30)))
        following = request.url.include_query_params(page=page + 1)
        more = {"Link": f'<{following}>; rel="next"'} if page * size < len(rows) else {}
        return self._refused(request) or JSONResponse(rows[(page - 1) * size : page * size], headers=more)

    def _label(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused:
            return refused

        name = request.path_params["label"]
        if name not in LABELS:
            return JSONResponse({"message": "Not Found"}, 404)
        return JSONResponse({"name": name})


def listed(issues: Sequence[Issue], parameters: Mapping[str, str], repository: str) -> list[Json]:
    """Describe those that are asked for: with all of the labels, and open where nothing else is said."""
    labels = {label for label in parameters.get("labels", "").split(",") if label}
    wanted_state = parameters.get("state", "open")

    def is_asked_for(issue: Issue) -> bool:
        if not labels <= set(issue.labels):
            return False
        state = "open" if issue.closed_hours_ago is None else "closed"
        return wanted_state in {"all", state}

    return [described(number, issue, repository) for number, issue in enumerate(issues, 1) if is_asked_for(issue)]


def described(number: int, issue: Issue, repository: str) -> Json:
    """Describe an issue as GitHub does."""
    where = f"{_API}/repos/{repository}"
    url = f"{where}/issues/{number}"
    at = _hours_ago(issue.hours_old)
    ago = issue.closed_hours_ago
    person = user("ada")
    return {
        "id": number,
        "node_id": f"I_{number}",
        "number": number,
        "title": issue.title,
        "body": issue.body,
        "state": "open" if ago is None else "closed",
        "locked": False,
        "url": url,
        "repository_url": where,
        **{name: f"{url}/{name}" for name in ("labels_url", "comments_url", "events_url", "html_url")},
        "user": person,
        "labels": [{"id": place, "name": name} for place, name in enumerate(issue.labels)],
        "assignee": person if issue.assigned else None,
        "assignees": [person] if issue.assigned else [],
        "milestone": None,
        "comments": issue.comments,
        "created_at": at,
        "updated_at": at,
        "closed_at": None if ago is None else _hours_ago(ago),
        "author_association": "MEMBER",
        **({"pull_request": dict.fromkeys(_PULL, url)} if issue.pull_request else {}),
    }


def user(login: str) -> Json:
    """Describe somebody as GitHub does."""
    fields = {"login": login, "id": 1, "node_id": "U", "gravatar_id": "", "type": "User", "site_admin": False}
    return fields | dict.fromkeys(_PERSON, f"{_API}/users/{login}")


def _hours_ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


_PULL = ("url", "html_url", "diff_url", "patch_url")
_PERSON = (
    *("avatar_url", "url", "html_url", "followers_url", "following_url", "gists_url", "starred_url"),
    *("subscriptions_url", "organizations_url", "repos_url", "events_url", "received_events_url"),
)
