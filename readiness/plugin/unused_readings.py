"""The readings of an environment that nothing asks for: told, since somebody prepares a reading before its line."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.errors import nearest
from readiness.observations import KNOWN_READINGS
from readiness.plugin.run import Run


def unused_readings(run: Run) -> Iterator[str]:
    """Yield each reading that neither the suite nor a line has a use for, and which name was probably meant."""
    asked_for = set(KNOWN_READINGS)
    for book in run.runbooks:
        limits = [item.limits.get("reading") for item in book.items()]
        asked_for.update(name for name in limits if isinstance(name, str))

    file = f"{run.environment.environment}.yaml"
    for name in run.environment.readings:
        if name not in asked_for:
            near = nearest(name, sorted(asked_for))
            hint = f"; did you mean {near!r}?" if near else ""
            yield f"{file}: readings.{name}: no check and no line asks for it{hint}"
