"""Observations, each once: those that only read start together before the first check; a check waits for its own."""

from __future__ import annotations

import types
from collections.abc import Generator, Iterator

import pytest

from readiness.observations import OBSERVATIONS, load_all
from readiness.outcomes import Effect, Unknown
from readiness.plugin.deadlines import begun_at, deadline_of
from readiness.plugin.judging_ahead import looks_later
from readiness.plugin.observer import NO_LIMITS, Unseen
from readiness.plugin.session import SESSION, is_controller, is_real, state_of
from readiness.plugin.threads import ObservationTask
from readiness.runbook.limits import Limits


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make a fixture of each observation, so that a check asks for it by naming it."""
    if SESSION not in config.stash:
        return
    load_all()
    fixtures = types.ModuleType("readiness.plugin.observed")
    for name, observation in OBSERVATIONS.items():
        setattr(fixtures, f"observed_{name}", _fixture(name, observation.look.__doc__))
    config.pluginmanager.register(fixtures, "readiness-observed")


def _fixture(name: str, doc: str | None) -> object:
    """Return the fixture of an observation; `pytest --fixtures` shows its docstring."""

    def observed(request: pytest.FixtureRequest) -> object:
        config = request.config

        def meanwhile(task: ObservationTask) -> None:
            config.hook.pytest_readiness_waiting(config=config, title=task.title, since=task.started)

        state = state_of(request.node)
        line, limits = (state.item.name, state.limits) if state else ("", NO_LIMITS)
        observer = config.stash[SESSION].observer
        try:
            value = observer.value(name, limits, line, meanwhile)
        except Unknown as unknown:
            raise Unseen(unknown) from unknown
        finally:
            if state:
                state.provenance += observer.provenance(name, limits, line)
        if state:
            state.stated += observer.stated(name, limits, line)
        return value

    observed.__doc__ = doc
    return pytest.fixture(name=name)(observed)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Start the observations of all selected items; however the run ends, those that write undo what they did."""
    config = session.config
    if not is_real(config):
        return (yield)

    run_session = config.stash[SESSION]
    observer = run_session.observer
    # With xdist the controller has no items: the workers set the deadline, and tell it.
    if not observer.recorded and session.items:
        run_session.deadline = deadline_of(observer, session.items)
        observer.end_after(run_session.deadline.seconds, begun_at(config))
    try:
        if is_controller(config):
            _start(session)
        return (yield)
    finally:
        observer.call_off()


def _start(session: pytest.Session) -> None:
    """Start what only reads. A worker makes each observation when asked for it, or all would make them all."""
    config = session.config
    run_session = config.stash[SESSION]
    config.hook.pytest_readiness_opened(run=run_session.run)

    collected = not session.testsfailed or config.option.continue_on_collection_errors
    has_workers = bool(getattr(config.option, "numprocesses", None))
    if collected and not has_workers:
        observer = run_session.observer
        observer.tasks.start(dict(observer.task(*wanted) for wanted in _wanted(session.items)))


def _wanted(items: list[pytest.Item]) -> Iterator[tuple[str, Limits, str]]:
    """Yield the observations that the checks and the diagnostics of some items need: name, limits, line."""
    for item in items:
        state = state_of(item)
        if state is None or state.predecided:
            continue

        # What has an effect waits until its check is there.
        names = [name for name in getattr(item, "fixturenames", ()) if name in OBSERVATIONS]
        reading = [name for name in names if OBSERVATIONS[name].effect is Effect.READ]
        yield from ((name, state.limits, state.item.name) for name in reading)
        yield from ((name, limits, state.item.name) for name, limits in looks_later(state, reading))

        line = state.item.line
        if line.diagnostics_always:
            yield from ((name, state.limits, state.item.name) for name in line.diagnostics)
