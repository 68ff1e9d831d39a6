"""What stops counting some day, as far as the evidence of an environment shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from readiness.environment.declarations import Declarations, entry_about
from readiness.evidence.journal import RecordedRun
from readiness.files import bounded_read, strict_json
from readiness.provenance import declared
from readiness.runbook.attestations import Attestation
from readiness.runbook.waivers import Waiver
from readiness.timeline import Event, end_of_day, parse_day, parse_instant

ENDS = {"expires_at", "not_after", "valid_until"}
"""The keys under which an observation states until when something is good."""
FOLDERS = {"rehearsals": ("rehearsal", "stage", "load."), "drills": ("drill", "drill", "drills.")}
"""Folder of the evidence → what it is, the key of its name, the checks that say how old it may be."""
DAYS = {"rehearsal": 14.0, "drill": 31.0}
BACKUP_HOURS = 24.0
DECLARED = "declared value"
"""The kind of the event that a person's word for a value in a file ends."""


def of_people(attestations: Mapping[str, Attestation], waivers: Mapping[str, Waiver]) -> Iterator[Event]:
    """Yield until when attestations and waivers count: to the end of their last day."""
    for name, attestation in attestations.items():
        yield Event(end_of_day(attestation.valid_until), "attestation", name, attestation.who)
    for name, waiver in waivers.items():
        scope = f" ({', '.join(waiver.subjects)})" if waiver.subjects else ""
        yield Event(end_of_day(waiver.until), "waiver", f"{name}{scope}", waiver.requested_by)


def of_declared(declarations: Declarations) -> Iterator[Event]:
    """Yield until when somebody answers for each value that nobody measures: to the end of the last day."""
    for key, declaration in declarations.items():
        yield Event(end_of_day(declaration.valid_until), DECLARED, key, declaration.who)


def lines_on(declarations: Declarations, runs: Iterable[RecordedRun]) -> Mapping[str, list[str]]:
    """Return for each entry the lines of some runs that rest on a value for which it answers."""
    lines: dict[str, list[str]] = {}
    for result in (result for run in runs for result in run.results):
        for one in declared(result.provenance or ()):
            entry = entry_about(one.key, declarations)
            if entry and result.line not in lines.setdefault(entry, []):
                lines[entry].append(result.line)
    return lines


def of_runs(runs: Iterable[RecordedRun]) -> Iterator[Event]:
    """Yield until when the certificates, tokens and backups count that runs observed; of a backup the newest."""
    backups: dict[str, datetime] = {}
    for run in runs:
        backup_hours = min(_limits(run, "backup.", "hours_at_most"), default=BACKUP_HOURS)

        for observation in run.observations:
            # An attestation has its own event, from its entry.
            if observation.name == "attestation":
                continue

            for place, key, value in _walk(observation.value, ""):
                at = _instant(value)
                if at is None:
                    continue
                if key in ENDS:
                    kind = _kind(f"{observation.name} {key}")
                    yield Event(at, kind, f"{observation.name} {place}".strip())
                elif key == "taken_at" and "backup" in observation.name:
                    until = at + timedelta(hours=backup_hours)
                    backups[observation.name] = max(until, backups.get(observation.name, at))

    for name, until in backups.items():
        yield Event(until, "backup", name)


def of_rehearsals_and_drills(folder: Path, runs: Iterable[RecordedRun]) -> Iterator[Event]:
    """Yield until when the newest rehearsal of each stage and the newest drill of each kind count."""
    runs = list(runs)
    for place, (kind, key, prefix) in FOLDERS.items():
        for name, finished_at in _newest(folder / place, key).items():
            checks = prefix if kind == "rehearsal" else f"{prefix}{name.replace('-', '_')}"
            limits = [days for run in runs for days in _limits(run, checks, "days_at_most")]
            days = min(limits, default=DAYS[kind])
            yield Event(finished_at + timedelta(days=days), kind, name)


def _newest(folder: Path, key: str) -> dict[str, datetime]:
    """Return when the newest whole evidence of each name was finished."""
    newest: dict[str, datetime] = {}
    for path in sorted(folder.glob("*/evidence.json")):
        name, finished_at = _evidence(path, key)
        if finished_at:
            newest[name] = max(finished_at, newest.get(name, finished_at))
    return newest


def _evidence(path: Path, key: str) -> tuple[str, datetime | None]:
    """Return the name of some evidence and when it was finished; None where it cannot be read or is not whole."""
    try:
        evidence = strict_json.parse(bounded_read.read_bytes(path))
    except (OSError, ValueError):
        return "", None
    if not isinstance(evidence, dict) or evidence.get("ended") != "whole":
        return "", None
    return str(evidence.get(key)), _instant(evidence.get("finished_at"))


def _limits(run: RecordedRun, checks: str, key: str) -> Iterator[float]:
    """Yield how old the lines of a run let the evidence of some checks be."""
    for line in run.plan.lines if run.plan else ():
        for check, limits in line.limits.items():
            value = limits.get(key)
            if check.startswith(checks) and isinstance(value, int | float):
                yield float(value)


def _walk(value: Any, place: str) -> Iterator[tuple[str, str, Any]]:
    """Yield each value of an observation: the name of what it belongs to, its key, and itself."""
    if isinstance(value, list):
        for part in value:
            yield from _walk(part, place)
        return
    if not isinstance(value, dict):
        return

    name = str(value.get("name") or value.get("host") or place)
    for key, part in value.items():
        # A part is called by its key; the parts of a list belong to what has the list.
        if isinstance(part, dict):
            yield from _walk(part, key)
        elif isinstance(part, list):
            yield from _walk(part, name)
        else:
            yield name, key, part


def _instant(value: Any) -> datetime | None:
    """Return an instant, or the end of a day; None for anything else."""
    if not isinstance(value, str):
        return None
    for read in (parse_instant, lambda text: end_of_day(parse_day(text))):
        try:
            return read(value)
        except ValueError:
            continue
    return None


def _kind(words: str) -> str:
    # Of a certificate X.509 says `not_after`, so a certificate need not be called one.
    if "not_after" in words or "certificate" in words:
        return "certificate"
    return next((kind for kind in ("token", "backup", "key") if kind in words), "evidence")
