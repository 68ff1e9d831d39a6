"""GitHub: open issues, tags, what CI says of a revision, and who has reviewed a document.

Source: its OpenAPI description and docs.github.com/rest.
"""

from __future__ import annotations

from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from readiness.clients.github_repository import NOT_FOUND, OK, PER_PAGE, Issue, Repository
from readiness.environment import repositories
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.transport.system import System
from readiness.transport.typed import at_key

LABELS = "set github.labels: the runbook's priority, and the label that stands for it"
_FROZEN = ConfigDict(frozen=True)


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


class Commit(BaseModel):
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


class GitHub(System[repositories.GitHub]):
    """The repository that the environment names under `github`."""

    NAME = "GitHub"
    LACK = ("no GitHub repository is configured", "set github.token and github.repository in the environment file")

    def ref(self, revision: str) -> str:
        """Return the git ref of a revision, by the pattern of github.ref."""
        return self.settings.ref.replace("{revision}", revision)

    @property
    def _repository(self) -> Repository:
        return Repository(self.settings, self._http, "github", LABELS)

    def open_issues(self, label: str) -> list[Issue]:
        """Return the open issues with a label, without pull requests. Raises Unknown, also for an unknown label."""
        return self._repository.issues(label)

    def tags(self) -> list[Tag]:
        """Return all tags. Raises Unknown."""
        return self._repository.pages(TypeAdapter(list[Tag]), "/tags", {})

    def ancestry(self, base: str, head: str) -> str:
        """Return how `head` lies to `base`: ahead, behind, identical or diverged. Raises Unknown."""
        path = f"/compare/{quote(base, safe='')}...{quote(head, safe='')}"
        answer = self._repository.get(path, {"per_page": 1}).expect(OK)
        return self._repository.typed(TypeAdapter(str), at_key(answer.json(), "status"), answer)

    def combined(self, ref: str) -> Combined:
        """Return the statuses of a commit, and its sha. Raises Unknown, also for more of them than a page holds."""
        answer = self._repository.get(f"/commits/{quote(ref, safe='/')}/status", {"per_page": PER_PAGE})
        # GitHub answers 404 for an unknown branch or tag, and 422 for an unknown sha.
        if answer.status in {NOT_FOUND, 422}:
            raise Unknown(
                f"{self.settings.repository} knows no {shown(ref, 60)!r}, or the token may not see it",
                "does target.revision name a commit? else set github.ref, such as tags/{revision}",
            )

        combined = self._repository.typed(TypeAdapter(Combined), answer.expect(OK).json(), answer)
        number = len(combined.statuses)
        if number < combined.total:
            raise Unknown(f"{answer.url} has {combined.total} statuses and tells {number}", "look by hand")
        return combined

    def check_runs(self, sha: str) -> list[CheckRun]:
        """Return the latest run of each job of CI on a commit. Raises Unknown."""
        path = f"/commits/{quote(sha, safe='')}/check-runs"
        return self._repository.pages(TypeAdapter(list[CheckRun]), path, {"filter": "latest"}, "check_runs")

    def changes(self, path: str) -> list[Commit]:
        """Return the newest commit that changed a document, in a list that may be empty. Raises Unknown."""
        answer = self._repository.get("/commits", {"path": path, "per_page": 1}).expect(OK)
        return self._repository.typed(TypeAdapter(list[Commit]), answer.json(), answer)

    def pulls(self, sha: str) -> list[Pull]:
        """Return the pull requests that a commit came with. Raises Unknown."""
        return self._repository.pages(TypeAdapter(list[Pull]), f"/commits/{quote(sha, safe='')}/pulls", {})

    def reviews(self, number: int) -> list[Review]:
        """Return the reviews of a pull request, the oldest first. Raises Unknown."""
        return self._repository.pages(TypeAdapter(list[Review]), f"/pulls/{number}/reviews", {})
