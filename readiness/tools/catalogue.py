"""Which outside programs there are, and what each is needed for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """One program that the suite starts, but does not bring in its wheel."""

    name: str
    programs: tuple[str, ...]
    """What it is called on a machine; the first one that is there is taken."""
    package: str
    """The package of Debian and Ubuntu that has it."""
    release: str | None
    """The project whose release archives have it, as `pins.toml` names it; None: no archive has a published digest."""
    needed_for: str
    by_hand: str
    """How somebody installs it where nothing here can."""
    companions: tuple[str, ...] = ()
    """Packages that come with it, because what uses it here needs them."""
    is_of_lab: bool = False
    """Whether only `make lab` runs it: it is listed and fetched where somebody names it."""


TOOLS = (
    Tool(
        name="prometheus",
        programs=("prometheus",),
        package="prometheus",
        release="prometheus",
        needed_for="the sandbox's metrics: alert rules, a week of history, dashboards",
        by_hand="https://prometheus.io/download/",
    ),
    Tool(
        name="promtool",
        programs=("promtool",),
        package="prometheus",
        release="prometheus",
        needed_for="the history that the sandbox's Prometheus starts with, and tests of queries; comes with Prometheus",
        by_hand="https://prometheus.io/download/",
    ),
    Tool(
        name="alertmanager",
        programs=("prometheus-alertmanager", "alertmanager"),  # Debian's name, and the project's own
        package="prometheus-alertmanager",
        release="alertmanager",
        needed_for="the sandbox's alerts: routing, silences, the test alert that reaches its receiver",
        by_hand="https://prometheus.io/download/",
    ),
    Tool(
        name="chromium",
        programs=("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
        package="chromium",
        release=None,
        needed_for="`readiness sign-off --pdf`, and tests of the pages; no line needs it",
        by_hand="Chromium or Google Chrome, such that one of their names is on the PATH",
        companions=("libatomic1",),  # the Node in Playwright's wheel, by which the tests drive it, is linked to that
    ),
    Tool(
        name="pgbouncer",
        programs=("pgbouncer",),
        package="pgbouncer",
        release=None,
        needed_for="tests of what a pooler leaves of the limits of a statement; no line needs it",
        by_hand="PgBouncer, such that `pgbouncer` is on the PATH",
        is_of_lab=True,
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}
