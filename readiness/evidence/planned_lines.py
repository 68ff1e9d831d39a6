"""The lines of runbooks as a plan states them: what a run writes down, and what it is held against later."""

from __future__ import annotations

from collections.abc import Iterable

from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Phase
from readiness.runbook import lines as runbook_lines
from readiness.runbook.dated_limits import LimitsAhead
from readiness.runbook.line_overlay import Overlaid
from readiness.runbook.own_readings import digest_of


def planned_lines(runbooks: Iterable[runbook_lines.Runbook], phase: Phase | None) -> list[JsonObject]:
    """Return the lines of a phase, as they are judged."""
    lines: list[JsonObject] = []
    for book in runbooks:
        # Left out where there is nothing, so that the digests of older plans stay as they are.
        own = {"own_readings": digest_of(book.readings)} if book.readings else {}
        lines += [{**_line(book.runbook, line), **own} for line in book.lines if phase in line.phase]
    return lines


def outline(book: runbook_lines.Runbook) -> JsonObject:
    """Return a runbook whole, the lines of the other phases too."""
    lines = [_stated(book.runbook, line) for line in book.lines]
    queries = {name: reading.model_dump(mode="json", exclude_unset=True) for name, reading in book.readings.items()}
    readings = {"readings": queries} if queries else {}
    return {"runbook": book.runbook, "title": book.title, "lines": lines, **readings}


def _stated(runbook: str, line: runbook_lines.Line) -> JsonObject:
    """Return what a line states, whatever phase is judged."""
    return {
        "id": f"{runbook}/{line.id}",
        "ref": line.ref,
        "says": line.says,
        "phase": list(line.phase),
        "gate": line.gate,
        "due": line.due,
        "checks": list(line.decided_by),
        "rendered_as": line.rendered_as,
    }


def _line(runbook: str, line: runbook_lines.Line) -> JsonObject:
    """Return how a line of the phase is judged."""
    links = {"links": line.links} if line.links else {}
    # Left out where nothing has a date, so that the digests of older plans stay as they are.
    ahead = {"ahead": {check: _ahead(parts) for check, parts in line.ahead.items()}} if line.ahead else {}
    overlaid = {"overlaid": _overlaid(line.overlaid)} if line.overlaid else {}
    both = {"needs_both": True} if line.needs_both else {}
    return {
        **_stated(runbook, line),
        "runbook": runbook,
        "limits": line.decided_by,
        "ladder": line.ladder,
        "consecutive": line.consecutive,
        "severity": line.severity,
        "diagnostics": line.diagnostics,
        **links,
        **ahead,
        **overlaid,
        **both,
    }


def _overlaid(overlaid: Overlaid) -> JsonObject:
    """Return what the environment states of a line, and the line by itself. Where that stands is no part of it."""
    because = {"because": overlaid.because} if overlaid.because else {}
    limits = {"stated": dict(overlaid.stated), "own": dict(overlaid.own)} if overlaid.stated else {}
    if overlaid.severity is None:
        return {**limits, **because}
    return {**limits, "severity": overlaid.severity, "own_severity": overlaid.own_severity, **because}


def _ahead(parts: Iterable[LimitsAhead]) -> list[JsonObject]:
    return [{"begins": part.begins.isoformat(), "limits": part.limits} for part in parts]
