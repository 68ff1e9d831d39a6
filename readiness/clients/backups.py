"""Where backups are: a folder of dumps, and Supabase's management API.

Source: Supabase, GET /v1/projects/{ref}/database/backups. With point-in-time recovery its list of backups may be empty;
what counts then is `physical_backup_data`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, field_validator

from readiness.environment.drills import Backup, SupabaseBackups
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.transport.deadline import Deadline, DeadlinePassed, within
from readiness.transport.guard import Guard
from readiness.transport.http import Http
from readiness.transport.typed import typed

SECONDS_AT_MOST = 30.0
MISSING = "set backup.folder, backup.supabase or readings.backups in the environment file"


@dataclass(frozen=True)
class BackupMade:
    """One backup that is finished."""

    name: str
    finished_at: datetime
    size: int | None
    """In bytes; None where the place does not tell."""


class _Listed(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    status: str
    inserted_at: AwareDatetime

    @field_validator("inserted_at", mode="before")
    @classmethod
    def _in_utc(cls, value: Any) -> Any:
        """Read a moment without a zone as UTC, as Supabase writes it."""
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=moment.tzinfo or UTC) if isinstance(moment, datetime) else moment


class _Physical(BaseModel):
    model_config = ConfigDict(frozen=True)

    latest_physical_backup_date_unix: int | None = None


class SupabaseAnswer(BaseModel):
    """The backups of a project."""

    model_config = ConfigDict(frozen=True, strict=False)

    pitr_enabled: bool
    walg_enabled: bool
    backups: list[_Listed]
    physical_backup_data: _Physical


class Backups:
    """The places that the environment names."""

    def __init__(self, settings: Backup | None, http: Http, guard: Guard) -> None:
        self._given = settings
        self._http = http
        self._guard = guard

    @property
    def folder_configured(self) -> bool:
        """Tell whether the environment names a folder of dumps."""
        return bool(self._given and self._given.folder)

    @property
    def supabase_configured(self) -> bool:
        """Tell whether the environment names a project of Supabase."""
        return bool(self._given and self._given.supabase)

    def dumps(self) -> list[tuple[Path, BackupMade]]:
        """List the dumps of the folder, newest first. Raises Unknown, also where there is none."""
        if self._given is None or self._given.folder is None:
            raise NotConfigured("no folder of backups is configured", "set backup.folder, or drills.restore.of: dump")
        folder, pattern = self._given.folder, self._given.pattern
        with self._guard.request("files", "LIST", f"{folder}/{pattern}", None, Effect.READ) as entry:
            try:
                found = within(Deadline.after(SECONDS_AT_MOST), lambda _: _listed(folder, pattern))
            except OSError as error:
                raise Unknown(f"{folder} cannot be listed: {error.strerror}", "is backup.folder right?") from None
            except DeadlinePassed:
                raise Unknown(f"{folder} was not listed within {SECONDS_AT_MOST:g} s", "is its disk there?") from None
            entry.status = f"{len(found)} dumps"
        if not found:
            raise Unknown(f"{folder} holds no {pattern}", "are backup.folder and backup.pattern right?")
        return found

    def require_supabase(self) -> SupabaseBackups:
        """Return the project of Supabase. Raises NotConfigured where the environment names none."""
        if self._given is None or self._given.supabase is None:
            raise NotConfigured("no project of Supabase is configured", "set backup.supabase in the environment file")
        return self._given.supabase

    def supabase(self) -> SupabaseAnswer:
        """Ask for the project's backups. Raises Unknown."""
        given = self.require_supabase()
        where = f"{given.url}/v1/projects/{given.project}/database/backups"
        answer = self._http.get(where, token=given.token).expect(200)
        return typed(SupabaseAnswer, answer.json(), answer, "Supabase", "backup.supabase.url")


def finished(answer: SupabaseAnswer) -> list[BackupMade]:
    """Give the finished backups, newest first."""
    made = [
        BackupMade(f"backup {one.id}", one.inserted_at, None) for one in answer.backups if one.status == "COMPLETED"
    ]
    latest = answer.physical_backup_data.latest_physical_backup_date_unix
    if latest is not None and (answer.pitr_enabled or answer.walg_enabled):
        made.append(BackupMade("physical backup", datetime.fromtimestamp(latest, UTC), None))
    return sorted(made, key=lambda one: one.finished_at, reverse=True)


def _listed(folder: Path, pattern: str) -> list[tuple[Path, BackupMade]]:
    found = []
    for path in [path for path in folder.iterdir() if path.match(pattern) and path.is_file()]:
        stat = path.stat()
        made = BackupMade(path.name, datetime.fromtimestamp(stat.st_mtime, UTC), stat.st_size)
        found.append((path, made))
    return sorted(found, key=lambda pair: pair[1].finished_at, reverse=True)
