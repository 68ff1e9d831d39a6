"""The plan: each line, when and how it is decided, and whether the environment has all that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from urllib.parse import urlsplit

import pytest

from readiness.environment.declarations import unanswered, vouched
from readiness.environment.schema import KnownReading
from readiness.observations import KNOWN_READINGS, OBSERVATIONS, READINGS, Given
from readiness.outcomes import DecisionKey, NotConfigured, Phase
from readiness.plugin.attesting import OBSERVED, why_not
from readiness.plugin.deadlines import deadline_of
from readiness.plugin.lines import REFUSED
from readiness.plugin.observer import Observer
from readiness.plugin.page import wrapped
from readiness.plugin.plan_rows import PlanRow, WholePlan, plan_row, rendered_row
from readiness.plugin.planned_limits import by_origin, limits_ahead, planned_limits
from readiness.plugin.planned_sources import SourceKind, sources_of, way_of
from readiness.plugin.run import Run
from readiness.plugin.session import SESSION, STATE, ItemState, state_of
from readiness.plugin.unused_readings import unused_readings
from readiness.provenance import Declared
from readiness.rendering.terminal import line_of
from readiness.runbook.lines import Item, Line, planned_checks
from readiness.timeline import AFTER_SIGN_OFF, parse_offset


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> Iterator[None]:
    """Show the plan in place of pytest's list of items."""
    config = session.config
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    is_wanted = SESSION in config.stash and config.option.collectonly
    is_refused = REFUSED in config.stash or session.testsfailed
    if not is_wanted or is_refused or reporter is None:
        return (yield)

    # Without items pytest's own list is empty.
    items, session.items = session.items, []
    result = yield
    session.items = items

    run_session = config.stash[SESSION]
    nodes = {node.stash[STATE].item.key: node for node in items if STATE in node.stash}
    # It takes a moment to make, and mostly nobody wants it.
    wants_data = bool(config.hook.pytest_readiness_plan.get_hookimpls())
    if wants_data and config.hook.pytest_readiness_plan(plan=whole_plan(run_session.run, nodes, run_session.observer)):
        return result
    for line in plan(run_session.run, nodes, run_session.observer):
        for part in wrapped(line, max(60, reporter._tw.fullwidth)):  # noqa: SLF001  no public way to the width
            reporter.write_line(line_of(part))
    return result


def whole_plan(run: Run, nodes: dict[DecisionKey, pytest.Item], observer: Observer) -> WholePlan:
    """Return the plan as data."""
    environment = run.environment
    rows: list[PlanRow] = []
    for book in run.runbooks:
        for item in book.items(run.phase):
            node = nodes.get(item.key)
            rows.append(plan_row(run, item, node, _state(run, item, node, observer), observer))
        rendered = (line for line in book.lines if not line.decided_by)
        rows += [rendered_row(run, Item(book.runbook, line, "", {})) for line in rendered if _is_of(run.phase, line)]
    launch_at = environment.launch_at.isoformat() if environment.launch_at else None
    return WholePlan(environment.environment, run.phase, launch_at, tuple(rows))


def _is_of(phase: Phase | None, line: Line) -> bool:
    return phase is None or phase in line.phase


def plan(run: Run, nodes: dict[DecisionKey, pytest.Item], observer: Observer) -> Iterator[str]:
    """Yield the plan, line by line."""
    launch_at = run.environment.launch_at
    launch = f"{launch_at:%Y-%m-%d %H:%M}Z" if launch_at else "not set: everything is due"
    yield f"plan of {run.environment.environment}: {run.phase or 'all phases'}"
    yield f"launch {launch}"
    deadlines = ", ".join(_deadlines(run, nodes.values(), observer)) or "none, as no line is planned"
    yield f"deadline {deadlines}: what is not seen by then is unknown"
    if not run.environment.run.controls:
        yield f"silence of the target {_silence(run)}; set run.controls"
    yield from (f"unused {reading}" for reading in unused_readings(run))
    if waiting := ", ".join(_waiting(run)):
        yield f"waiting {run.environment.environment}.yaml: lines: {waiting}: their runbook is not followed"

    states: dict[str, int] = {}
    for runbook in run.runbooks:
        yield f"\n{runbook.title} ({runbook.runbook})"
        for ref, items in groupby(runbook.items(run.phase), key=lambda item: item.line.ref):
            yield f"\n  {ref}"
            for item in items:
                node = nodes.get(item.key)
                state = _state(run, item, node, observer)
                word = state.partition(":")[0]
                states[word] = states.get(word, 0) + 1
                yield from _entry(run, item, node, state)

    yield f"\n{', '.join(f'{number} {word}' for word, number in states.items())}\n"


def _waiting(run: Run) -> list[str]:
    """Return the lines that the environment states something of, and whose runbook it does not follow."""
    followed = {book.runbook for book in run.runbooks}
    return [name for name in run.environment.lines if "/" in name and name.partition("/")[0] not in followed]


def _silence(run: Run) -> str:
    """Return what will become of the target's silence where no control is stated."""
    target = urlsplit(str(run.environment.target.url)).hostname
    others = [host for host in run.environment.allowed_hosts if host != target]
    if not others:
        return "will be unknown: no control proves the way to it"
    return "may be unknown: no control is stated, so another allowed host must have answered by the same kind of way"


def _deadlines(run: Run, nodes: Iterable[pytest.Item], observer: Observer) -> Iterator[str]:
    """Yield each phase with its deadline, or the deadline of the phase that is planned."""
    phases = (run.phase,) if run.phase else tuple(Phase)
    for phase in phases:
        items = [node for node in nodes if phase in node.stash[STATE].item.line.phase]
        # A phase without a line looks at nothing.
        if items or run.phase:
            yield f"{phase} {deadline_of(observer, items).seconds:.0f} s"


def _entry(run: Run, item: Item, node: pytest.Item | None, state: str) -> Iterator[str]:
    yield f"    {run.local_id(item)}: {item.line.says}"
    state_of_item = state_of(node) if node else None
    limits = planned_limits(state_of_item or ItemState(item))
    yield f"         {item.line.gate}, {' '.join(item.line.phase)}, {_due(run, item)}, {item.check}"
    yield from (f"         {stated}" for stated in by_origin(limits))
    for day, limit in limits_ahead(item):
        yield f"         from {day} on by {limit.file or 'the line'} {limit}"
    yield f"         {state}"


def _due(run: Run, item: Item) -> str:
    due, launch = item.line.due, run.environment.launch_at
    if due is None:
        return "always due"
    if due == AFTER_SIGN_OFF or launch is None:
        return f"due {due}"
    return f"due {due} ({launch + parse_offset(due):%Y-%m-%d %H:%M}Z)"


def _state(run: Run, item: Item, node: pytest.Item | None, observer: Observer) -> str:
    """Return what decides an item, as far as that is known before anything is observed."""
    reason = run.environment.not_applicable.get(item.line_id)
    if reason:
        return f"not applicable: {reason}"

    waiver = run.waivers.waivers.get(run.waivers.name_for(item.name) or "")
    if waiver and waiver.covers(run.phase) and not waiver.lapsed(run.moment):
        return f"waived: where it fails, until {waiver.until}, by {waiver.approved_by}"

    attestation = run.attestations.of(item.name)
    lapsed = why_not(run, item, attestation) if attestation else None
    attested = ""
    if attestation and not lapsed:
        attested = f"attested: {attestation.summary.removeprefix('attested ')}"

    if item.check in planned_checks():
        unknown = f"no check yet: will be unknown; {lapsed}" if lapsed else "no check yet: will be unknown"
        return attested or unknown
    if node is None:
        return "not selected"
    if item.line.needs_both and OBSERVED not in getattr(node, "fixturenames", ()):
        machine = _configuration(node, observer, "", None)
        missing = lapsed or f"nobody has attested it: readiness attest {item.name}"
        return f"{machine}; and {attested or missing}"
    return _configuration(node, observer, attested, lapsed)


def _configuration(node: pytest.Item, observer: Observer, attested: str, lapsed: str | None) -> str:
    """Return whether the environment states all that an item needs; an attestation counts where it does not."""
    lacks = list(dict.fromkeys(map(reason_of, lacks_of(node, observer))))
    if lacks:
        return attested or f"not configured: {'; '.join(lacks)}"
    if lapsed and OBSERVED in getattr(node, "fixturenames", ()):
        return f"lapsed: {lapsed}"

    state = node.stash[STATE]
    given = observer.given(state.limits, state.item.name)
    readings = given.values((READINGS,))[READINGS]
    asked = {reading.name: reading for reading in _readings_of(node, given)}
    told = dict.fromkeys(one for reading in asked.values() for one in readings.declared_ahead(reading))
    declared = [*told, *_declared_alone(node, observer)]
    if declared:
        return _of_declared(observer.run, declared, attested)
    origins = [
        f"readings.{name} ({readings.origin(reading)}{way_of(readings.source(reading))})"
        for name, reading in asked.items()
    ]
    return f"configured: {', '.join(origins)}" if origins else "configured"


def _declared_alone(node: pytest.Item, observer: Observer) -> Iterator[Declared]:
    """Yield the roster of the environment file, where an item has nothing else to stand on."""
    sources = sources_of(node, observer)
    of_team = any(source.what.partition(".")[0] == "team" for source in sources)
    if of_team and all(source.kind is SourceKind.DECLARED for source in sources):
        yield Declared("team", f"{observer.run.environment.environment}.yaml")


def _of_declared(run: Run, declared: Sequence[Declared], attested: str) -> str:
    """Return what a value comes to that nobody measures: in production somebody has to answer for it."""
    stated = "; ".join(map(str, declared))
    entries = run.environment.declared
    alone = unanswered(map(str, declared), declared, entries, run.moment)
    if alone and run.environment.production:
        remedy = "name a source that is asked, or who answers for it under `declared`"
        return attested or f"stated: {'; '.join(alone)}: in production it passes nothing, {remedy}"
    people = dict.fromkeys(one.vouched for one in vouched(declared, entries) if isinstance(one, Declared) and one.who)
    return "; ".join([f"configured: {stated}: not measured", *people])


def _readings_of(node: pytest.Item, given: Given) -> Iterator[KnownReading]:
    """Yield the readings that an item asks for and that have a source, as far as their needs tell."""
    readings = given.values((READINGS,))[READINGS]
    for name in getattr(node, "fixturenames", ()):
        for need in OBSERVATIONS[name].needs if name in OBSERVATIONS else ():
            by_limit = need.key.format(**given.values(need.parameters)).removeprefix("readings.")
            for wanted in need.readings or (by_limit,):
                reading = KNOWN_READINGS.get(wanted, KnownReading(wanted, wanted))
                if readings.origin(reading):
                    yield reading


def lacks_of(node: pytest.Item, observer: Observer) -> Iterator[NotConfigured]:
    """Yield what is missing for an item: the limits of its line, or else what its observations need."""
    state = node.stash[STATE]
    if state.limits_lack:
        yield state.limits_lack
        return
    given = observer.given(state.limits, state.item.name)
    for name in getattr(node, "fixturenames", ()):
        lack = OBSERVATIONS[name].lack(given) if name in OBSERVATIONS else None
        if lack:
            yield lack


def reason_of(lack: NotConfigured) -> str:
    """Return what is missing, in the words of the run."""
    return str(lack).removeprefix("not configured: ")
