"""The plan: each line, when and how it is decided, and whether the environment has all that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import pytest

from readiness.environment.schema import KnownReading
from readiness.measurements import show
from readiness.observations import OBSERVATIONS, Observation
from readiness.outcomes import DecisionKey
from readiness.plugin.page import wrapped
from readiness.plugin.run import Run
from readiness.plugin.session import SESSION, STATE
from readiness.runbook.lines import Item, planned_checks
from readiness.sources.table import Clients
from readiness.timeline import AFTER_SIGN_OFF, parse_offset

SECTIONS = {"postgres": "postgres", "storage": "storage", "exposition": "metrics"}
"""Client → the section of the environment that configures it."""
PEOPLE = {"pagerduty": "pagerduty", "roster": "team"}
"""Of these one is enough where an observation looks at both."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> Iterator[None]:
    """Show the plan in place of pytest's list of items."""
    config = session.config
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if SESSION not in config.stash or not config.option.collectonly or reporter is None or session.testsfailed:
        return (yield)
    items, session.items = session.items, []
    result = yield
    session.items = items
    nodes = {node.stash[STATE].item.key: node for node in items if STATE in node.stash}
    run_session = config.stash[SESSION]
    for line in plan(run_session.run, nodes, run_session.observer.clients):
        for part in wrapped(line, max(60, reporter._tw.fullwidth)):  # noqa: SLF001  no public way to the width
            reporter.write_line(part)
    return result


def plan(run: Run, nodes: dict[DecisionKey, pytest.Item], clients: Clients) -> Iterator[str]:
    """Write the plan, line by line."""
    launch = run.environment.launch_at
    yield f"plan of {run.environment.environment}: {run.phase or 'all phases'}"
    yield f"launch {f'{launch:%Y-%m-%d %H:%M}Z' if launch else 'not set: everything is due'}"
    states: dict[str, int] = {}
    for runbook in run.runbooks:
        yield f"\n{runbook.title} ({runbook.runbook})"
        for ref, items in groupby(runbook.items(run.phase), key=lambda item: item.line.ref):
            yield f"\n  {ref}"
            for item in items:
                state = _state(run, item, nodes.get(item.key), clients)
                word = state.partition(":")[0]
                states[word] = states.get(word, 0) + 1
                yield from _entry(run, item, state)
    yield f"\n{', '.join(f'{number} {word}' for word, number in states.items())}\n"


def _entry(run: Run, item: Item, state: str) -> Iterator[str]:
    yield f"    {run.local_id(item)}: {item.line.says}"
    limits = f" with {show(item.limits)}" if item.limits else ""
    yield f"         {item.line.gate}, {' '.join(item.line.phase)}, {_due(run, item)}, {item.check}{limits}"
    yield f"         {state}"


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
    waiver = run.waivers.waivers.get(run.waivers.name_for(item.name) or "")
    if waiver and waiver.covers(run.phase) and not waiver.lapsed(run.moment):
        return f"waived: where it fails, until {waiver.until}, by {waiver.approved_by}"
    word = run.attestations.of(item.name)
    lapsed = word.lapsed(run.moment) if word else None
    attested = f"attested: {word.summary.removeprefix('attested ')}" if word and not lapsed else ""
    if item.check in planned_checks():
        return attested or f"no check yet: will be unknown{f'; {lapsed}' if lapsed else ''}"
    if node is None:
        return "not selected"
    missing = dict.fromkeys(
        need
        for name in getattr(node, "fixturenames", ())
        if name in OBSERVATIONS
        for need in _missing(OBSERVATIONS[name], item, run, clients)
    )
    return attested or f"not configured: {', '.join(missing)}" if missing else "configured"


def _missing(found: Observation, item: Item, run: Run, clients: Clients) -> Iterator[str]:
    """Name the keys of the environment that an observation needs and that are not set."""
    for client, section in SECTIONS.items():
        if client in found.needs and getattr(run.environment, section) is None:
            yield section
    word = run.attestations.of(item.name)
    if found.name == "attestation" and (word is None or word.lapsed(run.moment)):
        yield "an attestation that counts"
    if "launch_at" in found.needs and run.environment.launch_at is None:
        yield "launch_at"
    named = item.limits.get("reading") if "reading" in found.needs else None
    if isinstance(named, str) and named not in run.environment.readings:
        yield f"readings.{named}"
    asked = [section for client, section in PEOPLE.items() if client in found.needs]
    if asked and not any(getattr(run.environment, section) for section in asked):
        yield " or ".join(asked)
    mentioned = [found.look.__globals__.get(name) for name in found.look.__code__.co_names]
    readings = [known for known in mentioned if isinstance(known, KnownReading)]
    missing = [f"readings.{known.name}" for known in readings if not clients.readings.configured(known)]
    if "github" not in found.needs:
        yield from missing
    elif run.environment.github is None and len(missing) == len(readings):  # a reading may stand in for it
        yield " or ".join(["github", *missing])
