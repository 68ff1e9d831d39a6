"""One repository of GitHub: what it lists in pages, and its issues.

Source: GitHub's OpenAPI description and docs.github.com/rest. The `Link` header names the next page; pull requests are
listed among the issues; an unknown label has no issues, which says nothing, and is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlencode

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter

from readiness.environment import repositories
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.transport.answer import Answer
from readiness.transport.http import Http
from readiness.transport.typed import at_key, typed

PAGES_AT_MOST = 20
PER_PAGE = 100
OK = 200
NOT_FOUND = 404
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
        """Its labels, in lower case as GitHub compares them."""
        names = [label if isinstance(label, str) else label.name or "" for label in self.labels]
        return {name.lower() for name in names}


class Repository:
    """A repository that an environment names in one of its sections."""

    def __init__(self, settings: repositories.Repository, http: Http, section: str, labels: str) -> None:
        """Take the section's name, and the remedy for a label that does not exist."""
        self._settings = settings
        self._http = http
        self._section = section
        self._label_remedy = labels

    @property
    def name(self) -> str:
        """Owner and name."""
        return self._settings.repository

    def issues(self, label: str, state: Literal["open", "all"] = "open") -> list[Issue]:
        """Return the issues that carry a label, without pull requests. Raises Unknown, also for an unknown label."""
        issues = self.pages(TypeAdapter(list[Issue]), "/issues", {"state": state, "labels": label})
        if not issues:
            self._require_label(label)
        return [issue for issue in issues if issue.pull_request is None]

    def _require_label(self, label: str) -> None:
        """Raise Unknown where the repository has no such label: GitHub answers an empty list for it."""
        answer = self.get(f"/labels/{quote(label, safe='')}")
        if answer.status == NOT_FOUND:
            raise Unknown(f"{self.name} has no label {shown(label, 40)!r}: no issue can carry it", self._label_remedy)
        name = at_key(answer.expect(OK).json(), "name")
        if str(name).lower() != label.lower():
            raise Unknown(f"{answer.url} answered something else than the label", f"is {self._section}.url right?")

    def pages(
        self, adapter: TypeAdapter[list[T]], path: str, parameters: Mapping[str, object], key: str = ""
    ) -> list[T]:
        """Return the rows of all pages of a list; with a `key` each page is an object that has them there.

        Raises Unknown, also for more than `PAGES_AT_MOST` pages.
        """
        rows: list[T] = []
        for page in range(1, PAGES_AT_MOST + 1):
            answer = self.get(path, {**parameters, "per_page": PER_PAGE, "page": page}).expect(OK)
            document = answer.json()
            page_rows = self.typed(adapter, at_key(document, key) if key else document, answer)
            rows += page_rows

            # A proxy may have taken the Link header: behind a page that is full there may be another.
            has_next = _NEXT.search(answer.headers.get("link", "")) or len(page_rows) >= PER_PAGE
            if not has_next:
                return rows
        raise Unknown(f"{path} of {self.name} has more than {PAGES_AT_MOST} pages", "look by hand")

    def get(self, path: str, parameters: Mapping[str, object] | None = None) -> Answer:
        """Return the answer for a path of the repository, whatever its status. Raises Unknown where none came."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        url = f"{self._settings.url}/repos/{self._settings.repository}{path}{query}"
        return self._http.get(url, token=self._settings.token, headers=_HEADERS)

    def typed(self, adapter: TypeAdapter[T], value: Any, answer: Answer) -> T:
        """Return a part of an answer as the adapter's type. Raises Unknown."""
        return typed(adapter, value, answer, "GitHub", f"{self._section}.url")
