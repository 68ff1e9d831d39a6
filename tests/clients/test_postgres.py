"""PostgreSQL: nothing can be written through it, and whatever goes wrong is unknown within its time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from readiness.clients.postgres import Postgres
from readiness.environment.schema import KnownReading, Reading
from readiness.measurements import Plain
from readiness.outcomes import NotConfigured, Unknown
from readiness.sandbox.postgres import Server
from readiness.transport import sql_transaction
from readiness.transport.guard import Guard
from tests.clients.conftest import NEVER, Make

PASSWORDS = ("probe-password", "writer-password", "nologin-password", "crowded-password", "wrong-password")
UPLOADS = "select id, status from upload order by id"


@pytest.fixture
def probe(make: Make, database: Server) -> Postgres:
    return make(dsn=database.dsn("probe", "probe-password")).postgres


@pytest.fixture
def writer(make: Make, database: Server) -> Postgres:
    """A superuser by mistake: what keeps it from writing is the client alone."""
    return make(dsn=database.dsn("writer", "writer-password")).postgres


def unknown(act: Callable[[], object]) -> Unknown:
    started = time.monotonic()
    with pytest.raises(Unknown) as found:
        act()
    assert not isinstance(found.value, NotConfigured)
    assert time.monotonic() - started < NEVER
    assert not [password for password in PASSWORDS if password in str(found.value)]
    return found.value


def test_rows_are_plain_values(probe: Postgres, guard: Guard) -> None:
    assert probe.rows(UPLOADS) == [{"id": 1, "status": "completed"}, {"id": 2, "status": "failed"}]
    assert probe.rows("select id from upload where status = %s", "failed") == [{"id": 2}]
    assert probe.rows("select 1 as one where false") == []
    assert probe.value("select count(*) from upload where status like 'f%'") == 1
    (first, *_) = guard.requests
    assert first.target.endswith(f"/postgres: {UPLOADS}")
    assert (first.client, first.status) == ("postgres", "2 rows")


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("1.50::numeric", 1.5),
        ("10::numeric", 10),
        ("1e30::numeric", 1e30),
        ("2.5::float8", 2.5),
        ("true", True),
        ("timestamptz '2026-01-02 03:04:05+02'", "2026-01-02T01:04:05+00:00"),
        ("timestamp '2026-01-02 03:04:05'", "2026-01-02T03:04:05"),
        ("date '2026-01-02'", "2026-01-02"),
        ("interval '90 minutes'", 5400.0),
        ("array[1, null, 3]", [1, None, 3]),
        ("'{\"a\": [1.5]}'::jsonb", {"a": [1.5]}),
        ("'6a4bd1de-7e4c-4c0f-9f6b-1d2a3b4c5d6e'::uuid", "6a4bd1de-7e4c-4c0f-9f6b-1d2a3b4c5d6e"),
    ],
)
def test_a_value_becomes_plain(sql: str, found: Plain, probe: Postgres) -> None:
    assert probe.value(f"select {sql}") == found
    assert type(probe.value(f"select {sql}")) is type(found)


NO_VALUES = {
    "NaN": ("select 'nan'::float8", "no finite number"),
    "infinity": ("select '-infinity'::float8", "no finite number"),
    "numeric NaN": ("select 'nan'::numeric", "no finite number"),
    "a number too large": ("select '1e400'::numeric", "no finite number"),
    "NaN in an array": ("select array['nan'::float8]", "no finite number"),
    "a number too large in JSON": ("select '{\"a\": 1e999}'::jsonb", "no finite number"),
    "a time without end": ("select 'infinity'::timestamptz", "timestamp too large"),
    "bytes": ("select 'x'::bytea", "a bytes"),
    "a network": ("select '10.0.0.0/8'::cidr", "cast it"),
    "NULL": ("select null", "nothing to measure"),
    "empty text": ("select ''", "nothing to measure"),
    "no row": ("select 1 where false", "0 rows"),
    "two rows": (UPLOADS, "2 rows of 2 columns"),
    "two columns": ("select 1 as a, 2 as b", "1 rows of 2 columns"),
    "two columns of one name": ("select 1 as a, 2 as a", "two columns of the same name"),
    "nothing": ("", "does not read"),
    "a denied table": ("select * from denied", "may not see this"),
    "a missing table": ("select * from nothing", "table does not exist"),
    "a missing schema": ("select * from nowhere.nothing", "does not exist"),
    "a missing column": ("select nothing from upload", "column does not exist"),
    "a missing function": ("select nothing()", "query failed"),
    "a slip": ("select from from", "cannot be parsed"),
    "a wrong cast": ("select 'x'::int", "query failed"),
    "a division by zero": ("select 1 / 0", "query failed"),
    "two statements": ("select 1; select 2", "one statement"),
    "a slow one": ("select pg_sleep(20)", "took too long"),
    "too few parameters": ("select %s", "query failed"),
}


@pytest.mark.parametrize("case", NO_VALUES)
def test_what_is_no_value_is_unknown(case: str, make: Make, database: Server) -> None:
    sql, words = NO_VALUES[case]
    known = KnownReading("fact", "a fact", Reading(sql=sql))
    clients = make(dsn=database.dsn("probe", "probe-password"))
    parameters = ("one", "two") if case == "too few parameters" else ()
    assert words in str(unknown(lambda: clients.postgres.value(sql, *parameters)))
    assert unknown(lambda: clients.readings.value(known))
    assert unknown(lambda: clients.readings.number(known))
    assert clients.postgres.value("select 1") == 1, "a failed query must not spoil the next"


WRITES = {
    "an update": "update upload set status = 'gone'",
    "a delete": "delete from upload",
    "a table": "create table planted (id int)",
    "a drop": "drop table upload",
    "a program": "copy (select 1) to program 'true'",
    "a block": "do $$ begin delete from upload; end $$",
    "a call": "call nothing()",
    "a notification": "notify channel",
    "a setting": "set transaction read write",
    "an end of the transaction": "commit",
    "an update in a comment's shadow": "/* select */ update upload set status = 'gone'",
    "a delete that answers": "with gone as (delete from upload returning 1) select * from gone",
    "a select that makes a table": "select * into planted from upload",
    "a lock for writing": "select * from upload for update",
    "a function that deletes": "select forget()",
    "a function that leaves the mode first": "select forget_slyly()",
    "leaving the mode and deleting": "select set_config('transaction_read_only', 'off', false), forget()",
    "a second statement": "select 1; delete from upload",
    "a second statement after the transaction": "select 1; commit; delete from upload",
    "leaving the transaction": "commit; set default_transaction_read_only = off; delete from upload",
    "an analysed delete": "explain analyze delete from upload",
}


@pytest.mark.parametrize("case", WRITES)
def test_nothing_is_written_even_by_a_role_that_may(case: str, writer: Postgres, database: Server) -> None:
    assert unknown(lambda: writer.rows(WRITES[case]))
    assert_untouched(writer, database)


def test_the_same_statements_would_write_without_the_client(database: Server) -> None:
    """The tests above would also pass if the role could not write."""
    with psycopg.connect(database.dsn("writer", "writer-password")) as connection:
        assert connection.execute("select forget_slyly()").fetchone() == (1,)
        connection.rollback()


def test_leaving_the_mode_lasts_for_no_statement(writer: Postgres, database: Server) -> None:
    with contextlib.suppress(Unknown):
        writer.rows("select set_config('default_transaction_read_only', 'off', false)")
    assert writer.value("show transaction_read_only") == "on"
    assert writer.value("show default_transaction_read_only") == "on"
    assert unknown(lambda: writer.rows("select forget()"))
    assert_untouched(writer, database)


def assert_untouched(postgres: Postgres, database: Server) -> None:
    assert len(postgres.rows(UPLOADS)) == 2
    with psycopg.connect(database.dsn()) as connection:
        assert connection.execute("select count(*) from upload where status <> 'gone'").fetchone() == (2,)
        assert connection.execute("select to_regclass('planted')").fetchone() == (None,)


def test_too_many_rows_are_not_fetched(probe: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_transaction, "ROWS_AT_MOST", 10)
    assert len(probe.rows("select generate_series(1, 10) as n")) == 10
    assert "more than 10 rows" in unknown(lambda: probe.rows("select generate_series(1, 1000000000) as n")).reason
    assert probe.value("select 1") == 1


def test_a_session_has_its_limits(probe: Postgres) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "application_name")
    assert [probe.value(f"show {name}") for name in names] == ["600ms", "100ms", "1min", "readiness"]


def test_options_of_the_address_are_kept(make: Make, database: Server) -> None:
    dsn = f"{database.dsn('probe', 'probe-password')}?options=-c%20work_mem%3D3MB"
    postgres = make(dsn=dsn).postgres
    assert (postgres.value("show work_mem"), postgres.value("show transaction_read_only")) == ("3MB", "on")


def test_a_locked_table_is_not_waited_for(probe: Postgres, database: Server) -> None:
    with psycopg.connect(database.dsn()) as other:
        other.execute("lock table upload in access exclusive mode")
        assert "waited for a lock" in unknown(lambda: probe.rows(UPLOADS)).reason
    assert len(probe.rows(UPLOADS)) == 2


LOGINS = {
    "a wrong password": ("probe", "wrong-password", "the password is wrong"),
    "a role that does not exist": ("nobody", "wrong-password", "the password is wrong"),
    "a role that may not log in": ("nologin", "nologin-password", "may not log in"),
    "a role without a free connection": ("crowded", "crowded-password", "all the connections that it may have"),
}


@pytest.mark.parametrize("case", LOGINS)
def test_a_refused_login_is_told_by_its_cause(case: str, make: Make, database: Server) -> None:
    role, password, words = LOGINS[case]
    assert words in unknown(lambda: make(dsn=database.dsn(role, password)).postgres.rows("select 1")).reason


def test_a_missing_database_is_told_as_such(make: Make, database: Server) -> None:
    dsn = database.dsn("probe", "probe-password").rpartition("/")[0] + "/nothing"
    assert "database is not there" in unknown(lambda: make(dsn=dsn).postgres.rows("select 1")).reason


def test_a_closed_port_is_told_as_such(make: Make, closed_port: int) -> None:
    postgres = make(dsn=f"postgresql://probe:probe-password@127.0.0.1:{closed_port}/shop").postgres
    assert "refused the connection" in unknown(lambda: postgres.rows("select 1")).reason


@pytest.mark.parametrize("dsn", ["probe:probe-password@127.0.0.1", "postgresql://127.0.0.1/?nonsense=probe-password"])
def test_a_malformed_address_is_not_told(dsn: str, make: Make, guard: Guard) -> None:
    assert "postgres.url" in unknown(lambda: make(dsn=dsn).postgres.rows("select 1")).reason
    assert guard.requests == []


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1,elsewhere.example"])
def test_a_host_that_is_not_allowed_is_never_asked(host: str, make: Make, guard: Guard) -> None:
    postgres = make(dsn=f"postgresql://probe:probe-password@{host}/shop").postgres
    assert "elsewhere.example is not allowed" in unknown(lambda: postgres.rows("select 1")).reason
    assert guard.requests[-1].status.startswith("refused: ")


def test_no_database_is_not_configured(make: Make) -> None:
    postgres = make().postgres
    for act in (lambda: postgres.rows("select 1"), lambda: postgres.value("select 1"), lambda: postgres.schemas):
        with pytest.raises(NotConfigured, match=r"set postgres\.url"):
            act()


def test_a_server_that_takes_the_connection_and_says_nothing(make: Make) -> None:
    with contextlib.closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        dsn = f"postgresql://probe@127.0.0.1:{silent.getsockname()[1]}/shop"
        postgres = make(dsn=dsn, postgres={"connect_seconds": 1.0}).postgres
        started = time.monotonic()
        assert "did not take the connection within 1 s" in unknown(lambda: postgres.rows("select 1")).reason
        assert time.monotonic() - started < NEVER


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"S", b"R\x00\x00\x00\x08\x00\x00\x00\x00"]
)
def test_a_server_that_is_no_database(answer: bytes, make: Make) -> None:
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        postgres = make(dsn=f"postgresql://probe@127.0.0.1:{listener.getsockname()[1]}/shop").postgres
        assert unknown(lambda: postgres.rows("select 1"))
        listener.shutdown(socket.SHUT_RDWR)


class Between:
    """A wire to the database that can go silent or break."""

    def __init__(self, port: int) -> None:
        self.passes = threading.Event()
        self.passes.set()
        self._there = port
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                there = socket.create_connection(("127.0.0.1", self._there))
                self._open += [here, there]
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.passes.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def breaks(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.passes.set()
        self.breaks()
        for each in self._open:
            each.close()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def between(database: Server) -> Iterator[Between]:
    wire = Between(database.port)
    yield wire
    wire.close()


@pytest.fixture
def distant(make: Make, between: Between) -> Postgres:
    return make(dsn=f"postgresql://probe:probe-password@127.0.0.1:{between.port}/postgres").postgres


def test_a_server_that_goes_silent_in_a_statement(distant: Postgres, between: Between) -> None:
    assert distant.value("select 1") == 1
    between.passes.clear()
    assert "went silent" in unknown(lambda: distant.rows("select 2")).reason
    between.passes.set()
    assert distant.value("select 3") == 3


def test_a_connection_that_breaks_in_a_statement(distant: Postgres, between: Between) -> None:
    assert distant.value("select 1") == 1
    timer = threading.Timer(0.2, between.breaks)
    timer.start()
    assert "broke off" in unknown(lambda: distant.rows("select pg_sleep(0.5)")).reason
    timer.join()


def test_an_idle_connection_that_died_is_replaced(distant: Postgres, between: Between) -> None:
    assert distant.value("select 1") == 1
    between.breaks()
    time.sleep(0.05)
    assert distant.value("select 2") == 2


def test_connections_are_few_and_reused(make: Make, database: Server) -> None:
    postgres = make(dsn=database.dsn("probe", "probe-password"), postgres={"connections_at_most": 2}).postgres
    sessions: set[object] = set()

    def ask() -> None:
        sessions.add(postgres.value("select pg_backend_pid() from pg_sleep(0.02)"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(sessions) <= 2
    ask()
    assert len(sessions) <= 2
    postgres.close()
    query = "select count(*) from pg_stat_activity where pid = any(%s)"
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        end = time.monotonic() + 2
        while connection.execute(query, [list(sessions)]).fetchone() != (0,) and time.monotonic() < end:
            time.sleep(0.02)
        assert connection.execute(query, [list(sessions)]).fetchone() == (0,)


def test_waiting_for_a_connection_has_an_end(make: Make, database: Server) -> None:
    changes = {"connections_at_most": 1, "connect_seconds": 0.2, "statement_timeout_seconds": 0.3}
    postgres = make(dsn=database.dsn("probe", "probe-password"), postgres=changes).postgres
    postgres._open()._places.acquire()
    assert "our own took all 1 connections" in unknown(lambda: postgres.rows("select 1")).reason
