"""Readings that nothing asks for: told, since somebody prepares a reading before its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from readiness.errors import nearest
from readiness.observations import KNOWN_READINGS
from readiness.plugin.run import Run
from readiness.runbook.lines import Runbook


def unused_readings(run: Run) -> Iterator[str]:
    """Yield each reading that neither the suite nor a line has a use for, and which name was probably meant."""
    yield from _unused(run.environment.readings, f"{run.environment.environment}.yaml", run.runbooks)
    for book in run.runbooks:
        yield from _unused(book.readings, f"runbook {book.runbook}", (book,))


def _unused(names: Iterable[str], file: str, runbooks: Iterable[Runbook]) -> Iterator[str]:
    """Yield each of these readings that no check, no line and no incident of the runbooks asks for."""
    asked_for = set(KNOWN_READINGS)
    for book in runbooks:
        limits = [item.limits.get("reading") for item in book.items()]
        asked_for.update(name for name in limits if isinstance(name, str))
        asked_for.update(book.incident.readings if book.incident else ())

    for name in names:
        if name not in asked_for:
            near = nearest(name, sorted(asked_for))
            hint = f"; did you mean {near!r}?" if near else ""
            yield f"{file}: readings.{name}: no check and no line asks for it{hint}"
