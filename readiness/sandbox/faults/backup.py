"""What breaks the backups."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

RECENT = (
    "backup.recent[agency/backup-integrity]",
    "backup.recent[launch400k/backup-verified]",
    "backup.recent[playbook/daily-backups]",
)
CHECKPOINT = "backup.pre_launch_checkpoint[launch400k/checkpoint]"
POINT_IN_TIME = "backup.point_in_time_recovery[agency/pitr]"
OBJECTS = "backup.objects_recent[playbook/daily-backups]"
BY_SUPABASE = (*RECENT, CHECKPOINT, POINT_IN_TIME)


@fault("preflight", "postlaunch", "ga", turns=turning("fail", *RECENT, CHECKPOINT))
def backup_outdated(target: SandboxTarget) -> Iterator[None]:
    """The newest dump is 30 hours old, and Supabase's newest is as old: it was made long before the launch."""
    dumps = {path: path.stat().st_mtime for path in target.backups.folder.glob("*.dump")}
    hours, target.management.backup_hours = target.management.backup_hours, 30.0
    then = time.time() - 30 * 3600
    for path in dumps:
        os.utime(path, (then, then))
    yield
    target.management.backup_hours = hours
    for path, moment in dumps.items():
        os.utime(path, (moment, moment))


@fault("preflight", turns=turning("fail", *RECENT))
def backup_empty(target: SandboxTarget) -> Iterator[None]:
    """The newest dump holds nothing: the job that made it ran out of disk."""
    newest = target.backups.newest()
    content, moment = newest.read_bytes(), newest.stat().st_mtime
    newest.write_bytes(b"")
    os.utime(newest, (moment, moment))
    yield
    newest.write_bytes(content)
    os.utime(newest, (moment, moment))


@fault("preflight", turns={POINT_IN_TIME: "fail"})
def point_in_time_off(target: SandboxTarget) -> Iterator[None]:
    """Point-in-time recovery is off; daily backups are made."""
    target.management.pitr = False
    yield
    target.management.pitr = True


@fault("preflight", turns=turning("unknown", *RECENT, CHECKPOINT))
def backups_away(target: SandboxTarget) -> Iterator[None]:
    """The folder of the dumps is not mounted."""
    aside = target.backups.folder.rename(target.backups.folder.with_name("unmounted"))
    yield
    aside.rename(target.backups.folder)


@fault("preflight", "postlaunch", turns={OBJECTS: "fail"})
def object_backup_outdated(target: SandboxTarget) -> Iterator[None]:
    """The objects were last copied 30 hours ago; the database is backed up as ever."""
    with target.office.rewritten() as (_, record):
        record["object_backups"][0]["finished_at"] = (datetime.now(UTC) - timedelta(hours=30)).isoformat()
        target.office.write()
        yield


@fault("preflight", turns={OBJECTS: "unknown"})
def object_backups_never_made(target: SandboxTarget) -> Iterator[None]:
    """Nobody has copied the objects yet: the list is empty."""
    with target.office.rewritten() as (_, record):
        record["object_backups"] = []
        target.office.write()
        yield
