"""What the vendors say of themselves on their status pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readiness.clients.status_pages import OPERATIONAL, Page, StatusPages, worst
from readiness.environment.communication import StatusPage
from readiness.environment.schema import Environment
from readiness.errors import nearest
from readiness.observations import observation
from readiness.observations.communication import mentions
from readiness.observations.needs import need
from readiness.outcomes import NotConfigured, Unknown
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
    known = environment.status_pages
    if not vendor and not known:
        raise NotConfigured("no vendor's status page is named", "set status_pages in the environment file")
    if vendor and vendor not in known:
        near = nearest(vendor, known)
        hint = f"; did you mean {near}?" if near else ""
        raise NotConfigured(
            f"no status page of {vendor} is named{hint}", f"set status_pages.{vendor}.url in the environment file"
        )
    return {vendor: known[vendor]} if vendor else known


@observation(needs=pages_of_vendors)
def vendor_outages(
    status_pages: StatusPages, readings: Readings, environment: Environment, vendor: str
) -> VendorOutages:
    """Read the status page of a vendor; of every vendor that the environment names, where the line names none."""
    pages = pages_of_vendors(environment, vendor)
    outages: list[str] = []
    elsewhere: list[str] = []
    unread: list[Unknown] = []
    for name, where in pages.items():
        try:
            bad, beside = _judged(name, where, status_pages.page(where))
        except Unknown as unknown:
            unread.append(unknown)
            continue
        told = _fallback(readings, where) if bad else ""
        outages += [f"{name}: {one}{told}" for one in bad]
        elsewhere += [f"{name}: {one}" for one in beside]
    if unread and not outages:  # an outage that is seen is one, whatever the other pages say
        raise unread[0]
    return VendorOutages(len(pages), outages, elsewhere)


def _judged(name: str, where: StatusPage, page: Page) -> tuple[list[str], list[str]]:
    """Part what does not work into that which is needed and that which is not."""
    if where.components:
        bad, beside = _of_components(name, where, page)
    else:
        incidents = [f"{one.name[:SHOWN]} ({one.state})" for one in page.incidents]
        bad, beside = [*page.impaired, *incidents], []
        bad = bad or ([] if page.fine else [f"the page says {page.says}"])
    if not bad and page.updated_at and datetime.now(UTC) - page.updated_at > STALE:
        raise Unknown(
            f"{where.url} was last changed on {page.updated_at:%Y-%m-%d}", "has the page moved? correct its url"
        )
    return bad, beside


def _of_components(name: str, where: StatusPage, page: Page) -> tuple[list[str], list[str]]:
    for component in where.components:
        if component not in page.components:
            near = nearest(component, page.components)
            hint = f"; did you mean {near}?" if near else ""
            raise Unknown(
                f"{where.url} names no component {component}{hint}", f"correct status_pages.{name}.components"
            )
    states = {component: worst(page.components[component]) for component in where.components}
    bad = [f"{component}: {state}" for component, state in states.items() if state != OPERATIONAL]
    beside = [one for one in page.impaired if one not in bad]
    for one in page.incidents:
        # Some pages name no component with an incident: then its words do, or it is not ours.
        ours = set(one.components) & set(where.components) or mentions(one.text, where.components)
        (bad if ours else beside).append(f"{one.name[:SHOWN]} ({one.state})")
    return bad, beside


def _fallback(readings: Readings, where: StatusPage) -> str:
    """Tell whether the service does without the vendor now."""
    if where.fallback is None:
        return "; no fallback is named"
    try:
        found = readings.value(readings.named(where.fallback))
    except Unknown as unknown:
        return f"; whether the fallback is active is unknown: {unknown.reason}"
    return f"; its fallback is {'' if str(found).lower() in _ACTIVE else 'NOT '}active"
