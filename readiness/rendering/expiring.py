"""What stops counting some day, as far as the evidence of an environment tells."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from readiness.evidence.journal import RecordedRun
from readiness.runbook.attestations import Attestation
from readiness.runbook.waivers import Waiver
from readiness.timeline import Event, end_of_day, parse_day, parse_instant

ENDS = {"expires_at", "not_after", "valid_until"}
"""The keys under which an observation tells until when something is good."""
FOLDERS = {"rehearsals": ("rehearsal", "stage", "load."), "drills": ("drill", "drill", "drills.")}
"""Folder of the evidence → what it is, the key of its name, the checks that say how old it may be."""
DAYS = {"rehearsal": 14.0, "drill": 31.0}
BACKUP_HOURS = 24.0


def of_people(attestations: Mapping[str, Attestation], waivers: Mapping[str, Waiver]) -> Iterator[Event]:
    """Tell until when the words of people count: to the end of their last day."""
    for name, one in attestations.items():
        yield Event(end_of_day(one.valid_until), "attestation", name, one.who)
    for name, other in waivers.items():
        yield Event(end_of_day(other.until), "waiver", name, other.requested_by)


def of_runs(runs: Iterable[RecordedRun]) -> Iterator[Event]:
    """Tell what the observations of recorded runs say of certificates, tokens and backups (the newest counts)."""
    backups: dict[str, datetime] = {}
    for run in runs:
        hours = min(_stated(run, "backup.", "hours_at_most"), default=BACKUP_HOURS)
        for record in run.observations:
            name = record.name
            if name == "attestation":
                continue
            for place, key, value in _walk(record.value, ""):
                told = _instant(value)
                what = f"{name} {place}".strip()
                if told and key in ENDS:
                    yield Event(told, _kind(f"{name} {key}"), what)
                elif told and key == "taken_at" and "backup" in name:
                    backups[name] = max(told + timedelta(hours=hours), backups.get(name, told))
    yield from (Event(at, "backup", name) for name, at in backups.items())


def of_rehearsals_and_drills(folder: Path, runs: Iterable[RecordedRun]) -> Iterator[Event]:
    """Tell until when the newest rehearsal of each stage and the newest drill of each kind count."""
    known = list(runs)
    for place, (kind, key, prefix) in FOLDERS.items():
        newest: dict[str, datetime] = {}
        for path in sorted((folder / place).glob("*/evidence.json")):
            name, at = _evidence(path, key)
            if at:
                newest[name] = max(at, newest.get(name, at))
        for name, at in newest.items():
            checks = prefix if kind == "rehearsal" else f"{prefix}{name.replace('-', '_')}"
            days = min((days for run in known for days in _stated(run, checks, "days_at_most")), default=DAYS[kind])
            yield Event(at + timedelta(days=days), kind, name)


def _evidence(path: Path, key: str) -> tuple[str, datetime | None]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "", None
    if not isinstance(told, dict) or told.get("ended") != "whole":
        return "", None
    return str(told.get(key)), _instant(told.get("finished_at"))


def _stated(run: RecordedRun, checks: str, key: str) -> Iterator[float]:
    """Give how old the lines of a run let the evidence of some checks be."""
    for line in run.plan.lines if run.plan else ():
        for check, limits in line.limits.items():
            value = limits.get(key)
            if check.startswith(checks) and isinstance(value, int | float):
                yield float(value)


def _walk(value: Any, place: str) -> Iterator[tuple[str, str, Any]]:
    """Give each value of an observation with its key, and the name of what it belongs to."""
    if isinstance(value, dict):
        named = str(value.get("name") or value.get("host") or place)
        for key, part in value.items():
            if isinstance(part, dict | list):
                yield from _walk(part, key if isinstance(part, dict) else named)
            else:
                yield named, key, part
    elif isinstance(value, list):
        for part in value:
            yield from _walk(part, place)


def _instant(value: Any) -> datetime | None:
    """Read an instant, or the end of a day; None for anything else."""
    if not isinstance(value, str):
        return None
    for read in (parse_instant, lambda text: end_of_day(parse_day(text))):
        try:
            return read(value)
        except ValueError:
            continue
    return None


def _kind(words: str) -> str:
    if "not_after" in words or "certificate" in words:
        return "certificate"
    return next((kind for kind in ("token", "backup", "key") if kind in words), "evidence")
