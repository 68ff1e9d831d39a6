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
        words = request.query_params
        rows = listed(self.issues, words, REPOSITORY)
        page = int(words.get("page", 1))
        size = min(self.per_page, int(words.get("per_page", 30)))
        following = request.url.include_query_params(page=page + 1)
        more = {"Link": f'<{following}>; rel="next"'} if page * size < len(rows) else {}
        return self._refused(request) or JSONResponse(rows[(page - 1) * size : page * size], headers=more)

    def _label(self, request: Request) -> Response:
        name = request.path_params["label"]
        missing = JSONResponse({"message": "Not Found"}, 404)
        return self._refused(request) or (JSONResponse({"name": name}) if name in LABELS else missing)


def listed(issues: Sequence[Issue], words: Mapping[str, str], repository: str) -> list[Json]:
    """Describe those that are asked for: with all of the labels, and open where nothing else is said."""
    wanted, state = {word for word in words.get("labels", "").split(",") if word}, words.get("state", "open")
    return [
        described(number, one, repository)
        for number, one in enumerate(issues, 1)
        if wanted <= set(one.labels) and state in {"all", "open" if one.closed_hours_ago is None else "closed"}
    ]


def described(number: int, one: Issue, repository: str) -> Json:
    """Describe an issue as GitHub does."""
    where, ago = f"{_API}/repos/{repository}", one.closed_hours_ago
    url, at = f"{where}/issues/{number}", _hours_ago(one.hours_old)
    person = user("ada")
    return {
        "id": number,
        "node_id": f"I_{number}",
        "number": number,
        "title": one.title,
        "body": one.body,
        "state": "open" if ago is None else "closed",
        "locked": False,
        "url": url,
        "repository_url": where,
        **{name: f"{url}/{name}" for name in ("labels_url", "comments_url", "events_url", "html_url")},
        "user": person,
        "labels": [{"id": place, "name": name} for place, name in enumerate(one.labels)],
        "assignee": person if one.assigned else None,
        "assignees": [person] if one.assigned else [],
        "milestone": None,
        "comments": one.comments,
        "created_at": at,
        "updated_at": at,
        "closed_at": None if ago is None else _hours_ago(ago),
        "author_association": "MEMBER",
        **({"pull_request": dict.fromkeys(_PULL, url)} if one.pull_request else {}),
    }


def user(login: str) -> Json:
    """Describe somebody as GitHub does."""
    known = {"login": login, "id": 1, "node_id": "U", "gravatar_id": "", "type": "User", "site_admin": False}
    return known | dict.fromkeys(_PERSON, f"{_API}/users/{login}")


def _hours_ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


_PULL = ("url", "html_url", "diff_url", "patch_url")
_PERSON = (
    *("avatar_url", "url", "html_url", "followers_url", "following_url", "gists_url", "starred_url"),
    *("subscriptions_url", "organizations_url", "repos_url", "events_url", "received_events_url"),
)
