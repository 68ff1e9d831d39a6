"""What the vendors say of themselves on their status pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readiness.clients.status_pages import OPERATIONAL, Notice, Page, StatusPages, worst
from readiness.environment.communication import StatusPage
from readiness.environment.schema import Environment
from readiness.errors import nearest
from readiness.observations import observation
from readiness.observations.communication import mentions
from readiness.observations.needs import need
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.shown import shown
from readiness.sources.readings import Readings

STALE = timedelta(days=30)
"""A page that nothing has changed on for so long is not kept."""
SHOWN = 80
_ACTIVE = {"true", "yes", "on", "active", "open"}
"""`open` is what a circuit breaker says."""


@dataclass(frozen=True)
class VendorOutages:
    """What does not work at the vendors, of that which the service depends on."""

    vendors: int
    outages: list[str]
    elsewhere: list[str]
    """What does not work there, and the service does not need."""


@need("status_pages.{vendor}")
def pages_of_vendors(environment: Environment, vendor: str) -> dict[str, StatusPage]:
    """Return the pages that are asked: the vendor's, or all where the line names none. Raises NotConfigured."""
    pages = environment.status_pages
    if not vendor and not pages:
        raise NotConfigured("no vendor's status page is named", "set status_pages in the environment file")
    if vendor and vendor not in pages:
        near = nearest(vendor, pages)
        hint = f"; did you mean {near}?" if near else ""
        raise NotConfigured(
            f"no status page of {vendor} is named{hint}", f"set status_pages.{vendor}.url in the environment file"
        )
    return {vendor: pages[vendor]} if vendor else pages


@observation(needs=pages_of_vendors)
def vendor_outages(
    status_pages: StatusPages, readings: Readings, environment: Environment, vendor: str
) -> VendorOutages:
    """Return the outages of a vendor; of every vendor that the environment names, where the line names none."""
    pages = pages_of_vendors(environment, vendor)
    outages: list[str] = []
    elsewhere: list[str] = []
    unreadable: list[Unknown] = []
    for name, where in pages.items():
        try:
            needed, not_needed = _impairments(name, where, status_pages.page(where))
        except Unknown as unknown:
            unreadable.append(unknown)
            continue

        # The fallback is asked for only where it matters.
        fallback = _fallback(readings, where) if needed else ""
        outages += [f"{name}: {impairment}{fallback}" for impairment in needed]
        elsewhere += [f"{name}: {impairment}" for impairment in not_needed]

    # An outage that is seen is one, whatever the pages say that could not be read.
    if unreadable and not outages:
        raise unreadable[0]
    return VendorOutages(len(pages), outages, elsewhere)


def _impairments(name: str, where: StatusPage, page: Page) -> tuple[list[str], list[str]]:
    """Return what is impaired and needed, and what is impaired and not needed. Raises Unknown for a page not kept."""
    if where.components:
        needed, not_needed = _impairments_by_component(name, where, page)
    else:
        needed = _impairments_of_page(page)
        not_needed = []

    # A page that says that all is well, and has said so for a month, may have moved.
    is_stale = page.updated_at is not None and datetime.now(UTC) - page.updated_at > STALE
    if is_stale and not needed:
        raise Unknown(
            f"{where.url} was last changed on {page.updated_at:%Y-%m-%d}", "has the page moved? correct its url"
        )
    return needed, not_needed


def _impairments_of_page(page: Page) -> list[str]:
    """Return all that a page has: without named components everything is needed."""
    impairments = [*page.impaired, *map(_incident_text, page.incidents)]
    if not impairments and not page.fine:
        return [f"the page says {page.says}"]
    return impairments


def _impairments_by_component(name: str, where: StatusPage, page: Page) -> tuple[list[str], list[str]]:
    """Return what is impaired of the components that the environment names, and what else. Raises Unknown."""
    for component in where.components:
        if component not in page.components:
            near = nearest(component, page.components)
            hint = f"; did you mean {near}?" if near else ""
            raise Unknown(
                f"{where.url} names no component {component}{hint}", f"correct status_pages.{name}.components"
            )

    states = {component: worst(page.components[component]) for component in where.components}
    needed = [f"{component}: {state}" for component, state in states.items() if state != OPERATIONAL]
    not_needed = [impairment for impairment in page.impaired if impairment not in needed]

    for incident in page.incidents:
        # Some pages name no component with an incident: then its words do, or it is not ours.
        names_ours = bool(set(incident.components) & set(where.components))
        if names_ours or mentions(incident.text, where.components):
            needed.append(_incident_text(incident))
        else:
            not_needed.append(_incident_text(incident))
    return needed, not_needed


def _incident_text(incident: Notice) -> str:
    return f"{shown(incident.name, SHOWN)} ({incident.state})"


def _fallback(readings: Readings, where: StatusPage) -> str:
    """Return a clause on whether the service does without the vendor now."""
    if where.fallback is None:
        return "; no fallback is named"
    try:
        value = readings.value(readings.named(where.fallback))
    except Unknown as unknown:
        return f"; whether the fallback is active is unknown: {unknown.reason}"
    if str(value).lower() in _ACTIVE:
        return "; its fallback is active"
    return "; its fallback is NOT active"
