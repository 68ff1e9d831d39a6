"""What spoils Prometheus itself: every line that is judged by its series must say that it cannot see."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.alerts import OWN, RECENT, RULES_OF_OTHERS
from readiness.sandbox.faults.business import EVENTS, USERS
from readiness.sandbox.faults.cache import HIT_RATIOS, WARM
from readiness.sandbox.faults.dashboards import PANELS
from readiness.sandbox.faults.infrastructure import DISKS, FORECASTS, USAGE
from readiness.sandbox.faults.signoff import INCIDENTS_OF_OTHERS
from readiness.sandbox.faults.slo import LEVELS, resumed, stopped
from readiness.sandbox.faults.workers import BACKLOGS, CRON_RAN
from readiness.sandbox.monitoring import FRONT, FRONT_UP

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

SERIES = (*LEVELS, *EVENTS, USERS, *USAGE, *FORECASTS, *HIT_RATIOS, *BACKLOGS, CRON_RAN)
"""What is judged by the front's series, from the launch on."""
ALERTS = (*OWN, *RULES_OF_OTHERS, RECENT)


@fault("smoke", "postlaunch", "ga", turns=turning("unknown", *SERIES))
def front_not_scraped(target: SandboxTarget) -> Iterator[None]:
    """Prometheus cannot read the front's metrics."""
    since = time.time() - 1
    target.front.status = 503
    stopped(target, FRONT)
    yield
    target.front.status = 200
    resumed(target)
    target.monitoring.forget(since, time.time(), FRONT_UP)
    target.monitoring.settle()


@fault(
    *("preflight", "smoke", "postlaunch", "ga"),
    turns=turning("unknown", *SERIES, *ALERTS, *INCIDENTS_OF_OTHERS, WARM) | turning("fail", *PANELS),
)
def prometheus_away(target: SandboxTarget) -> Iterator[None]:
    """Nobody listens where Prometheus was; the panels over it show an error."""
    target.monitoring.away()
    yield
    target.monitoring.back()


@fault("preflight", turns=turning("unknown", *ALERTS, *DISKS[1:], USERS, WARM, *PANELS))
def prometheus_denied(target: SandboxTarget) -> Iterator[None]:
    """Prometheus asks the probe for a password, and Grafana too."""
    target.monitoring.deny(denied=True)
    yield
    target.monitoring.deny(denied=False)
