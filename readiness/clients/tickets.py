"""Support's tickets: the open issues of a GitHub repository that carry certain labels.

Source: GitHub's OpenAPI description. A pull request is listed as an issue too; a label that does not exist has no
issues, which says nothing; several labels in one question mean all of them, so each is asked for by itself.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode, urlsplit

from pydantic import AwareDatetime, BaseModel

from readiness.channels import Support
from readiness.clients.answer import Answer
from readiness.clients.http import Http
from readiness.clients.typed import typed
from readiness.outcomes import NotConfigured, Unknown

PAGES_AT_MOST, PER_PAGE = 20, 100
_OK, _NOT_FOUND = 200, 404
_NEXT = re.compile(r'<([^>]*)>;\s*rel="next"')


class _Label(BaseModel):
    name: str | None = None


class _Person(BaseModel):
    login: str


class Ticket(BaseModel):
    """An open issue."""

    number: int
    title: str
    created_at: AwareDatetime
    comments: int
    labels: list[_Label | str]
    assignees: list[_Person] | None = None
    pull_request: dict[str, object] | None = None

    @property
    def label_names(self) -> set[str]:
        """Name its labels, in lower case as GitHub compares them."""
        return {(one if isinstance(one, str) else one.name or "").lower() for one in self.labels}


class Tickets:
    """The repository that the environment names under `support`."""

    def __init__(self, settings: Support | None, http: Http) -> None:
        self._given, self._http = settings, http

    @property
    def configured(self) -> bool:
        """Tell whether the environment names a repository."""
        return self._given is not None

    @property
    def settings(self) -> Support:
        """What the environment says. Raises NotConfigured."""
        if self._given is None:
            raise NotConfigured("no tracker of support is configured", "set support in the environment file")
        return self._given

    def open(self, labels: tuple[str, ...]) -> list[Ticket]:
        """List the open issues that carry any of the labels, the oldest first. Raises Unknown."""
        found: dict[int, Ticket] = {}
        for label in labels:
            found |= {one.number: one for one in self._labelled(label)}
        return sorted(found.values(), key=lambda one: one.created_at)

    def _labelled(self, label: str) -> list[Ticket]:
        words = {"state": "open", "labels": label, "per_page": PER_PAGE}
        issues = self._pages(f"{self._repository}/issues?{urlencode(words)}")
        if not issues:
            self._must_exist(label)
        return [one for one in issues if one.pull_request is None]

    def _must_exist(self, label: str) -> None:
        answer = self._get(f"{self._repository}/labels/{quote(label, safe='')}")
        if answer.status == _NOT_FOUND:
            raise Unknown(f"{self.settings.repository} has no label {label}", "correct the labels under support")
        found = answer.expect(_OK).json()
        if not isinstance(found, dict) or str(found.get("name")).lower() != label.lower():
            raise Unknown(f"{answer.url} answered something else than the label", "is support.url right?")

    @property
    def _repository(self) -> str:
        return f"{self.settings.url}/repos/{self.settings.repository}"

    def _pages(self, url: str) -> list[Ticket]:
        """Follow the pages to the last one, never to another host."""
        found: list[Ticket] = []
        for _ in range(PAGES_AT_MOST):
            answer = self._get(url).expect(_OK)
            found += typed(list[Ticket], answer.json(), answer, "GitHub", "support.url")
            following = _NEXT.search(answer.headers.get("link", ""))
            if following is None:
                return found
            url = following[1]
            if urlsplit(url)[:2] != urlsplit(self.settings.url)[:2]:
                raise Unknown(f"{answer.url} goes on at another host", "set support.url to where the API really is")
        raise Unknown(f"{self.settings.repository} has more than {PAGES_AT_MOST} pages of issues", "close the old ones")

    def _get(self, url: str) -> Answer:
        words = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        return self._http.get(url, token=self.settings.token, headers=words)
