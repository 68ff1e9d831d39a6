"""What Grafana shows: dashboards, and whether their panels have data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from pydantic import AfterValidator

from readiness.clients.grafana import Grafana
from readiness.clients.grafana_panels import Panel, panels
from readiness.observations import observation
from readiness.observations.needs import need

_BACK = re.compile(r"now-([0-9]+)([smhdw])$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def plain_range(text: str) -> str:
    """Return a relative time in the largest of hours, minutes and seconds that is whole: now-1d is now-24h."""
    match = _BACK.match(text)
    if not match:
        return text

    seconds = int(match[1]) * _SECONDS[match[2]]
    for unit in ("h", "m"):
        if seconds % _SECONDS[unit] == 0:
            return f"now-{seconds // _SECONDS[unit]}{unit}"
    return f"now-{seconds}s"


Range = Annotated[str, AfterValidator(plain_range)]


@dataclass(frozen=True)
class DashboardFound:
    """Whether a dashboard is there, and the range that it opens with."""

    name: str
    found: bool
    title: str = ""
    range: str = ""


@dataclass(frozen=True)
class PanelsSeen:
    """How many panels of a dashboard show data, and which should and do not."""

    title: str
    asked: int
    without_data: list[str]
    """The panels without data or in error, with the reason."""


@need("grafana.dashboards.{dashboard}")
def dashboard_uid(grafana: Grafana, dashboard: str) -> str:
    """Return the uid of a dashboard by its name in the runbook. Raises NotConfigured."""
    return grafana.uid_of(dashboard)


@observation(needs=dashboard_uid)
def grafana_dashboard(grafana: Grafana, dashboard: str) -> DashboardFound:
    """Return whether a dashboard of the runbook exists, with its title and default range."""
    stored = grafana.dashboard(grafana.uid_of(dashboard))
    if stored is None:
        return DashboardFound(dashboard, found=False)

    default_range = plain_range(stored.since)
    if stored.until != "now":
        default_range += f" to {stored.until}"
    return DashboardFound(dashboard, found=True, title=stored.title, range=default_range)


@observation(needs=dashboard_uid)
def dashboard_panels(grafana: Grafana, dashboard: str) -> PanelsSeen:
    """Return which panels of a dashboard show no data, asked as they are when it is opened."""
    stored = grafana.dashboard(grafana.uid_of(dashboard))
    if stored is None:
        return PanelsSeen(dashboard, 0, ["the dashboard is gone"])

    # Fetched once, and only if a panel names its data source by anything but the uid.
    data_sources = cache(grafana.data_sources)
    data_panels = panels(stored, grafana.library_panel, data_sources)
    without_data: list[str] = []
    for panel in data_panels:
        fault = _fault(grafana, panel)
        if fault:
            without_data.append(f"{panel.title}: {fault}")
    return PanelsSeen(stored.title, len(data_panels), without_data)


def _fault(grafana: Grafana, panel: Panel) -> str:
    """Return what is wrong with a panel, or an empty text; an error outweighs queries without data."""
    if not panel.questions:
        return "asks nothing"

    empty: list[str] = []
    for question in panel.questions:
        results = grafana.query(question.queries, question.since, question.until)
        for ref in sorted(question.shown):
            result = results[ref]
            if result.error:
                return f"in error: {result.error}"
            if not result.values:
                empty.append(ref)
    if empty:
        return f"no data in {', '.join(empty)}"
    return ""
