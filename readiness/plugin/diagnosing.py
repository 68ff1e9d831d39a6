"""What an engineer looks at first when a line has failed: fetched then, within a budget; it decides nothing."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from readiness.observations import OBSERVATIONS
from readiness.outcomes import Unknown
from readiness.plugin.observer import Observer
from readiness.plugin.session import SESSION, STATE
from readiness.plugin.threads import Look

BUDGET_SECONDS = 10.0
"""For all diagnostics of a line together: they are asked for at once, and those that are not back then are cut off."""


def diagnose(item: pytest.Item, *, bad: bool) -> dict[str, Any]:
    """Fetch what the line wants attached; what cannot be seen is attached as such."""
    state, observer = item.stash[STATE], item.config.stash[SESSION].observer
    line = state.item.line
    if not line.diagnostics or not (bad or line.diagnostics_always):
        return {}
    if bad:
        observer.threads.let_measure()
    looks = {name: observer.ask(name, state.limits) for name in line.diagnostics}
    return {name: _seen(name, look, observer) for name, look in looks.items()}


def _seen(name: str, look: Look, observer: Observer) -> Any:
    try:
        value = observer.threads.wait_at_most(look, BUDGET_SECONDS)
    except Unknown as unknown:
        return {"unknown": unknown.reason, "remedy": unknown.remedy}
    return TypeAdapter[Any](OBSERVATIONS[name].kind).dump_python(value, mode="json")
