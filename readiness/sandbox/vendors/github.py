"""GitHub as far as the runbooks ask it: one repository with issues, tags, CI results and a reviewed document.

Source: its OpenAPI description; labels, comparisons and reviews as docs.github.com/rest describes them.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from readiness.sandbox.vendors.tickets import Issue, listed, user

REPOSITORY = "sandbox/shop"
PROCEDURE = "docs/rollback.md"
_BASE = f"/repos/{REPOSITORY}"
_API = f"https://api.github.com{_BASE}"
Json = dict[str, Any]


def sha(name: str) -> str:
    """Return the commit that goes by a name here."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


@dataclass
class GitHub:
    """The repository; what a fault turns is a plain attribute."""

    revision: str
    """The tag of what is deployed; its commit goes by the same name."""
    token: str = field(default_factory=lambda: f"github_pat_{secrets.token_hex(20)}")
    labels: set[str] = field(default_factory=lambda: {"P1", "P2", "P3"})
    issues: list[Issue] = field(
        default_factory=lambda: [
            Issue("The footer is misaligned in print", ["P3"]),
            Issue("Retry the upload of a part that failed", ["P1"], pull_request=True),
        ]
    )
    tags: dict[str, str] = field(default_factory=dict)
    """Tag → the name of its commit."""
    commits: list[str] = field(default_factory=list)
    """Names of the commits, the oldest first."""
    runs: dict[str, tuple[str, str | None]] = field(
        default_factory=lambda: {
            "test": ("completed", "success"),
            "lint": ("completed", "success"),
            "preview": ("completed", "skipped"),
        }
    )
    """Job → status and conclusion."""
    statuses: dict[str, str] = field(default_factory=lambda: {"security/scan": "success"})
    reviews: list[tuple[str, str]] = field(default_factory=lambda: [("grace", "APPROVED"), ("grace", "COMMENTED")])
    """Who said what of the pull request that last changed the procedure, which was ada's."""
    per_page: int = 100

    def __post_init__(self) -> None:
        self.commits = ["before", "backup", self.revision, "next"]
        self.tags = {"v2.0.0-rc1": "next", self.revision: self.revision, "v1.3.9": "before", "backup-1": "backup"}

    def application(self) -> Starlette:
        """Return its web application."""
        answers = {
            "/labels/{name}": self._label,
            "/issues": self._issues,
            "/tags": self._tags,
            "/compare/{base}...{head}": self._compare,
            "/commits": self._commits,
            "/commits/{sha}/check-runs": self._check_runs,
            "/commits/{sha}/pulls": self._pulls,
            "/commits/{ref:path}/status": self._status,
            "/pulls/{number}/reviews": self._reviews,
        }
        return Starlette(routes=[Route(f"{_BASE}{path}", self._guarded(answer)) for path, answer in answers.items()])

    def _guarded(self, answer: Any) -> Any:
        def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self.token}":
                return JSONResponse({"message": "Bad credentials", "documentation_url": "", "status": "401"}, 401)
            response: Response | None = answer(request)
            return response or JSONResponse({"message": "Not Found", "documentation_url": "", "status": "404"}, 404)

        return guarded

    def _page(self, request: Request, rows: list[Json], key: str = "") -> Response:
        parameters = request.query_params
        page = int(parameters.get("page", 1))
        size = min(self.per_page, int(parameters.get("per_page", 30)))
        end = page * size
        shown = rows[end - size : end]

        headers = {"Link": f'<{request.url}>; rel="next"'} if end < len(rows) else {}
        if key:
            return JSONResponse({"total_count": len(rows), key: shown}, headers=headers)
        return JSONResponse(shown, headers=headers)

    def _label(self, request: Request) -> Response | None:
        name = request.path_params["name"]
        if name not in self.labels:
            return None
        label = {"id": 1, "node_id": "L", "url": _API, "name": name, "color": "b60205", "default": False}
        return JSONResponse({**label, "description": None})

    def _issues(self, request: Request) -> Response:
        return self._page(request, listed(self.issues, request.query_params, REPOSITORY))

    def _tags(self, request: Request) -> Response:
        return self._page(
            request,
            [
                {
                    "name": name,
                    "commit": {"sha": sha(commit), "url": f"{_API}/commits/{sha(commit)}"},
                    "zipball_url": f"{_API}/zipball/{name}",
                    "tarball_url": f"{_API}/tarball/{name}",
                    "node_id": "T",
                }
                for name, commit in self.tags.items()
            ],
        )

    def _compare(self, request: Request) -> Response | None:
        order = [sha(name) for name in self.commits]
        base, head = request.path_params["base"], request.path_params["head"]
        if base not in order or head not in order:
            return None
        ahead = order.index(head) - order.index(base)
        status = "identical"
        if ahead > 0:
            status = "ahead"
        if ahead < 0:
            status = "behind"
        return JSONResponse({"status": status, "ahead_by": max(ahead, 0), "behind_by": max(-ahead, 0)})

    def _status(self, request: Request) -> Response | None:
        ref = request.path_params["ref"]
        tag = ref.removeprefix("tags/")
        names_a_tag = ref.startswith("tags/") and tag in self.tags
        commit = sha(self.tags[tag]) if names_a_tag else ref
        if commit not in {sha(name) for name in self.commits}:
            return None
        now = datetime.now(UTC).isoformat()
        statuses = [
            {
                "id": place,
                "node_id": "S",
                "state": state,
                "context": name,
                "description": None,
                "target_url": None,
                "avatar_url": None,
                "url": _API,
                "created_at": now,
                "updated_at": now,
            }
            for place, (name, state) in enumerate(self.statuses.items())
        ]
        # As GitHub combines them: one failure outweighs the rest, and one that is pending all successes.
        states = {*self.statuses.values()}
        combined = "success" if states == {"success"} else "pending"
        if states & {"failure", "error"}:
            combined = "failure"
        document = {"state": combined, "statuses": statuses, "sha": commit, "total_count": len(statuses)}
        return JSONResponse({**document, "repository": _repository(), "commit_url": _API, "url": _API})

    def _check_runs(self, request: Request) -> Response:
        commit = request.path_params["sha"]
        runs = [*_check_runs(commit, self.runs)] if commit == sha(self.revision) else []
        return self._page(request, runs, "check_runs")

    def _commits(self, request: Request) -> Response:
        on = (datetime.now(UTC) - timedelta(days=20)).isoformat()
        who = {"name": "Ada Lovelace", "email": "ada@shop.invalid", "date": on}
        row = {"sha": sha("procedure"), "commit": {"author": who, "committer": who, "message": "Roll back by tag"}}
        return self._page(request, [row] if request.query_params.get("path") == PROCEDURE else [])

    def _pulls(self, request: Request) -> Response:
        merged = (datetime.now(UTC) - timedelta(days=20)).isoformat()
        return self._page(request, [{"number": 7, "merged_at": merged, "user": {"login": "ada"}}])

    def _reviews(self, request: Request) -> Response:
        return self._page(request, [{"id": 1, "user": {"login": who}, "state": state} for who, state in self.reviews])


def _repository() -> Json:
    urls = (
        "html archive assignees blobs branches collaborators comments commits compare contents contributors deployments"
        " downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels"
        " languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags"
        " teams trees"
    )
    return {
        "id": 1,
        "node_id": "R",
        "name": "shop",
        "full_name": REPOSITORY,
        "owner": user("sandbox"),
        "private": True,
        "description": None,
        "fork": False,
        "url": _API,
        **{f"{name}_url": f"{_API}/{name}" for name in urls.split()},
    }


def _check_runs(commit: str, runs: dict[str, tuple[str, str | None]]) -> Iterator[Json]:
    now = datetime.now(UTC).isoformat()
    output = dict.fromkeys(("title", "summary", "text")) | {"annotations_count": 0, "annotations_url": _API}
    for place, (name, (status, conclusion)) in enumerate(runs.items(), 1):
        yield {
            "id": place,
            "head_sha": commit,
            "node_id": "C",
            "external_id": "",
            "url": _API,
            "html_url": _API,
            "details_url": _API,
            "status": status,
            "conclusion": conclusion,
            "started_at": now,
            "completed_at": now if conclusion else None,
            "output": output,
            "name": name,
            "check_suite": {"id": 1},
            "app": None,
            "pull_requests": [],
        }
