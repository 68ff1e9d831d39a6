"""The backups there are, in every place that the environment names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from readiness.clients.backups import MISSING, BackupMade, Backups, finished
from readiness.observations import known_reading, observation
from readiness.observations.needs import either, need
from readiness.outcomes import NotConfigured, Unknown
from readiness.sources.readings import Readings
from readiness.timeline import parse_instant

BACKUPS = known_reading("backups", "the finished backups (column finished_at, and size where it is known)")
POINT_IN_TIME = known_reading("point_in_time_recovery", "whether point-in-time recovery is on (true or false)")
FUTURE_HOURS = 0.1
"""Clocks differ by less."""


@dataclass(frozen=True)
class NewestBackup:
    """The newest finished backup of the place whose newest is the oldest."""

    where: str
    name: str
    hours: float
    """Its age at the moment that is judged."""
    empty: list[str]
    """The newest of its place that hold nothing."""
    taken_at: str
    """ISO 8601."""


@dataclass(frozen=True)
class Checkpoint:
    """The newest backup before the launch."""

    name: str
    hours_before_launch: float
    empty: list[str]


@need("backup.folder, backup.supabase or readings.backups")
def kept_backups(backups: Backups, readings: Readings) -> None:
    """Make sure that there is a place to look for backups. Raises NotConfigured."""
    if not (backups.folder_configured or backups.supabase_configured or readings.configured(BACKUPS)):
        raise NotConfigured("nothing says where the backups are", MISSING)


@need("backup.supabase")
def supabase(backups: Backups) -> None:
    """Make sure that a project of Supabase is named. Raises NotConfigured."""
    backups.require_supabase()


def _places(backups: Backups, readings: Readings) -> dict[str, list[BackupMade]]:
    """Give the finished backups of each place, newest first. Raises Unknown, also where a place has none."""
    kept_backups(backups, readings)
    places: dict[str, list[BackupMade]] = {}
    if backups.folder_configured:
        places["the folder"] = [made for _, made in backups.dumps()]
    if backups.supabase_configured:
        places["Supabase"] = finished(backups.supabase())
    if readings.configured(BACKUPS):
        places["readings.backups"] = _of_readings(readings)
    for name, found in places.items():
        if not found:
            raise Unknown(f"{name} knows no finished backup", "has one been made yet?")
    return places


def _of_readings(readings: Readings) -> list[BackupMade]:
    made = []
    for row in readings.rows(BACKUPS, "finished_at"):
        told, size = row["finished_at"], row.get("size")
        try:
            moment = parse_instant(told) if isinstance(told, str) else datetime.fromtimestamp(_seconds(told), UTC)
        except (ValueError, OverflowError, OSError):
            raise Unknown(f"readings.backups: {told!r} is no moment", "ISO 8601 with a zone, or Unix seconds") from None
        made.append(BackupMade(str(row.get("name", "backup")), moment, size if isinstance(size, int) else None))
    return sorted(made, key=lambda one: one.finished_at, reverse=True)


def _seconds(told: object) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float):
        raise ValueError("no number of seconds")  # noqa: TRY004  as what it is caught with
    return float(told)


def _empty(places: dict[str, list[BackupMade]]) -> list[str]:
    return [f"{found[0].name} of {name}" for name, found in places.items() if found[0].size == 0]


@observation(needs=kept_backups)
def newest_backup(backups: Backups, readings: Readings, moment: datetime) -> NewestBackup:
    """Find the newest finished backup of each place, and give the oldest of them."""
    places = _places(backups, readings)
    where = min(places, key=lambda name: places[name][0].finished_at)
    newest = places[where][0]
    hours = (moment - newest.finished_at).total_seconds() / 3600
    if (datetime.now(UTC) - newest.finished_at).total_seconds() / 3600 < -FUTURE_HOURS:
        raise Unknown(
            f"{newest.name} of {where} is from the future: {newest.finished_at:%Y-%m-%d %H:%M}Z", "whose clock?"
        )
    return NewestBackup(where, newest.name, hours, _empty(places), newest.finished_at.isoformat())


@observation(needs=kept_backups)
def checkpoint(backups: Backups, readings: Readings, launch_at: datetime) -> Checkpoint:
    """Find the newest backup before the launch, in any place."""
    places = _places(backups, readings)
    before = [one for found in places.values() for one in found if one.finished_at <= launch_at]
    if not before:
        raise Unknown("every backup that is kept is younger than the launch", "attest the checkpoint")
    newest = max(before, key=lambda one: one.finished_at)
    hours = (launch_at - newest.finished_at).total_seconds() / 3600
    return Checkpoint(newest.name, hours, [newest.name] if newest.size == 0 else [])


@observation(needs=either(supabase, POINT_IN_TIME))
def point_in_time_recovery(backups: Backups, readings: Readings) -> bool:
    """Ask Supabase, or the reading."""
    if backups.supabase_configured:
        return backups.supabase().pitr_enabled
    told = readings.value(POINT_IN_TIME)
    if not isinstance(told, bool):
        raise Unknown(f"readings.point_in_time_recovery is neither true nor false: {str(told)[:60]!r}", "correct it")
    return told
