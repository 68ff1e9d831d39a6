"""Restore: the newest backup, or a dump made now, into a scratch database; compared, timed, and dropped again."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from readiness.clients.dumps import DumpRefused, Dumps, Fingerprint
from readiness.drill.evidence import Table
from readiness.environment.drills import RestoreDrill
from readiness.environment.schema import Postgres
from readiness.outcomes import NotConfigured, Unknown
from readiness.procedures.course import Course

SECONDS_AT_MOST = 4 * 3600.0
SCRATCH = "readiness_restore_"
MADE_HERE = "UTC"
"""The zone that our own pg_dump is run in."""
DROP = "drop the scratch database"
Tables = Mapping[str, Fingerprint]


@dataclass(frozen=True)
class _Plan:
    """What one restore works with."""

    settings: RestoreDrill
    live: Postgres
    dumps: Dumps
    scratch: str
    zone: str
    """By whose clocks the archive says when it was made."""


def run(course: Course) -> None:
    """Restore and compare. Raises Unknown."""
    settings = course.environment.drills.restore if course.environment.drills else None
    live = course.environment.postgres
    if settings is None:
        raise NotConfigured("no server is named for a restore", "set drills.restore in the environment file")
    if live is None:
        raise NotConfigured("no database is configured to compare with", "set postgres.url in the environment file")

    dumps = Dumps(course.guard, settings.programs, SECONDS_AT_MOST, live.powerful_roles)
    backup = course.environment.backup
    zone = backup.timezone if backup and settings.of == "newest" else MADE_HERE
    scratch = f"{SCRATCH}{secrets.token_hex(6)}"
    plan = _Plan(settings, live, dumps, scratch, zone)

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="readiness-dump-") as folder:
        path, tables = _backup(course, plan, Path(folder))
        if _restored(course, plan, path):
            _compare(course, plan, tables)
            course.note(seconds=time.monotonic() - began)


def _backup(course: Course, plan: _Plan, folder: Path) -> tuple[Path, tuple[Table, ...]]:
    """Return the backup to restore, and the live tables to compare it with."""
    if plan.settings.of == "newest":
        return _newest(course, plan)
    return _made_now(course, plan, folder)


def _newest(course: Course, plan: _Plan) -> tuple[Path, tuple[Table, ...]]:
    with course.step("backup", "find the newest backup") as step:
        path, dump = course.clients.backups.dumps()[0]
        course.note(backup=dump.name, size=dump.size)
        step.saw(f"{dump.name}, {dump.size:,} bytes")

    with course.step("live", "count and sum up the live tables") as step:
        tables = _tables(plan, plan.dumps.fingerprints(plan.live.url))
        step.saw(f"{len(tables)} tables")
    return path, tables


def _made_now(course: Course, plan: _Plan, folder: Path) -> tuple[Path, tuple[Table, ...]]:
    """Make a dump between two looks at the live tables: what is equal in both must come back equal."""
    path = folder / "made.dump"
    with course.step("backup", "dump the database, between two looks at its tables") as step:
        before = plan.dumps.fingerprints(plan.live.url)
        plan.dumps.make(plan.live.url, path)
        after = plan.dumps.fingerprints(plan.live.url)
        course.note(backup="a dump made now", size=path.stat().st_size, made_here=True)
        step.saw(f"{path.stat().st_size:,} bytes, {len(before)} tables")
    return path, _tables(plan, before, after)


def _tables(plan: _Plan, before: Tables, after: Tables | None = None) -> tuple[Table, ...]:
    """Return the tables as they were seen, once or before and after the dump."""
    tables = []
    for name, fingerprint in before.items():
        table = Table(
            name=name,
            rows=fingerprint.rows,
            checksum=fingerprint.checksum,
            changing=name in plan.settings.changing,
        )
        later = after.get(name) if after is not None else None
        if later:
            table = table.model_copy(update={"rows_after": later.rows, "checksum_after": later.checksum})
        tables.append(table)
    return tuple(tables)


def _restored(course: Course, plan: _Plan, path: Path) -> bool:
    """Restore it into the scratch database; return False where PostgreSQL does not take it, which is the finding."""
    server = plan.settings.server

    def drop() -> None:
        plan.dumps.drop(server, plan.scratch)
        course.note(dropped=True)

    with course.step("restore", f"into the scratch database {plan.scratch}") as step:
        try:
            course.note(taken_at=plan.dumps.created(path, plan.zone))
            # Before it is created: a signal may come between the two.
            course.at_the_end(DROP, drop)
            _create(course, plan)
            plan.dumps.restore(server, plan.scratch, path)
        except DumpRefused as refused:
            step.failed = True
            course.note(refused=str(refused))
            step.saw(str(refused), done=False)
            return False
    return True


def _create(course: Course, plan: _Plan) -> None:
    try:
        plan.dumps.create(plan.settings.server, plan.scratch)
    except Unknown:  # it never came to be: to drop it would fail, and be told as left behind
        course.not_needed(DROP)
        raise
    course.note(scratch=plan.scratch)


def _compare(course: Course, plan: _Plan, tables: tuple[Table, ...]) -> None:
    with course.step("compare", "count and sum up the restored tables") as step:
        restored = plan.dumps.fingerprints(plan.settings.server, plan.scratch)
        compared = tuple(_with_restored(table, restored.get(table.name)) for table in tables)
        course.note(tables=compared)
        equal = sum(table.checksum == table.restored_checksum for table in compared)
        step.saw(f"{len(restored)} tables came back; {equal} of {len(compared)} equal what was live then")


def _with_restored(table: Table, restored: Fingerprint | None) -> Table:
    # Nothing is added for a table that did not come back.
    if restored is None:
        return table
    return table.model_copy(update={"restored": restored.rows, "restored_checksum": restored.checksum})
