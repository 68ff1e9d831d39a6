"""The plan: each line, when and how it is decided, and whether the environment has all that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import pytest

from readiness.clients import Clients
from readiness.environment import Environment
from readiness.measurements import show
from readiness.observations import KNOWN_READINGS, OBSERVATIONS
from readiness.plugin.looking import make_pool
from readiness.plugin.run import ITEM, RUN, Run
from readiness.runbook import Item, planned_checks
from readiness.timeline import AFTER_SIGN_OFF, parse_offset

SECTIONS = {"postgres": "postgres", "storage": "storage", "exposition": "metrics"}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> Iterator[None]:
    """Show the plan in place of pytest's list of items."""
    config = session.config
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if RUN not in config.stash or not config.option.collectonly or reporter is None or session.testsfailed:
        return (yield)
    result = yield
    run = config.stash[RUN]
    pool = make_pool(run)
    nodes = {node.stash[ITEM].key: node for node in session.items if ITEM in node.stash}
    for line in plan(run, nodes, pool.clients):
        reporter.write_line(line)
    return result


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say nothing; the plan does."""
    del config
    return []


def plan(run: Run, nodes: dict[tuple[str, str, str | None], pytest.Item], clients: Clients) -> Iterator[str]:
    """Write the plan, line by line."""
    launch = run.environment.launch_at
    yield f"plan of {run.environment.environment}: {run.phase or 'all phases'}, launch {launch or 'not set'}"
    for runbook in run.runbooks:
        yield f"\n{runbook.title} ({runbook.runbook})"
        for ref, items in groupby(runbook.items(run.phase), key=lambda item: item.line.ref):
            yield f"\n  {ref}"
            for item in items:
                yield from _entry(run, item, nodes.get(item.key), clients)
    yield ""


def _entry(run: Run, item: Item, node: pytest.Item | None, clients: Clients) -> Iterator[str]:
    yield f"    {item.local_id}: {item.line.says}"
    limits = f" with {show(item.limits)}" if item.limits else ""
    yield f"      {item.line.gate} · {' '.join(item.line.phase)} · {_due(run, item)} · {item.check}{limits}"
    yield f"      {_state(run, item, node, clients)}"


def _due(run: Run, item: Item) -> str:
    due, launch = item.line.due, run.environment.launch_at
    if due is None:
        return "always due"
    if due == AFTER_SIGN_OFF or launch is None:
        return f"due {due}"
    return f"due {due} ({launch + parse_offset(due):%Y-%m-%d %H:%M}Z)"


def _state(run: Run, item: Item, node: pytest.Item | None, clients: Clients) -> str:
    reason = run.environment.not_applicable.get(item.line_id)
    if reason:
        return f"not applicable: {reason}"
    if item.check in planned_checks():
        return "no check yet: will be unknown"
    if node is None:
        return "not selected"
    missing = sorted(set(_missing(node, run.environment, clients)))
    return f"not configured: set {', '.join(missing)}" if missing else "configured"


def _missing(node: pytest.Item, environment: Environment, clients: Clients) -> Iterator[str]:
    for name in getattr(node, "fixturenames", ()):
        if name not in OBSERVATIONS:
            continue
        found = OBSERVATIONS[name]
        for need, section in SECTIONS.items():
            if need in found.needs and getattr(environment, section) is None:
                yield section
        if "launch_at" in found.needs and environment.launch_at is None:
            yield "launch_at"
        for known in KNOWN_READINGS.values():
            asks = known.name in found.look.__code__.co_names or known.name.upper() in found.look.__code__.co_names
            if asks and not clients.readings.configured(known):
                yield f"readings.{known.name}"
