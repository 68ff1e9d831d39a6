"""Where backups are: a folder of dumps, and Supabase's management API.

Source: Supabase, GET /v1/projects/{ref}/database/backups. With point-in-time recovery its list of backups may be empty;
what counts then is `physical_backup_data`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, field_validator

from readiness.environment.drills import Backup, SupabaseBackups
from readiness.files.read_from import in_project
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.provenance import FromFile
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
        """Return a time with its zone: Supabase writes UTC without one."""
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(moment, datetime) and moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment


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
        self._http = http.asking("Supabase")
        self._guard = guard

    @property
    def folder_configured(self) -> bool:
        """Whether the environment names a folder of dumps."""
        return bool(self._given and self._given.folder)

    @property
    def supabase_configured(self) -> bool:
        """Whether the environment names a project of Supabase."""
        return bool(self._given and self._given.supabase)

    def dumps(self) -> list[tuple[Path, BackupMade]]:
        """Return the dumps of the folder with their files, newest first. Raises Unknown, also where there is none."""
        if self._given is None or self._given.folder is None:
            raise NotConfigured("no folder of backups is configured", "set backup.folder, or drills.restore.of: dump")
        folder = self._given.folder
        pattern = self._given.pattern

        listed = FromFile(f"{in_project(folder)}/{pattern}")
        with self._guard.request("files", "LIST", f"{folder}/{pattern}", None, Effect.READ, listed) as entry:
            try:
                # A folder of the network may never answer.
                dumps = within(Deadline.after(SECONDS_AT_MOST), lambda _: _listed(folder, pattern))
            except OSError as error:
                raise Unknown(f"{folder} cannot be listed: {error.strerror}", "is backup.folder right?") from None
            except DeadlinePassed:
                raise Unknown(f"{folder} was not listed within {SECONDS_AT_MOST:g} s", "is its disk there?") from None
            entry.status = f"{len(dumps)} dumps"

        if not dumps:
            raise Unknown(f"{folder} holds no {pattern}", "are backup.folder and backup.pattern right?")
        return dumps

    def require_supabase(self) -> SupabaseBackups:
        """Return the project of Supabase. Raises NotConfigured where the environment names none."""
        if self._given is None or self._given.supabase is None:
            raise NotConfigured("no project of Supabase is configured", "set backup.supabase in the environment file")
        return self._given.supabase

    def supabase(self) -> SupabaseAnswer:
        """Return what Supabase answers of the project's backups. Raises Unknown."""
        settings = self.require_supabase()
        url = f"{settings.url}/v1/projects/{settings.project}/database/backups"
        answer = self._http.get(url, token=settings.token).expect(200)
        return typed(TypeAdapter(SupabaseAnswer), answer.json(), answer, "Supabase", "backup.supabase.url")


def finished(answer: SupabaseAnswer) -> list[BackupMade]:
    """Return the finished backups of a project, newest first."""
    backups = [
        BackupMade(f"backup {listed.id}", listed.inserted_at, None)
        for listed in answer.backups
        if listed.status == "COMPLETED"
    ]

    # With point-in-time recovery (by WAL-G) the list may be empty, and this date is all that Supabase answers.
    latest = answer.physical_backup_data.latest_physical_backup_date_unix
    is_physical = answer.pitr_enabled or answer.walg_enabled
    if is_physical and latest is not None:
        backups.append(BackupMade("physical backup", datetime.fromtimestamp(latest, UTC), None))

    return sorted(backups, key=lambda backup: backup.finished_at, reverse=True)


def _listed(folder: Path, pattern: str) -> list[tuple[Path, BackupMade]]:
    dumps = []
    for path in folder.iterdir():
        if not path.match(pattern) or not path.is_file():
            continue
        status = path.stat()
        finished_at = datetime.fromtimestamp(status.st_mtime, UTC)
        dumps.append((path, BackupMade(path.name, finished_at, status.st_size)))
    return sorted(dumps, key=lambda dump: dump[1].finished_at, reverse=True)
