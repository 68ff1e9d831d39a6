"""GitHub: open issues, tags, what CI says of a revision, and who has reviewed a document.

Source: its OpenAPI description and docs.github.com/rest. Lists come in pages, and the `Link` header names the next one.
An unknown label, and a document that nobody has changed, are answered with an empty list: both are asked for.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from readiness import repositories
from readiness.clients.answer import Answer
from readiness.clients.http import Http
from readiness.clients.typed import at_key, typed
from readiness.outcomes import NotConfigured, Unknown

_OK, _NOT_FOUND = 200, 404
_NEXT = re.compile(r'<[^>]*>;\s*rel="next"')
PAGES_AT_MOST, PER_PAGE = 20, 100
_FROZEN = ConfigDict(frozen=True)


class Issue(BaseModel):
    """An issue, or a pull request, which GitHub lists among them."""

    model_config = _FROZEN

    number: int
    title: str
    pull_request: dict[str, Any] | None = None


class _Commit(BaseModel):
    sha: str


class Tag(BaseModel):
    """A name for a commit."""

    model_config = _FROZEN

    name: str
    commit: _Commit


class CheckRun(BaseModel):
    """One job of CI."""

    model_config = _FROZEN

    name: str
    status: str
    conclusion: str | None


class Status(BaseModel):
    """What another system has said of a commit."""

    model_config = _FROZEN

    context: str
    state: str


class Combined(BaseModel):
    """The commit that a name stands for, and the statuses that it has."""

    model_config = _FROZEN

    sha: str
    total: int = Field(alias="total_count", ge=0)
    statuses: list[Status]


class _Author(BaseModel):
    date: AwareDatetime


class _Authored(BaseModel):
    committer: _Author


class Change(BaseModel):
    """A commit that changed a document."""

    model_config = _FROZEN

    sha: str
    commit: _Authored


class _User(BaseModel):
    login: str


class Pull(BaseModel):
    """The pull request that a commit came with."""

    model_config = _FROZEN

    number: int
    merged_at: AwareDatetime | None
    user: _User | None


class Review(BaseModel):
    """What somebody said of a pull request."""

    model_config = _FROZEN

    state: str
    user: _User | None


class GitHub:
    """The repository that the environment names under `github`."""

    def __init__(self, settings: repositories.GitHub | None, http: Http) -> None:
        self._given = settings
        self._http = http

    @property
    def configured(self) -> bool:
        """Tell whether the environment names a repository."""
        return self._given is not None

    @property
    def settings(self) -> repositories.GitHub:
        """What the environment says. Raises NotConfigured."""
        if self._given is None:
            raise NotConfigured(
                "no GitHub repository is configured", "set github.token and github.repository in the environment file"
            )
        return self._given

    def ref(self, revision: str) -> str:
        """Say how a revision is called in the repository."""
        return self.settings.ref.replace("{revision}", revision)

    def open_issues(self, label: str) -> list[Issue]:
        """List the open issues with a label, without pull requests. Raises Unknown, also for an unknown label."""
        answer = self._get(f"/labels/{quote(label, safe='')}", {})
        if answer.status == _NOT_FOUND:
            raise Unknown(
                f"no label of {self.settings.repository} is called {label[:40]!r}: no issue can carry it",
                "set github.labels: the runbook's priority, and the label that stands for it",
            )
        self._typed(dict[str, Any], answer.expect(_OK).json(), answer)
        found: list[Issue] = self._pages(Issue, "/issues", {"state": "open", "labels": label})
        return [issue for issue in found if issue.pull_request is None]

    def tags(self) -> list[Tag]:
        """List all tags. Raises Unknown."""
        found: list[Tag] = self._pages(Tag, "/tags", {})
        return found

    def ancestry(self, base: str, head: str) -> str:
        """Tell how a commit lies to another: ahead, behind, identical or diverged. Raises Unknown."""
        answer = self._get(f"/compare/{quote(base, safe='')}...{quote(head, safe='')}", {"per_page": 1}).expect(_OK)
        word: str = self._typed(str, at_key(answer.json(), "status"), answer)
        return word

    def combined(self, ref: str) -> Combined:
        """Fetch the statuses of a commit, and what commit it is. Raises Unknown."""
        answer = self._get(f"/commits/{quote(ref, safe='/')}/status", {"per_page": PER_PAGE})
        if answer.status in {_NOT_FOUND, 422}:
            raise Unknown(
                f"{self.settings.repository} knows no {ref[:60]!r}, or the token may not see it",
                "does target.revision name a commit? else set github.ref, such as tags/{revision}",
            )
        found: Combined = self._typed(Combined, answer.expect(_OK).json(), answer)
        if len(found.statuses) < found.total:
            raise Unknown(f"{answer.url} has {found.total} statuses and tells {len(found.statuses)}", "look by hand")
        return found

    def check_runs(self, sha: str) -> list[CheckRun]:
        """List the latest run of each job of CI on a commit. Raises Unknown."""
        path = f"/commits/{quote(sha, safe='')}/check-runs"
        found: list[CheckRun] = self._pages(CheckRun, path, {"filter": "latest"}, "check_runs")
        return found

    def changes(self, path: str) -> list[Change]:
        """List the newest commits that changed a document. Raises Unknown."""
        answer = self._get("/commits", {"path": path, "per_page": 1}).expect(_OK)
        found: list[Change] = self._typed(list[Change], answer.json(), answer)
        return found

    def pulls(self, sha: str) -> list[Pull]:
        """List the pull requests that a commit came with. Raises Unknown."""
        found: list[Pull] = self._pages(Pull, f"/commits/{quote(sha, safe='')}/pulls", {})
        return found

    def reviews(self, number: int) -> list[Review]:
        """List what was said of a pull request, the oldest first. Raises Unknown."""
        found: list[Review] = self._pages(Review, f"/pulls/{number}/reviews", {})
        return found

    def _pages(self, kind: Any, path: str, words: dict[str, Any], key: str = "") -> Any:
        """Follow the pages to the last one."""
        found: list[Any] = []
        for page in range(1, PAGES_AT_MOST + 1):
            answer = self._get(path, {**words, "per_page": PER_PAGE, "page": page}).expect(_OK)
            said = answer.json()
            found += self._typed(list[kind], at_key(said, key) if key else said, answer)
            if not _NEXT.search(answer.headers.get("link", "")):
                return found
        raise Unknown(f"{path} of {self.settings.repository} has more than {PAGES_AT_MOST} pages", "look by hand")

    def _get(self, path: str, words: dict[str, Any]) -> Answer:
        known = self.settings
        asked = f"?{urlencode(words)}" if words else ""
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        return self._http.get(f"{known.url}/repos/{known.repository}{path}{asked}", token=known.token, headers=headers)

    @staticmethod
    def _typed(kind: Any, found: Any, answer: Answer) -> Any:
        return typed(kind, found, answer, "GitHub", "github.url")
