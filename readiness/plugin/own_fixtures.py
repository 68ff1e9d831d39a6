"""Whose fixture a check is given: an observation is looked at by its own function, and by nothing that is called so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from readiness.observations import OBSERVATIONS

_PLUGIN = "readiness.plugin."


def overridden(node: pytest.Function, given: set[str]) -> Iterator[str]:
    """Yield each name under which a check would be given something else than what this suite looked at.

    Pytest takes the nearest fixture of a name: that of a conftest.py or of another plugin would decide the line, and
    the evidence would hold an observation that nobody judged. `given` are our own fixtures beside the observations.
    """
    resolved = node._fixtureinfo.name2fixturedefs  # noqa: SLF001  pytest tells nobody else what it will take
    for name in sorted(set(resolved) & (given | OBSERVATIONS.keys())):
        nearest = resolved[name][-1].func
        if not nearest.__module__.startswith(_PLUGIN):
            place = f"{nearest.__module__}.{nearest.__qualname__}"
            yield f"the fixture {name} of {place} stands in the place of the suite's own; give it another name"


def is_own(node: pytest.Collector, name: str) -> bool:
    """Check whether what lies below a node is given our own fixture of a name."""
    manager = node.session._fixturemanager  # noqa: SLF001  as above
    visible = manager.getfixturedefs(name, node)
    return visible is not None and all(one.func.__module__.startswith(_PLUGIN) for one in visible)
