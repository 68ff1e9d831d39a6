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
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Unknown
from readiness.transport.answer import Answer
from readiness.transport.system import System
from readiness.transport.typed import at_key, typed

_OK = 200
_NOT_FOUND = 404
PAGES_AT_MOST = 50
PER_PAGE = 100
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
        """When it was seen first of all, not only in the window that was asked for."""
        return self.lifetime.firstSeen or self.first_seen_here

    @property
    def tracked(self) -> bool | None:
        """Whether a tracker's issue is linked; None where the answer does not say."""
        if self.annotations or self.linked or self.linked_apps:
            return True
        # Only a server that knows `expand=integrationIssues` answers the list; without it, no link is no answer.
        return None if self.linked is None else False


class Detector(BaseModel):
    """A monitor: what is watched. A metric's is turned into alerts by the workflows that it names."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    type: str
    enabled: bool
    workflow_ids: list[str] | None = Field(alias="workflowIds")
    sources: list[JsonObject] | None = Field(alias="dataSources")
    conditions: JsonObject | None = Field(alias="conditionGroup")
    config: JsonObject


class Workflow(BaseModel):
    """An alert: when something is sent, and to whom."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    enabled: bool
    environment: str | None
    detector_ids: list[str] | None = Field(alias="detectorIds")
    triggers: JsonObject | None
    filters: list[JsonObject] | None = Field(alias="actionFilters")


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
    triggers: list[JsonObject]


class IssueRule(BaseModel):
    """An issue alert of before 2026."""

    model_config = ConfigDict(frozen=True)

    name: str
    environment: str | None = None
    conditions: list[JsonObject]
    filters: list[JsonObject]
    actions: list[JsonObject]
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
    by: JsonObject
    totals: dict[str, float]


class Sentry(System[monitoring.Sentry]):
    """One project of the organisation that the environment names under `sentry`."""

    NAME = "Sentry"
    LACK = (
        "no Sentry is configured",
        "set sentry.token, sentry.organization and sentry.project in the environment file",
    )

    def project(self) -> Project:
        """Return the project. Raises Unknown."""
        answer = self._get(self._project(""), {}).expect(_OK)
        return _typed(TypeAdapter(Project), answer.json(), answer)

    def issues(self, query: str, seconds: int) -> list[Issue]:
        """Return the issues that match a search and had events in the last `seconds`. Raises Unknown."""
        parameters = {
            "query": query,
            "statsPeriod": f"{seconds}s",
            "limit": PER_PAGE,
            "project": self.settings.project,
            "environment": self.settings.environment,
            "expand": ["integrationIssues", "sentryAppIssues"],
        }
        return self._pages(TypeAdapter(list[Issue]), self._organization("issues/"), parameters)

    def events(self, query: str, seconds: int) -> int:
        """Return how many error events of the last `seconds` match a search. Raises Unknown."""
        parameters = {
            "dataset": "errors",
            "field": "count()",
            "query": query,
            "statsPeriod": f"{seconds}s",
            "project": self.settings.project,
            "environment": self.settings.environment,
        }
        answer = self._get(self._organization("events/"), parameters).expect(_OK)
        document = answer.json()
        try:
            (row,) = document["data"]
            return TypeAdapter(int).validate_python(row["count()"])
        except (KeyError, TypeError, ValueError):
            raise Unknown(f"{answer.url} answered without one count", "is sentry.url right?") from None

    def dropped(self, hours: int) -> dict[str, float]:
        """Return how many error events of the last `hours` were sent and not kept, by Sentry's outcome.

        Outcomes without an event are left out. Raises Unknown.
        """
        parameters = {
            "groupBy": "outcome",
            "field": "sum(quantity)",
            "category": "error",
            "interval": "1h",
            "statsPeriod": f"{hours}h",
            "project": self.project().id,
        }
        answer = self._get(self._organization("stats_v2/"), parameters).expect(_OK)
        rows = _typed(TypeAdapter(list[_Row]), at_key(answer.json(), "groups"), answer)

        totals = {str(row.by.get("outcome")): row.totals.get("sum(quantity)", 0.0) for row in rows}
        return {outcome: totals[outcome] for outcome in _UNCOUNTED if totals.get(outcome)}

    def detectors(self) -> list[Detector] | None:
        """Return the monitors of the project; None on a server that is too old to have any. Raises Unknown."""
        return self._of_newer_server(TypeAdapter(list[Detector]), "detectors/")

    def workflows(self) -> list[Workflow] | None:
        """Return the alerts of the project; None on a server that is too old to have any. Raises Unknown."""
        return self._of_newer_server(TypeAdapter(list[Workflow]), "workflows/")

    def metric_rules(self) -> list[MetricRule]:
        """Return the metric alerts of an older server. Raises Unknown."""
        return self._pages(TypeAdapter(list[MetricRule]), self._organization("alert-rules/"), {})

    def issue_rules(self) -> list[IssueRule]:
        """Return the issue alerts of an older server. Raises Unknown."""
        return self._pages(TypeAdapter(list[IssueRule]), self._project("rules/"), {})

    def _of_newer_server(self, adapter: TypeAdapter[list[T]], path: str) -> list[T] | None:
        """Return the rows of a list that older servers do not have; None where it is missing. Raises Unknown."""
        where = self._organization(path)
        parameters = {"project": self.settings.project}

        first = self._get(where, parameters)
        if first.status != _NOT_FOUND:
            return self._pages(adapter, where, parameters, first)

        # Sentry answers 404 also for what a token may not see: the list is absent only if the same token sees the
        # organisation that it would be part of.
        self._get(self._organization(""), {}).expect(_OK).json()
        return None

    def _organization(self, path: str) -> str:
        return f"/organizations/{quote(self.settings.organization, safe='')}/{path}"

    def _project(self, path: str) -> str:
        organization = quote(self.settings.organization, safe="")
        project = quote(self.settings.project, safe="")
        return f"/projects/{organization}/{project}/{path}"

    def _pages(
        self, adapter: TypeAdapter[list[T]], path: str, parameters: Mapping[str, object], first: Answer | None = None
    ) -> list[T]:
        """Return the rows of all pages; `first` is the first page where it has been asked for already."""
        rows: list[T] = []
        answer = first or self._get(path, parameters)
        answer.expect(_OK)
        for _ in range(PAGES_AT_MOST):
            page = _typed(adapter, answer.json(), answer)
            rows += page

            # The link to the next page is there also on the last one; its `results` says whether it has any.
            link = _NEXT.search(answer.headers.get("link", ""))
            has_next = link[1] == "true" if link else None
            cursor = link[2] if link else None
            if has_next is None or (has_next and not cursor):
                raise Unknown(f"{answer.url} does not say whether there is another page", "what took its Link header?")
            if not has_next:
                return rows
            answer = self._get(path, {**parameters, "cursor": cursor}).expect(_OK)
        raise Unknown(
            f"{answer.url} has more than {PAGES_AT_MOST} pages",
            "resolve or archive what is old, then run again",
        )

    def _get(self, path: str, parameters: Mapping[str, object]) -> Answer:
        settings = self.settings
        query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        return self._http.get(f"{settings.url}/api/0{path}{query}", token=settings.token)


def _typed(adapter: TypeAdapter[T], value: Any, answer: Answer) -> T:
    return typed(adapter, value, answer, "Sentry", "sentry.url")
