"""The backups there are, in every place that the environment names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from readiness.clients.backups import MISSING, BackupMade, Backups, finished
from readiness.environment.schema import KnownReading
from readiness.observations import known_reading, observation
from readiness.observations.needs import either, need
from readiness.outcomes import NotConfigured, Unknown
from readiness.redaction.shown import shown
from readiness.sources.readings import Readings

BACKUPS = known_reading("backups", "the finished backups (column finished_at, and size where it is known)")
POINT_IN_TIME = known_reading("point_in_time_recovery", "whether point-in-time recovery is on (true or false)")
OBJECT_BACKUPS = known_reading(
    "object_backups", "the finished backups of the object storage (column finished_at, and name and size where known)"
)
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


@dataclass(frozen=True)
class NewestObjectBackup:
    """The newest finished backup of the object storage."""

    name: str
    hours: float
    empty: bool


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
    """Return the finished backups of each place, newest first. Raises Unknown, also where a place has none."""
    kept_backups(backups, readings)
    places: dict[str, list[BackupMade]] = {}
    if backups.folder_configured:
        places["the folder"] = [backup for _, backup in backups.dumps()]
    if backups.supabase_configured:
        places["Supabase"] = finished(backups.supabase())
    if readings.configured(BACKUPS):
        places["readings.backups"] = _of_reading(readings, BACKUPS)

    for name, listed in places.items():
        if not listed:
            raise Unknown(f"{name} knows no finished backup", "has one been made yet?")
    return places


def _of_reading(readings: Readings, reading: KnownReading) -> list[BackupMade]:
    backups = []
    for row in readings.rows(reading, "finished_at"):
        name = str(row.get("name", "backup"))
        size = row.get("size")
        finished_at = readings.as_moment(reading, row["finished_at"], "finished_at")
        backups.append(BackupMade(name, finished_at, size if isinstance(size, int) else None))
    return sorted(backups, key=lambda backup: backup.finished_at, reverse=True)


def _empty(places: dict[str, list[BackupMade]]) -> list[str]:
    """Return the newest backup of each place whose newest holds nothing."""
    empty = []
    for place, backups in places.items():
        newest = backups[0]
        if newest.size == 0:
            empty.append(f"{newest.name} of {place}")
    return empty


def _require_past(backup: BackupMade, where: str) -> None:
    """Raise Unknown for a backup that would be made later: a wrong clock, or a plan."""
    # By now, not by the moment that is judged, which may lie before the backup.
    hours_ahead = (backup.finished_at - datetime.now(UTC)).total_seconds() / 3600
    if hours_ahead > FUTURE_HOURS:
        raise Unknown(
            f"{backup.name} of {where} is from the future: {backup.finished_at:%Y-%m-%d %H:%M}Z", "whose clock?"
        )


@observation(needs=kept_backups)
def newest_backup(backups: Backups, readings: Readings, moment: datetime) -> NewestBackup:
    """Return the oldest of the newest backups of all places: one that stopped must not hide behind another."""
    places = _places(backups, readings)
    where = min(places, key=lambda name: places[name][0].finished_at)
    newest = places[where][0]

    _require_past(newest, where)
    hours = (moment - newest.finished_at).total_seconds() / 3600
    return NewestBackup(where, newest.name, hours, _empty(places), newest.finished_at.isoformat())


@observation(needs=OBJECT_BACKUPS)
def newest_object_backup(readings: Readings, moment: datetime) -> NewestObjectBackup:
    """Return the newest backup of the object storage. Raises Unknown where none is told, and for one of the future."""
    backups = _of_reading(readings, OBJECT_BACKUPS)
    if not backups:
        raise Unknown("readings.object_backups knows no finished backup", "has one been made yet?")
    newest = backups[0]
    _require_past(newest, "readings.object_backups")
    hours = (moment - newest.finished_at).total_seconds() / 3600
    return NewestObjectBackup(shown(newest.name, 60), hours, newest.size == 0)


@observation(needs=kept_backups)
def checkpoint(backups: Backups, readings: Readings, launch_at: datetime) -> Checkpoint:
    """Return the newest backup before the launch, in any place. Raises Unknown where none is kept."""
    places = _places(backups, readings)
    all_backups = [backup for backups_there in places.values() for backup in backups_there]
    before_launch = [backup for backup in all_backups if backup.finished_at <= launch_at]
    if not before_launch:
        raise Unknown("every backup that is kept is younger than the launch", "attest the checkpoint")

    newest = max(before_launch, key=lambda backup: backup.finished_at)
    where = next(name for name, backups_there in places.items() if newest in backups_there)
    _require_past(newest, where)
    hours = (launch_at - newest.finished_at).total_seconds() / 3600
    return Checkpoint(newest.name, hours, [newest.name] if newest.size == 0 else [])


@observation(needs=either(supabase, POINT_IN_TIME))
def point_in_time_recovery(backups: Backups, readings: Readings) -> bool:
    """Return whether point-in-time recovery is on, by Supabase or else by the reading."""
    if backups.supabase_configured:
        return backups.supabase().pitr_enabled
    value = readings.value(POINT_IN_TIME)
    if not isinstance(value, bool):
        raise Unknown(
            f"readings.point_in_time_recovery is neither true nor false: {shown(str(value), 60)!r}", "correct it"
        )
    return value
