"""Status pages as people publish them, in the four shapes that are common.

Source: the published description of Statuspage's v2 (which incident.io answers too), Instatus' and Better Stack's
documents. No vendor's address is known here. What a page is made with is found out: where the first shape is answered
by 404, by HTML or by another document, the next is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from readiness.outcomes import Unknown
from readiness.transport.answer import Answer
from readiness.transport.http import Http

OPERATIONAL = "operational"
_OVER = {"resolved", "postmortem", "completed"}
_FINE = {"none", "up", OPERATIONAL}
_GONE = {404, 410}
T = TypeVar("T")


@dataclass(frozen=True)
class Notice:
    """An incident or a maintenance, as the page tells it."""

    name: str
    state: str
    text: str
    """Its name and all its updates."""
    components: tuple[str, ...] = ()
    updates: tuple[datetime, ...] | None = None
    """When it was told of; None where the page does not say."""
    begins: datetime | None = None
    ends: datetime | None = None

    @property
    def over(self) -> bool:
        """Tell whether it is past."""
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
        """Tell whether the page says that all is well; a word that is not known is not fine."""
        return self.says in _FINE and not self.impaired

    @property
    def impaired(self) -> list[str]:
        """Name the components that do not work as they should."""
        return [f"{name}: {worst(states)}" for name, states in self.components.items() if worst(states) != OPERATIONAL]


def worst(states: list[str]) -> str:
    """Give the state that is not operational, if there is one."""
    return next((state for state in states if state != OPERATIONAL), OPERATIONAL)


class Where(Protocol):
    """What is known of a page: a vendor's, or the service's own."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def kind(self) -> str | None:
        """What it is made with."""


class _OtherShape(Exception):
    """It is no page of this kind; why."""


class StatusPages:
    """Any status page."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def page(self, where: Where) -> Page:
        """Read a page. Raises Unknown."""
        shapes = {where.kind: _SHAPES[where.kind]} if where.kind else _SHAPES
        why: list[str] = []
        for kind, (path, read) in shapes.items():
            answer = self._http.get(where.url + path)
            try:
                return read(_document(answer))
            except _OtherShape as other:
                why.append(f"{kind}: {other}")
        raise Unknown(
            f"{where.url} is no status page in a known shape: {'; '.join(why)}",
            "look at it in a browser; its address may have changed",
        )

    def told(self, where: Where) -> list[Notice]:
        """List what a page has told, also what is over; of Statuspage's shape alone. Raises Unknown."""
        found: list[Notice] = []
        for name in ("incidents", "scheduled-maintenances"):
            answer = self._http.get(f"{where.url}/api/v2/{name}.json")
            try:
                document = _document(answer)
                notices = document.get(name.replace("-", "_")) if isinstance(document, dict) else None
                found += [_notice(one) for one in _typed(list[_Notice], notices)]
            except _OtherShape as other:
                raise Unknown(
                    f"{answer.url} does not list what was told: {other}", "attest the line, or move the page"
                ) from None
        return found


def _document(answer: Answer) -> Any:
    if answer.status in _GONE:
        raise _OtherShape(f"status {answer.status}")
    answer.expect(200)
    if answer.text().lstrip().startswith("<"):
        raise _OtherShape("HTML")
    return answer.json()


def _typed(kind: type[T], found: Any) -> T:
    try:
        return TypeAdapter(kind).validate_python(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))[:60] or "the document"
        raise _OtherShape(f"{place}: {first['msg'].lower()}") from None


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
    found = _typed(_Statuspage, document)
    states: dict[str, list[str]] = {}
    for one in found.components:
        if not one.group:  # it repeats the worst of its own
            states.setdefault(one.name, []).append(one.status)
    notices = [_notice(one) for one in found.incidents]
    planned = tuple(_notice(one) for one in found.scheduled_maintenances)
    return Page(
        *(found.page.name, found.status.indicator, found.page.updated_at, states),
        *(tuple(one for one in notices if not one.over), planned),
    )


def _notice(one: _Notice) -> Notice:
    return Notice(
        one.name,
        one.status,
        "\n".join([one.name, *(update.body or "" for update in one.incident_updates)]),
        tuple(component.name for component in one.components or ()),
        (one.created_at, *(update.display_at or update.created_at for update in one.incident_updates)),
        one.scheduled_for,
        one.scheduled_until,
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
    """Take its summary, which names no component; empty lists are left out of it."""
    found = _typed(_Instatus, document)
    planned = tuple(
        Notice(
            *(one.name, one.status.lower(), one.name),
            begins=one.start,
            ends=one.start + timedelta(minutes=one.duration) if one.start and one.duration else None,
        )
        for one in found.maintenances
    )
    notices = (Notice(one.name, one.status.lower(), one.name) for one in found.incidents)
    open_ones = tuple(one for one in notices if not one.over)
    return Page(found.page.name, found.page.status.lower(), incidents=open_ones, maintenances=planned)


class _BetterStackData(BaseModel):
    attributes: dict[str, Any]


class _BetterStackPart(BaseModel):
    type: str
    attributes: dict[str, Any]


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
    found = _typed(_BetterStack, document)
    whole = _typed(_Aggregate, found.data.attributes)
    states: dict[str, list[str]] = {}
    incidents: list[Notice] = []
    maintenances: list[Notice] = []
    for part in found.included:
        if part.type == "status_page_resource":
            resource = _typed(_Resource, part.attributes)
            states.setdefault(resource.public_name, []).append(resource.status)
        elif part.type == "status_report":
            one = _typed(_Report, part.attributes)
            told = Notice(one.title, one.aggregate_state, one.title, begins=one.starts_at, ends=one.ends_at)
            if one.report_type == "maintenance":
                maintenances.append(told)
            elif one.ends_at is None and one.aggregate_state != "resolved":
                incidents.append(told)
    return Page(
        *(whole.company_name, whole.aggregate_state, None, states),
        *(tuple(incidents), tuple(maintenances)),
    )


class _Rootly(BaseModel):
    page: _About
    status: _Status


def _rootly(document: Any) -> Page:
    found = _typed(_Rootly, document)
    return Page(found.page.name, found.status.indicator, found.page.updated_at)


_SHAPES: dict[str, tuple[str, Callable[[Any], Page]]] = {
    "statuspage": ("/api/v2/summary.json", _statuspage),
    "instatus": ("/summary.json", _instatus),
    "betterstack": ("/index.json", _betterstack),
    "rootly": ("/api/v1/status.json", _rootly),
}
