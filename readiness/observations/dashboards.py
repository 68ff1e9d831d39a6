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

_BACK = re.compile(r"now-(\d+)([smhdw])$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def plain_range(text: str) -> str:
    """Write the same span in one way only: now-1d is now-24h."""
    found = _BACK.match(text)
    if not found:
        return text
    seconds = int(found[1]) * _SECONDS[found[2]]
    unit = next(name for name in ("h", "m", "s") if seconds % _SECONDS[name] == 0)
    return f"now-{seconds // _SECONDS[unit]}{unit}"


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
    """Open a dashboard."""
    found = grafana.dashboard(grafana.uid_of(dashboard))
    if found is None:
        return DashboardFound(dashboard, found=False)
    span = plain_range(found.since) + ("" if found.until == "now" else f" to {found.until}")
    return DashboardFound(dashboard, found=True, title=found.title, range=span)


@observation(needs=dashboard_uid)
def dashboard_panels(grafana: Grafana, dashboard: str) -> PanelsSeen:
    """Ask what each panel of a dashboard asks, as it stands when it is opened."""
    found = grafana.dashboard(grafana.uid_of(dashboard))
    if found is None:
        return PanelsSeen(dashboard, 0, ["the dashboard is gone"])
    known = panels(found, grafana.library_panel, cache(grafana.data_sources))
    faults = [f"{panel.title}: {fault}" for panel in known if (fault := _fault(grafana, panel))]
    return PanelsSeen(found.title, len(known), faults)


def _fault(grafana: Grafana, panel: Panel) -> str:
    """Say what is wrong with a panel, or nothing."""
    if not panel.questions:
        return "asks nothing"
    empty: list[str] = []
    for question in panel.questions:
        results = grafana.query(question.queries, question.since, question.until)
        for name in sorted(question.shown):
            if results[name].error:
                return f"in error: {results[name].error}"
            if not results[name].values:
                empty.append(name)
    return f"no data in {', '.join(empty)}" if empty else ""
