"""One repository of GitHub: what it lists in pages, and its issues.

Source: GitHub's OpenAPI description and docs.github.com/rest. The `Link` header names the next page; pull requests are
listed among the issues; an unknown label has no issues, which says nothing, and is asked for.
"""

from __future__ import annotations

import re
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlencode

from pydantic import AwareDatetime, BaseModel, ConfigDict

from readiness.environment import repositories
from readiness.outcomes import Unknown
from readiness.transport.answer import Answer
from readiness.transport.http import Http
from readiness.transport.typed import at_key, typed

PAGES_AT_MOST, PER_PAGE = 20, 100
OK, NOT_FOUND = 200, 404
T = TypeVar("T")
_NEXT = re.compile(r'<[^>]*>;\s*rel="next"')
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class _Label(BaseModel):
    name: str | None = None


class _Person(BaseModel):
    login: str


class Issue(BaseModel):
    """An issue."""

    model_config = ConfigDict(frozen=True)

    number: int
    title: str
    body: str | None = None
    created_at: AwareDatetime
    closed_at: AwareDatetime | None = None
    comments: int
    labels: list[_Label | str]
    assignees: list[_Person] | None = None
    pull_request: dict[str, object] | None = None

    @property
    def label_names(self) -> set[str]:
        """Name its labels, in lower case as GitHub compares them."""
        return {(one if isinstance(one, str) else one.name or "").lower() for one in self.labels}


class Repository:
    """A repository that an environment names in one of its sections."""

    def __init__(self, settings: repositories.Repository, http: Http, section: str, labels: str) -> None:
        """Take the section's name, and what to correct there when there is no such label."""
        self._settings, self._http = settings, http
        self._section, self._labels = section, labels

    @property
    def name(self) -> str:
        """Owner and name."""
        return self._settings.repository

    def issues(self, label: str, state: Literal["open", "all"] = "open") -> list[Issue]:
        """List the issues that carry a label, without pull requests. Raises Unknown, also for an unknown label."""
        found = self.pages(Issue, "/issues", {"state": state, "labels": label})
        if not found:
            self._must_exist(label)
        return [one for one in found if one.pull_request is None]

    def _must_exist(self, label: str) -> None:
        answer = self.get(f"/labels/{quote(label, safe='')}")
        if answer.status == NOT_FOUND:
            raise Unknown(f"{self.name} has no label {label[:40]!r}: no issue can carry it", self._labels)
        if str(at_key(answer.expect(OK).json(), "name")).lower() != label.lower():
            raise Unknown(f"{answer.url} answered something else than the label", f"is {self._section}.url right?")

    def pages(self, kind: type[T], path: str, words: dict[str, Any], key: str = "") -> list[T]:
        """Follow the pages to the last one; with a key each is an object that has its rows there. Raises Unknown."""
        found: list[T] = []
        for page in range(1, PAGES_AT_MOST + 1):
            answer = self.get(path, {**words, "per_page": PER_PAGE, "page": page}).expect(OK)
            said = answer.json()
            found += self.typed(list[kind], at_key(said, key) if key else said, answer)  # type: ignore[valid-type]
            if not _NEXT.search(answer.headers.get("link", "")):
                return found
        raise Unknown(f"{path} of {self.name} has more than {PAGES_AT_MOST} pages", "look by hand")

    def get(self, path: str, words: dict[str, Any] | None = None) -> Answer:
        """Ask for something of the repository, whatever status comes. Raises Unknown where nobody answers."""
        known, asked = self._settings, f"?{urlencode(words)}" if words else ""
        url = f"{known.url}/repos/{known.repository}{path}{asked}"
        return self._http.get(url, token=known.token, headers=_HEADERS)

    def typed(self, kind: type[T], found: Any, answer: Answer) -> T:
        """Take what was answered as what it should be. Raises Unknown."""
        return typed(kind, found, answer, "GitHub", f"{self._section}.url")
