"""What an engineer looks at first when a line has failed: fetched then, within a budget; it decides nothing."""

from __future__ import annotations

import pytest

from readiness.observations import OBSERVATIONS
from readiness.outcomes import Unknown
from readiness.plugin.observer import Observer
from readiness.plugin.session import SESSION, STATE
from readiness.plugin.threads import ObservationTask

BUDGET_SECONDS = 10.0
"""For all diagnostics of a line together: they are asked for at once, and those that are not back then are cut off."""


def diagnose(item: pytest.Item, *, bad: bool) -> dict[str, object]:
    """Return the diagnostics that the line wants attached; what cannot be seen is attached as such."""
    state = item.stash[STATE]
    observer = item.config.stash[SESSION].observer
    line = state.item.line
    is_wanted = bad or line.diagnostics_always
    if not line.diagnostics or not is_wanted:
        return {}

    # Those of a line that is well were started with all others; these start now.
    if bad:
        observer.tasks.wait_for_latency_probes()
    tasks = {name: observer.ask(name, state.limits, state.item.name) for name in line.diagnostics}
    return {name: _value(name, task, observer) for name, task in tasks.items()}


def _value(name: str, task: ObservationTask, observer: Observer) -> object:
    """Return the value of a diagnostic as plain JSON, or why there is none."""
    try:
        value = observer.tasks.wait_at_most(task, BUDGET_SECONDS)
    except Unknown as unknown:
        return {"unknown": unknown.reason, "remedy": unknown.remedy}
    plain: object = OBSERVATIONS[name].adapter.dump_python(value, mode="json")
    return plain
