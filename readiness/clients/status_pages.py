"""Status pages as people publish them, in the four shapes that are common.

Source: the published description of Statuspage's v2 (which incident.io answers too), Instatus' and Better Stack's
documents. No vendor's address is known here. What a page is made with is found out: where the first shape is answered
by 404, by HTML or by another document, the next is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from readiness.errors import wrong_value
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Unknown
from readiness.redaction.shown import shown
from readiness.transport.answer import Answer
from readiness.transport.http import Http
from readiness.transport.typed import at_key

OPERATIONAL = "operational"
_OVER = {"resolved", "postmortem", "completed"}
_FINE = {"none", "up", OPERATIONAL}
_GONE = {404, 410}
T = TypeVar("T")


@dataclass(frozen=True)
class Notice:
    """An incident or a maintenance, as the page has it."""

    name: str
    state: str
    text: str
    """Its name and all its updates."""
    components: tuple[str, ...] = ()
    updates: tuple[datetime, ...] | None = None
    """When it was published and updated; None where the page does not say."""
    begins: datetime | None = None
    ends: datetime | None = None

    @property
    def over(self) -> bool:
        """Whether it is past."""
        return self.state in _OVER


@dataclass(frozen=True)
class Page:
    """A status page."""

    name: str
    says: str
    """Its own word for the whole."""
    updated_at: datetime | None = None
    components: dict[str, list[str]] = field(default_factory=dict)
    """Name → the state of each of that name: some pages have one for each region."""
    incidents: tuple[Notice, ...] = ()
    maintenances: tuple[Notice, ...] = ()

    @property
    def fine(self) -> bool:
        """Whether the page says that all is well; a word that is not known is not fine."""
        return self.says in _FINE and not self.impaired

    @property
    def impaired(self) -> list[str]:
        """The components that do not work as they should, as `name: state`."""
        worst_states = {name: worst(states) for name, states in self.components.items()}
        return [f"{name}: {state}" for name, state in worst_states.items() if state != OPERATIONAL]


def worst(states: list[str]) -> str:
    """Return the first state that is not operational; "operational" where there is none."""
    for state in states:
        if state != OPERATIONAL:
            return state
    return OPERATIONAL


class Where(Protocol):
    """A page as the environment names it: a vendor's, or the service's own."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def kind(self) -> str | None:
        """What it is made with, a key of the known shapes; None where that is to be found out."""


class _OtherShape(Exception):
    """The document is no page of the shape that was tried; the message says why."""


class StatusPages:
    """Any status page."""

    def __init__(self, http: Http) -> None:
        self._http = http.asking("status page")

    def page(self, where: Where) -> Page:
        """Return a page, by the first shape that it has. Raises Unknown where it has none that is known."""
        shapes = {where.kind: _SHAPES[where.kind]} if where.kind else _SHAPES
        reasons: list[str] = []
        for kind, (path, read) in shapes.items():
            answer = self._http.get(where.url + path)
            try:
                return read(_document(answer))
            except _OtherShape as other:
                reasons.append(f"{kind}: {other}")
        raise Unknown(
            f"{where.url} is no status page in a known shape: {'; '.join(reasons)}",
            "look at it in a browser; its address may have changed",
        )

    def notices(self, where: Where) -> list[Notice]:
        """Return all incidents and maintenances of a page, also those that are over. Raises Unknown.

        Only Statuspage's shape lists them.
        """
        notices: list[Notice] = []
        for name in ("incidents", "scheduled-maintenances"):
            answer = self._http.get(f"{where.url}/api/v2/{name}.json")
            try:
                rows = at_key(_document(answer), name.replace("-", "_"))
                notices += [_notice(row) for row in _typed(TypeAdapter(list[_Notice]), rows)]
            except _OtherShape as other:
                raise Unknown(
                    f"{answer.url} does not list what was told: {other}", "attest the line, or move the page"
                ) from None
        return notices


def _document(answer: Answer) -> Any:
    """Return the JSON of an answer. Raises _OtherShape for what another kind of page answers, Unknown for a failure."""
    if answer.status in _GONE:
        raise _OtherShape(f"status {answer.status}")
    answer.expect(200)
    # Many pages answer their front page for a path that they do not know.
    if answer.text().lstrip().startswith("<"):
        raise _OtherShape("HTML")
    return answer.json()


def _typed(adapter: TypeAdapter[T], value: Any) -> T:
    """Return a part of a document as the adapter's type. Raises _OtherShape that names the first wrong place."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = shown(".".join(map(str, first["loc"])), 60) or "the document"
        raise _OtherShape(f"{place}: {wrong_value(first).lower()}") from None


class _About(BaseModel):
    name: str
    updated_at: AwareDatetime | None = None


class _Status(BaseModel):
    indicator: str


class _Component(BaseModel):
    name: str
    status: str
    group: bool = False


class _Update(BaseModel):
    body: str | None = ""
    created_at: AwareDatetime
    display_at: AwareDatetime | None = None


class _Notice(BaseModel):
    name: str
    status: str
    created_at: AwareDatetime
    incident_updates: list[_Update] = []
    components: list[_Component] | None = None
    scheduled_for: AwareDatetime | None = None
    scheduled_until: AwareDatetime | None = None


class _Statuspage(BaseModel):
    page: _About
    status: _Status
    components: list[_Component]
    incidents: list[_Notice]
    scheduled_maintenances: list[_Notice]


def _statuspage(document: Any) -> Page:
    summary = _typed(TypeAdapter(_Statuspage), document)

    states: dict[str, list[str]] = {}
    for component in summary.components:
        # A group repeats the worst state of its own components.
        if not component.group:
            states.setdefault(component.name, []).append(component.status)

    incidents = [_notice(incident) for incident in summary.incidents]
    return Page(
        name=summary.page.name,
        says=summary.status.indicator,
        updated_at=summary.page.updated_at,
        components=states,
        incidents=tuple(incident for incident in incidents if not incident.over),
        maintenances=tuple(_notice(maintenance) for maintenance in summary.scheduled_maintenances),
    )


def _notice(notice: _Notice) -> Notice:
    bodies = [update.body or "" for update in notice.incident_updates]
    # An update may be dated back by hand: `display_at` is what the page shows.
    updated = [update.display_at or update.created_at for update in notice.incident_updates]
    return Notice(
        name=notice.name,
        state=notice.status,
        text="\n".join([notice.name, *bodies]),
        components=tuple(component.name for component in notice.components or ()),
        updates=(notice.created_at, *updated),
        begins=notice.scheduled_for,
        ends=notice.scheduled_until,
    )


class _InstatusAbout(BaseModel):
    name: str
    status: str


class _InstatusNotice(BaseModel):
    name: str
    status: str
    started: AwareDatetime | None = None
    start: AwareDatetime | None = None
    duration: float | None = None
    """Minutes."""


class _Instatus(BaseModel):
    page: _InstatusAbout
    incidents: list[_InstatusNotice] = Field([], alias="activeIncidents")
    maintenances: list[_InstatusNotice] = Field([], alias="activeMaintenances")


def _instatus(document: Any) -> Page:
    """Return the page of Instatus' summary, which names no component; empty lists are left out of it."""
    summary = _typed(TypeAdapter(_Instatus), document)

    incidents = [_instatus_notice(incident) for incident in summary.incidents]
    return Page(
        name=summary.page.name,
        says=summary.page.status.lower(),
        incidents=tuple(incident for incident in incidents if not incident.over),
        maintenances=tuple(_instatus_maintenance(maintenance) for maintenance in summary.maintenances),
    )


def _instatus_notice(notice: _InstatusNotice) -> Notice:
    return Notice(notice.name, notice.status.lower(), text=notice.name)


def _instatus_maintenance(maintenance: _InstatusNotice) -> Notice:
    ends = None
    if maintenance.start and maintenance.duration:
        ends = maintenance.start + timedelta(minutes=maintenance.duration)
    return replace(_instatus_notice(maintenance), begins=maintenance.start, ends=ends)


class _BetterStackData(BaseModel):
    attributes: JsonObject


class _BetterStackPart(BaseModel):
    type: str
    attributes: JsonObject


class _BetterStack(BaseModel):
    data: _BetterStackData
    included: list[_BetterStackPart]


class _Resource(BaseModel):
    public_name: str
    status: str


class _Report(BaseModel):
    title: str
    report_type: str = "manual"
    aggregate_state: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None = None


class _Aggregate(BaseModel):
    company_name: str
    aggregate_state: str


def _betterstack(document: Any) -> Page:
    """Return the page of Better Stack's JSON:API document: the parts of a page are `included`, each by its type."""
    page = _typed(TypeAdapter(_BetterStack), document)
    aggregate = _typed(TypeAdapter(_Aggregate), page.data.attributes)
    states: dict[str, list[str]] = {}
    incidents: list[Notice] = []
    maintenances: list[Notice] = []
    for part in page.included:
        if part.type == "status_page_resource":
            resource = _typed(TypeAdapter(_Resource), part.attributes)
            states.setdefault(resource.public_name, []).append(resource.status)
        elif part.type == "status_report":
            report = _typed(TypeAdapter(_Report), part.attributes)
            is_over = report.ends_at is not None or report.aggregate_state == "resolved"
            if report.report_type == "maintenance":
                maintenances.append(_betterstack_notice(report))
            elif not is_over:
                incidents.append(_betterstack_notice(report))

    return Page(
        name=aggregate.company_name,
        says=aggregate.aggregate_state,
        components=states,
        incidents=tuple(incidents),
        maintenances=tuple(maintenances),
    )


def _betterstack_notice(report: _Report) -> Notice:
    return Notice(
        report.title,
        report.aggregate_state,
        text=report.title,
        begins=report.starts_at,
        ends=report.ends_at,
    )


class _Rootly(BaseModel):
    page: _About
    status: _Status


def _rootly(document: Any) -> Page:
    status = _typed(TypeAdapter(_Rootly), document)
    return Page(status.page.name, status.status.indicator, status.page.updated_at)


_SHAPES: dict[str, tuple[str, Callable[[Any], Page]]] = {
    "statuspage": ("/api/v2/summary.json", _statuspage),
    "instatus": ("/summary.json", _instatus),
    "betterstack": ("/index.json", _betterstack),
    "rootly": ("/api/v1/status.json", _rootly),
}
