"""The service's database: roles, migrations, seven days of history, and connections that outlive an outage."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from readiness.sandbox.postgres import Server

MIGRATIONS = Path(__file__).parent / "migrations"
SERVICE, PROBE, ANONYMOUS = "ingestion_service", "readiness_probe", "anon"
OPEN_SECONDS = 15.0
FORGOTTEN_SECONDS = 600.0
"""A connection that nobody has used for so long is given up: of a sandbox that lives long, a line tells idle ones."""
Row = dict[str, Any]


@dataclass
class Database:
    """Connections of one role, one for each thread, made anew after they broke."""

    dsn: str
    _local: threading.local = field(default_factory=threading.local)
    _renewed: int = 0
    """How often all of them were given up."""

    def connection(self) -> psycopg.Connection[DictRow]:
        """Return this thread's connection. Raises psycopg.OperationalError."""
        connection: psycopg.Connection[DictRow] | None = getattr(self._local, "connection", None)
        if connection is not None:
            is_forgotten = time.monotonic() - self._local.used > FORGOTTEN_SECONDS
            is_outdated = self._local.renewed != self._renewed
            if is_forgotten or is_outdated:
                connection.close()

        if connection is None or connection.closed:
            self._local.renewed = self._renewed
            connection = self._local.connection = self.fresh()
            connection.execute("set statement_timeout = '5s'")
            # The server ends those of threads that never come back, and none that this side still holds for good.
            connection.execute(f"set idle_session_timeout = '{2 * FORGOTTEN_SECONDS:.0f}s'")
        self._local.used = time.monotonic()
        return connection

    def renew(self) -> None:
        """Drop the connections of all threads, which the server has ended: none is to find that out by an error."""
        self._renewed += 1

    def fresh(self) -> psycopg.Connection[DictRow]:
        """Return a new connection, which the caller closes. Raises psycopg.OperationalError."""
        return psycopg.connect(self.dsn, autocommit=True, row_factory=dict_row, connect_timeout=2)

    def state(self) -> str:
        """Check whether a new connection works: ok, or the name of the error."""
        try:
            with self.fresh() as connection:
                connection.execute("select 1")
        except psycopg.Error as error:
            return type(error).__name__
        return "ok"

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """Run one statement and return its rows, if it has any. Raises psycopg.Error."""
        cursor = self.connection().execute(sql.encode(), parameters or None)
        return list(cursor.fetchall()) if cursor.description else []

    def one(self, sql: str, *parameters: object) -> Row:
        """Run one statement that has one row."""
        (row,) = self.rows(sql, *parameters)
        return row


Prepared = tuple[Database, Database, str]
"""The connections of the superuser and of the service, and the address of the probe."""


def prepare(server: Server) -> Prepared:
    """Make roles, tables and history; return the superuser's and the service's connections and the probe's address."""
    admin = Database(server.dsn())
    _wait_until_open(admin)
    passwords = {SERVICE: secrets.token_hex(12), PROBE: secrets.token_hex(12)}
    admin.rows("create extension pg_stat_statements")
    for role, password in passwords.items():
        admin.rows(f"create role {role} login password '{password}'")
    admin.rows(f"alter role {PROBE} bypassrls")
    admin.rows(f"grant pg_monitor, pg_read_all_data to {PROBE}")
    # As Supabase has it: the API asks by this role for whoever is not signed in, and only policies keep rows from it.
    admin.rows(f"create role {ANONYMOUS} nologin")
    admin.rows(f"grant {ANONYMOUS} to {PROBE}")
    admin.rows(f"grant usage on schema public to {ANONYMOUS}")
    admin.rows(f"alter default privileges in schema public grant select on tables to {ANONYMOUS}")
    admin.rows(f"alter role {SERVICE} set statement_timeout = '30s'")
    admin.rows("alter system set log_min_duration_statement = '500ms'")
    admin.rows("select pg_reload_conf()")
    admin.rows("create schema supabase_migrations")
    admin.rows("create table supabase_migrations.schema_migrations (version text primary key, name text not null)")
    for path in sorted(MIGRATIONS.glob("[0-9]*.sql")):
        version, _, name = path.stem.partition("_")
        admin.rows(path.read_text(encoding="utf-8"))
        admin.rows("insert into supabase_migrations.schema_migrations values (%s, %s)", version, name)
    admin.rows((MIGRATIONS / "seed.sql").read_text(encoding="utf-8"))
    return admin, Database(server.dsn(SERVICE, passwords[SERVICE])), server.dsn(PROBE, passwords[PROBE])


def _wait_until_open(admin: Database) -> None:
    """Wait for the end of the start-up: a server listens a moment before it takes sessions."""
    end = time.monotonic() + OPEN_SECONDS
    while True:
        try:
            admin.connection()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
