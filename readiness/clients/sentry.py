"""Sentry: issues, counts of events, and alert rules.

Source: its OpenAPI description and docs.sentry.io/api. Lists come in pages, and the `Link` header says whether there is
a next one. Alert rules are "monitors" (detectors) and "alerts" (workflows) now; what came before them (`/alert-rules/`,
`/projects/../rules/`) is asked of self-hosted servers that do not have these yet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from readiness.environment import monitoring
from readiness.outcomes import Unknown
from readiness.transport.answer import Answer
from readiness.transport.system import System
from readiness.transport.typed import typed

_OK, _NOT_FOUND = 200, 404
PAGES_AT_MOST, PER_PAGE = 50, 100
_NEXT = re.compile(r'<[^>]*>;\s*rel="next";\s*results="(true|false)"(?:;\s*cursor="([^"]*)")?')
_UNCOUNTED = ("rate_limited", "cardinality_limited", "abuse", "invalid")
"""Ways in which Sentry drops events that somebody sent; filters and samples are somebody's wish."""
T = TypeVar("T")


class _Lifetime(BaseModel):
    firstSeen: AwareDatetime | None = None  # noqa: N815  the API's own name


class Issue(BaseModel):
    """One kind of error, as Sentry groups them."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    name: str = Field(alias="shortId")
    title: str
    culprit: str | None = ""
    level: str
    priority: str | None = None
    count: str
    unhandled: bool = Field(False, alias="isUnhandled")
    first_seen_here: AwareDatetime | None = Field(alias="firstSeen")
    """In the window that was asked for; `first_seen` is the first of all."""
    last_seen: AwareDatetime | None = Field(alias="lastSeen")
    lifetime: _Lifetime = _Lifetime()
    annotations: list[Any] | None = None
    linked: list[Any] | None = Field(None, alias="integrationIssues")
    linked_apps: list[Any] | None = Field(None, alias="sentryAppIssues")

    @property
    def first_seen(self) -> datetime | None:
        """When it was seen first."""
        return self.lifetime.firstSeen or self.first_seen_here

    @property
    def tracked(self) -> bool | None:
        """Tell whether a tracker's issue is linked; None where the answer does not say."""
        said = [each for each in (self.annotations, self.linked, self.linked_apps) if each is not None]
        return any(said) if self.linked is not None or any(said) else None


class Detector(BaseModel):
    """A monitor: what is watched. A metric's is turned into alerts by the workflows that it names."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    type: str
    enabled: bool
    workflow_ids: list[str] | None = Field(alias="workflowIds")
    sources: list[dict[str, Any]] | None = Field(alias="dataSources")
    conditions: dict[str, Any] | None = Field(alias="conditionGroup")
    config: dict[str, Any]


class Workflow(BaseModel):
    """An alert: when something is sent, and to whom."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    enabled: bool
    environment: str | None
    detector_ids: list[str] | None = Field(alias="detectorIds")
    triggers: dict[str, Any] | None
    filters: list[dict[str, Any]] | None = Field(alias="actionFilters")


class MetricRule(BaseModel):
    """A metric alert of before 2026."""

    model_config = ConfigDict(frozen=True)

    name: str
    aggregate: str
    query: str
    minutes: float = Field(alias="timeWindow")
    environment: str | None = None
    projects: list[str] | None = None
    kind: int | None = Field(0, alias="thresholdType")
    """0 above, 1 below."""
    snooze: bool | None = False
    triggers: list[dict[str, Any]]


class IssueRule(BaseModel):
    """An issue alert of before 2026."""

    model_config = ConfigDict(frozen=True)

    name: str
    environment: str | None = None
    conditions: list[dict[str, Any]]
    filters: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    action_match: str = Field(alias="actionMatch")
    status: str
    snooze: bool


class Project(BaseModel):
    """The project as a whole."""

    model_config = ConfigDict(frozen=True)

    id: str
    first_event: AwareDatetime | None = Field(alias="firstEvent")
    """None where nothing has ever arrived."""


class _Row(BaseModel):
    by: dict[str, Any]
    totals: dict[str, float]


class Sentry(System[monitoring.Sentry]):
    """One project of the organisation that the environment names under `sentry`."""

    LACK = (
        "no Sentry is configured",
        "set sentry.token, sentry.organization and sentry.project in the environment file",
    )

    def project(self) -> Project:
        """Fetch the project. Raises Unknown."""
        answer = self._get(self._project(""), {}).expect(_OK)
        return _typed(Project, answer.json(), answer)

    def issues(self, query: str, seconds: int) -> list[Issue]:
        """List the issues that match a search and had events in the last `seconds`. Raises Unknown."""
        words = {
            "query": query,
            "statsPeriod": f"{seconds}s",
            "limit": PER_PAGE,
            "project": self.settings.project,
            "environment": self.settings.environment,
            "expand": ["integrationIssues", "sentryAppIssues"],
        }
        return self._pages(Issue, self._organization("issues/"), words)

    def events(self, query: str, seconds: int) -> int:
        """Count the error events that match a search. Raises Unknown."""
        words = {
            "dataset": "errors",
            "field": "count()",
            "query": query,
            "statsPeriod": f"{seconds}s",
            "project": self.settings.project,
            "environment": self.settings.environment,
        }
        answer = self._get(self._organization("events/"), words).expect(_OK)
        found = answer.json()
        try:
            (row,) = found["data"]
            return TypeAdapter(int).validate_python(row["count()"])
        except (KeyError, TypeError, ValueError):
            raise Unknown(f"{answer.url} answered without one count", "is sentry.url right?") from None

    def dropped(self, hours: int) -> dict[str, float]:
        """Count the error events that were sent and not kept, by the way they were lost. Raises Unknown."""
        words = {
            "groupBy": "outcome",
            "field": "sum(quantity)",
            "category": "error",
            "interval": "1h",
            "statsPeriod": f"{hours}h",
            "project": self.project().id,
        }
        answer = self._get(self._organization("stats_v2/"), words).expect(_OK)
        found = answer.json()
        rows = _typed(list[_Row], found.get("groups") if isinstance(found, dict) else None, answer)
        totals = {str(row.by.get("outcome")): row.totals.get("sum(quantity)", 0.0) for row in rows}
        return {name: totals[name] for name in _UNCOUNTED if totals.get(name)}

    def detectors(self) -> list[Detector] | None:
        """List the monitors of the project; None on a server that has none yet. Raises Unknown."""
        return self._newer(Detector, "detectors/")

    def workflows(self) -> list[Workflow] | None:
        """List the alerts of the project; None on a server that has none yet. Raises Unknown."""
        return self._newer(Workflow, "workflows/")

    def metric_rules(self) -> list[MetricRule]:
        """List the metric alerts of an older server. Raises Unknown."""
        return self._pages(MetricRule, self._organization("alert-rules/"), {})

    def issue_rules(self) -> list[IssueRule]:
        """List the issue alerts of an older server. Raises Unknown."""
        return self._pages(IssueRule, self._project("rules/"), {})

    def _newer(self, kind: type[T], path: str) -> list[T] | None:
        where, words = self._organization(path), {"project": self.settings.project}
        first = self._get(where, words)
        if first.status == _NOT_FOUND:
            # Absent only if the same token sees what it would be part of.
            self._get(self._organization(""), {}).expect(_OK).json()
            return None
        return self._pages(kind, where, words, first)

    def _organization(self, path: str) -> str:
        return f"/organizations/{quote(self.settings.organization, safe='')}/{path}"

    def _project(self, path: str) -> str:
        names = (self.settings.organization, self.settings.project)
        return f"/projects/{'/'.join(quote(name, safe='') for name in names)}/{path}"

    def _pages(self, kind: type[T], path: str, words: Mapping[str, Any], first: Answer | None = None) -> list[T]:
        """Follow the pages to the last one."""
        found: list[T] = []
        answer = (first or self._get(path, words)).expect(_OK)
        for _ in range(PAGES_AT_MOST):
            found += _typed(list[kind], answer.json(), answer)  # type: ignore[valid-type]
            following = _NEXT.search(answer.headers.get("link", ""))
            if not following or (following[1] == "true" and not following[2]):
                raise Unknown(f"{answer.url} does not say whether there is another page", "what took its Link header?")
            if following[1] == "false":
                return found
            answer = self._get(path, {**words, "cursor": following[2]}).expect(_OK)
        raise Unknown(
            f"{answer.url} has more than {PAGES_AT_MOST} pages", "resolve or archive what is old, then run again"
        )

    def _get(self, path: str, words: Mapping[str, Any]) -> Answer:
        known = self.settings
        asked = f"?{urlencode(words, doseq=True)}" if words else ""
        return self._http.get(f"{known.url}/api/0{path}{asked}", token=known.token)


def _typed(kind: type[T], found: Any, answer: Answer) -> T:
    return typed(kind, found, answer, "Sentry", "sentry.url")
