"""The dashboards can be opened, and they show something."""

import pytest

from readiness import Limits, Measure
from readiness.observations.dashboards import DashboardFound, PanelsSeen, Range


class OneDashboard(Limits):
    dashboard: str  # its name in grafana.dashboards of the environment


class DefaultRange(OneDashboard):
    range: Range


@pytest.mark.preflight
def test_accessible(grafana_dashboard: DashboardFound, limits: OneDashboard, measure: Measure) -> None:
    """The dashboard can be opened.

    Remedy: restore the dashboard, or correct its uid in grafana.dashboards of the environment.
    """
    measure(grafana_dashboard.found, f"the dashboard {limits.dashboard} is there").is_(True)


@pytest.mark.preflight
def test_default_range(grafana_dashboard: DashboardFound, limits: DefaultRange, measure: Measure) -> None:
    """The dashboard opens with the range that the on-call needs.

    Remedy: choose the range in Grafana and save the dashboard with it.
    """
    measure(grafana_dashboard.range or "the dashboard is gone", "default range").is_(limits.range)


@pytest.mark.preflight
@pytest.mark.smoke
def test_panels_have_data(dashboard_panels: PanelsSeen, limits: OneDashboard, measure: Measure) -> None:
    """Every panel of the dashboard shows data.

    Remedy: open the dashboard: is the metric still emitted under this name, and does the data source answer?
    """
    measure(dashboard_panels.asked, f"panels of {limits.dashboard} that show data").at_least(1)
    measure(dashboard_panels.without_data, f"panels of {dashboard_panels.title} without data").is_none_of_them()
