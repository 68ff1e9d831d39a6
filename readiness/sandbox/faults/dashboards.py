"""What spoils the dashboards, or the look at them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.alerts import QUERIES, RECENT
from readiness.sandbox.vendors.grafana_dashboards import DATABASE, MAIN, REAL_TIME

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

ACCESSIBLE, RANGE = "dashboards.accessible[dashboard-accessible]", "dashboards.default_range[dashboard-range]"
LOADS, ACTIVE = "dashboards.panels_have_data[dashboard-panels-load]", "dashboards.panels_have_data[dashboard-active]"
OTHERS = "dashboards.{}[launch400k/dashboards:{}]"
OF_EACH = ("accessible", "panels_have_data")
NAMES = ("real-time metrics", "database performance", "user activity", "error tracking")
PREFLIGHT = (
    *(ACCESSIBLE, RANGE, LOADS),
    *(OTHERS.format(check, name) for check in OF_EACH for name in NAMES),
)
PANELS = (LOADS, ACTIVE, *(OTHERS.format("panels_have_data", name) for name in NAMES))


@fault("preflight", "smoke", turns=turning("fail", ACCESSIBLE, RANGE, LOADS, ACTIVE))
def dashboard_gone(target: SandboxTarget) -> Iterator[None]:
    """Somebody deleted the dashboard."""
    grafana = target.watchers.grafana
    before = dict(grafana.dashboards)
    del grafana.dashboards[MAIN]
    yield
    grafana.dashboards = before


@fault("preflight", turns=turning("fail", *(OTHERS.format(check, NAMES[1]) for check in OF_EACH)))
def dashboard_of_the_launch_gone(target: SandboxTarget) -> Iterator[None]:
    """Somebody deleted one of the dashboards that a launch is watched by."""
    grafana = target.watchers.grafana
    before = dict(grafana.dashboards)
    del grafana.dashboards[DATABASE]
    yield
    grafana.dashboards = before


@fault("preflight", turns=turning("unknown", *(OTHERS.format(c, NAMES[1]) for c in OF_EACH)))
def dashboard_forbidden(target: SandboxTarget) -> Iterator[None]:
    """The service account lost the folder of one dashboard."""
    target.watchers.grafana.hidden.add(DATABASE)
    yield
    target.watchers.grafana.hidden.clear()


@fault("preflight", turns={RANGE: "fail"})
def dashboard_range_changed(target: SandboxTarget) -> Iterator[None]:
    """The dashboard was saved with the last hour."""
    times = target.watchers.grafana.dashboards[MAIN]["time"]
    times["from"] = "now-1h"
    yield
    times["from"] = "now-24h"


@fault("preflight", "smoke", turns=turning("fail", LOADS, ACTIVE))
def panel_empty(target: SandboxTarget) -> Iterator[None]:
    """A metric that a folded panel shows is no longer emitted."""
    target.front.hidden.add("process_start_time_seconds")
    target.monitoring.settle()
    yield
    target.front.hidden.discard("process_start_time_seconds")
    target.monitoring.settle()


@fault("preflight", turns={OTHERS.format("panels_have_data", NAMES[0]): "fail"})
def panel_in_error(target: SandboxTarget) -> Iterator[None]:
    """A panel's query no longer parses."""
    (query,) = target.watchers.grafana.panel(REAL_TIME, "Cache hits")["targets"]
    before, query["expr"] = query["expr"], "sum(rate(cache_requests_total[5m])"
    yield
    query["expr"] = before


@fault("preflight", turns={OTHERS.format("panels_have_data", NAMES[0]): "fail"})
def panel_of_another_product(target: SandboxTarget) -> Iterator[None]:
    """The dashboard opens with a variable's value that has no series."""
    (codes, _) = target.watchers.grafana.dashboards[REAL_TIME]["templating"]["list"]
    before, codes["current"] = codes["current"], {"text": ["418"], "value": ["418"]}
    yield
    codes["current"] = before


@fault("preflight", turns=turning("unknown", *PREFLIGHT, QUERIES, RECENT))
def grafana_away(target: SandboxTarget) -> Iterator[None]:
    """Grafana's port refuses."""
    target.watchers.webs["GRAFANA"].stop()
    yield
    target.watchers.webs["GRAFANA"].restart()


@fault("smoke", turns={ACTIVE: "unknown"})
def grafana_shows_a_sign_in(target: SandboxTarget) -> Iterator[None]:
    """Grafana answers HTML with status 200."""
    target.watchers.grafana.html = True
    yield
    target.watchers.grafana.html = False


@fault("preflight", turns=turning("unknown", *PREFLIGHT, QUERIES, RECENT))
def grafana_denied(target: SandboxTarget) -> Iterator[None]:
    """The service account's token was renewed, and nobody told the probe."""
    grafana = target.watchers.grafana
    before, grafana.token = grafana.token, "glsa_of_somebody_else"
    yield
    grafana.token = before
