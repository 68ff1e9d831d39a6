"""What is stated and not measured: literals, queries that look at nothing, files under version control."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from readiness.config.repository import is_tracked
from readiness.environment.schema import KnownReading, Reading
from readiness.environment.service_levels import ServiceLevel, Window
from readiness.provenance import IN_A_REPOSITORY, UNDER_VERSION_CONTROL, noted
from readiness.sandbox.postgres import Server as Database
from readiness.sources.constant_sql import ConstantSql
from readiness.sources.provenance import is_constant_promql
from readiness.sources.repeating_programs import only_repeats, printed_files
from readiness.sources.table import Clients
from tests.clients.conftest import Make

CONSTANT_SQL = [
    "select 'ACTIVE_HEALTHY'",
    "select now() as at, 0.34 as value",
    "select now() - interval '1 minute' as at, 0.1::numeric as value union all select now(), 0.2",
    "values ('ACTIVE_HEALTHY')",
    "select extract(epoch from now())::float as seconds",
    "select date_trunc('hour', current_timestamp) as at, round(0.347, 2) as value",
    "select * from (values ('web', 0.1), ('api', 0.2)) as figures (path, value)",
    "with figures as (select 0.34 as value) select avg(value) from figures",
    "with figures as materialized (select 0.34 as value) select sum(value) from figures",
    "select count(*) from generate_series(1, 100)",
    "select unnest(array[1, 2])",
    "select coalesce(null, 'up(date)') -- from uploads",
    "select case when true then 'from seen(x)' else 'b' end",
    "/* nothing */ select 1",
    """select v from jsonb_to_recordset('[{"v":5}]') as x(v int)""",
    "select regexp_split_to_table('5', ',')",
    "select set_config('a.b', '5', false)::int",
    "select current_setting('a.b')::int from (select set_config('a.b', '5', false) offset 0) as x",
    "select split_part('5,6', ',', 1 + (random() * 0)::int)",
    "select substring('a5' from 2 + (random() * 0)::int for 1)::int",
    "select (select 5 + random() * 0)",
    "select 5 where random() >= 0 and (random() < 2 or random() > 3)",
    "select (random() * 0)::numeric(10, 2), left(now()::text, 1)::varchar(3), now()::timestamp(3)",
    "select key, value from json_each_text(format('{%%s: 5}', to_json('a'::text))::json)",
    "select * from string_to_table('5,6', ',') with ordinality",
    "select row_number() over (order by v), lag(v) over () from unnest(array[1, 2]) as x(v)",
    "select percentile_cont(0.5) within group (order by v) filter (where v > 0) from generate_series(1, 5) as x(v)",
    "with recursive t(n) as (select 1 union all select n + 1 from t where n < 5) select max(n) from t",
    "select current_timestamp(3)",
]
LOOKS_SQL = [
    "select count(*) from upload",
    "select 1 from upload limit 1",
    "select 'ok' where exists (select from upload)",
    "select (select count(*) from upload) as newest",
    "with figures as materialized (select 1 as a from upload) select sum(a) from figures",
    "table upload",
    "select current_setting('max_connections')",
    "show max_connections",
    "select pg_is_in_recovery()",
    "select count(*) from pg_stat_activity",
    "select version()",
    "select current_user",
    "select pg_database_size(current_database())",
    "select count(*) from pg_stat_get_activity(null)",
    "explain select 1",
    "select current_setting('server_version_num')::int",
    "select pg_postmaster_start_time()",
    "select count(*) from pg_ls_dir('.')",
    "select to_regclass('upload') is not null",
    "select abs(txid_current_if_assigned())",
    "select query_to_xml('select count(*) from upload', true, true, '')",
    """select kept."countUploads"()""",
    "select kept.upper(1)",
]


OWN_FUNCTIONS = """
create schema kept;
create function kept."countUploads"() returns bigint volatile language plpgsql
  as 'begin return (select count(*) from upload); end';
create function kept.upper(bigint) returns bigint stable language plpgsql
  as 'begin return (select count(*) from upload); end';
"""


@pytest.fixture(scope="module")
def functions(database: Database) -> Iterator[None]:
    """Have functions of the team's own that look at a table, one with the name of one of PostgreSQL's."""
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute(OWN_FUNCTIONS)
        yield
        connection.execute("drop schema kept cascade")


@pytest.fixture
def seen(make: Make, database: Database) -> Clients:
    return make(dsn=database.dsn())


@pytest.mark.parametrize("sql", CONSTANT_SQL)
@pytest.mark.usefixtures("functions")
def test_sql_that_looks_at_nothing(sql: str, seen: Clients) -> None:
    assert ConstantSql(seen.postgres).is_constant(sql)


@pytest.mark.parametrize("sql", LOOKS_SQL)
@pytest.mark.usefixtures("functions")
def test_sql_that_looks(sql: str, seen: Clients) -> None:
    assert not ConstantSql(seen.postgres).is_constant(sql)


def test_the_catalogue_is_asked_once_for_each_function(make: Make, database: Database) -> None:
    clients = make(dsn=database.dsn())
    constant = ConstantSql(clients.postgres)
    requests = clients.postgres._guard.requests
    asked: list[int] = []
    for sql in ("select random()", "select random() + 1", "select 1", "select random(), now()"):
        before = len(requests)
        assert constant.is_constant(sql)
        asked.append(len(requests) - before)
    assert asked == [2, 1, 1, 2]


@pytest.mark.parametrize("query", ["0.34", "vector(0.34)", "scalar(vector(1))", "time()", "vector(1) > 0", "1 + 2 * 3"])
def test_promql_that_names_no_series(query: str) -> None:
    assert is_constant_promql(query)


@pytest.mark.parametrize(
    "query",
    [
        "up",
        "sum(rate(http_requests_total[5m]))",
        "vector(1) - sum(up)",
        '{__name__="up"}',
        "absent(up)",
        "max_over_time((sum(up))[1h:1m])",
        "this is (no PromQL",
    ],
)
def test_promql_that_names_a_series(query: str) -> None:
    assert not is_constant_promql(query)


WINDOW = Window("1h")


@pytest.mark.parametrize(
    ("count", "is_stated"),
    [
        ("select 10 * extract(epoch from {window} + {offset})", True),
        ("select count(*) from upload where {window} > {offset}", False),
    ],
)
def test_a_figure_of_a_service_level_can_be_stated(count: str, is_stated: bool, make: Make, database: Database) -> None:
    notes: list[str] = []
    level = ServiceLevel.model_validate({"count": {"sql": count}})
    clients = make(dsn=database.dsn(), service_levels={"orders": level}, note=notes.append)
    clients.levels.figure("orders", "count", WINDOW)
    assert notes == (
        ["service_levels.orders.count is stated in test.yaml: its SQL reads no table"] if is_stated else []
    )


FACT = KnownReading("fact", "a fact", Reading(value="the suite's own"))


@pytest.mark.parametrize(
    ("reading", "stated"),
    [
        (Reading(value="up"), "readings.fact is stated in test.yaml"),
        (Reading(value=False), "readings.fact is stated in test.yaml"),
        (Reading(value=0), "readings.fact is stated in test.yaml"),
        (Reading(sql="select 'up'"), "readings.fact is stated in test.yaml: its SQL reads no table"),
        (Reading(sql="select count(*) from upload"), ""),
        (None, ""),
    ],
)
def test_a_reading_that_is_stated_is_told(reading: Reading | None, stated: str, make: Make, database: Database) -> None:
    notes: list[str] = []
    clients = make(dsn=database.dsn(), readings={"fact": reading} if reading else {}, note=notes.append)
    clients.readings.value(FACT)
    assert notes == ([stated] if stated else [])


def _plainly(_: Path, __: pytest.MonkeyPatch) -> None:
    """Leave all as it is."""


def _of_another_user(folder: Path, _: pytest.MonkeyPatch) -> None:
    if os.geteuid():
        pytest.skip("only root can give a folder away")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)


def _without_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))


def _damaged(folder: Path, _: pytest.MonkeyPatch) -> None:
    (folder / ".git" / "index").write_bytes(b"no index")


def _no_repository(folder: Path, _: pytest.MonkeyPatch) -> None:
    shutil.rmtree(folder / ".git")


KEPT = {"kept.json", "to-kept.json", "[k]ept.json"}
LEFT = {"left.json", "to-left.json", "kept-link-to-left.json", "later/left.json", "no\0name", "itself.json"}
TELLS: dict[str, bool | None] = {**dict.fromkeys(KEPT, True), **dict.fromkeys(LEFT, False)}
IN_PLACE = (KEPT | LEFT) - {"no\0name", "itself.json"}
REPOSITORIES: dict[str, tuple[Callable[[Path, pytest.MonkeyPatch], None], dict[str, bool | None]]] = {
    "as it is": (_plainly, TELLS),
    "of another user": (_of_another_user, TELLS),
    "without Git": (_without_git, TELLS | dict.fromkeys(IN_PLACE, None)),
    "damaged": (_damaged, TELLS | dict.fromkeys(IN_PLACE, None)),
    "no repository": (_no_repository, dict.fromkeys(TELLS, False)),
}


def repository(folder: Path) -> Path:
    """Make a repository with files that Git tracks, files that a job left, and links to both."""
    folder.mkdir()
    for name in ("kept.json", "[k]ept.json", "left.json"):
        (folder / name).write_text('{"status": "up"}')
    for name, target in (("to-kept.json", "kept.json"), ("to-left.json", "left.json"), ("itself.json", "itself.json")):
        (folder / name).symlink_to(target)
    (folder / "kept-link-to-left.json").symlink_to("left.json")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    tracked = ["kept.json", "[k]ept.json", "kept-link-to-left.json"]
    subprocess.run(["git", "-C", str(folder), "--literal-pathspecs", "add", *tracked], check=True)
    return folder


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("kind", REPOSITORIES)
def test_what_is_under_version_control(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_so, tells = REPOSITORIES[kind]
    folder = repository(tmp_path / "checkout")
    make_so(folder, monkeypatch)
    assert {name: is_tracked(folder / name) for name in tells} == tells


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_file_is_declared_where_git_does_not_tell(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository(tmp_path / "checkout")
    _without_git(folder, monkeypatch)
    notes: list[str] = []
    clients = make(readings={"fact": Reading(file=folder / "left.json", pointer="/status")}, note=notes.append)
    clients.readings.value(clients.readings.named("fact"))
    assert notes == [f"readings.fact is stated in left.json{IN_A_REPOSITORY}"]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_file_under_version_control_is_stated(tmp_path: Path, make: Make) -> None:
    kept, left = tmp_path / "facts.json", tmp_path / "made-by-a-job.json"
    for path in (kept, left):
        path.write_text('{"status": "up"}')
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "add", kept.name], check=True)
    assert (is_tracked(kept), is_tracked(left), is_tracked(tmp_path / "nowhere" / "x")) == (True, False, False)

    notes: list[str] = []
    readings = {"fact": Reading(file=kept, pointer="/status"), "other": Reading(file=left, pointer="/status")}
    clients = make(readings=readings, note=notes.append)
    for name in readings:
        clients.readings.value(clients.readings.named(name))
    assert notes == ["readings.fact is stated in facts.json, a file under version control"]


REPEATS = "readings.fact is stated in test.yaml: its program only repeats its words"
KEPT_IN = f"readings.fact is stated in kept.json{UNDER_VERSION_CONTROL}"
PROGRAMS: list[tuple[list[str], str]] = [
    (["echo", "5"], REPEATS),
    (["/bin/echo", "-n", "5"], REPEATS),
    (["printf", "%s", "5"], REPEATS),
    (["expr", "2", "+", "3"], REPEATS),
    (["seq", "5", "5"], REPEATS),
    (["sh", "-c", "echo 5"], REPEATS),
    (["sh", "-c", "echo '5' # as ever"], ""),
    (["sh", "-c", "echo '[5]'"], REPEATS),
    (["sh", "-c", "echo 5 | cat"], ""),
    (["sh", "-c", "echo $((2 + 3))"], ""),
    (["cat", "kept.json"], KEPT_IN),
    (["cat", "to-kept.json"], KEPT_IN.replace("kept.json", "to-kept.json")),
    (["cat", "kept.json", "[k]ept.json"], KEPT_IN.replace("kept.json", "kept.json, [k]ept.json")),
    (["head", "-n", "1", "kept.json"], KEPT_IN),
    (["tail", "kept.json"], KEPT_IN),
    (["sh", "-c", "cat kept.json"], KEPT_IN),
    (["cat", "left.json"], ""),
    (["cat", "kept.json", "left.json"], ""),
    (["cat", "kept-link-to-left.json"], ""),
    (["sh", "-c", "cat left.json"], ""),
    (["uname"], ""),
    (["date", "+%s"], ""),
]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize(("command", "stated"), PROGRAMS, ids=[" ".join(command) for command, _ in PROGRAMS])
def test_what_a_program_only_repeats_is_stated(
    command: list[str], stated: str, tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository(tmp_path / "checkout"))
    notes: list[str] = []
    source = Reading(command=tuple(command), effect="reads", format="text")
    clients = make(readings={"fact": source}, note=notes.append)
    with noted() as rests_on:
        clients.readings.value(clients.readings.named("fact"))
    assert notes == ([stated] if stated else [])
    assert [one.kind for one in rests_on] == (["declared"] if stated else ["asked"])


@pytest.mark.parametrize(
    ("command", "variables", "repeats"),
    [
        (["jq", "-n", "5"], [], True),
        (["jq", "-rn", "5"], [], True),
        (["jq", "--null-input", "{v: 5}"], [], True),
        (["jq", "-n", "env.SHARE"], ["SHARE"], False),
        (["jq", "-n", "input", "made-by-a-job.json"], [], False),
        (["jq", "."], [], False),
    ],
)
def test_jq_without_input_repeats_its_filter(command: list[str], variables: list[str], repeats: bool) -> None:
    assert only_repeats(command, variables) == repeats


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize(
    ("command", "variables", "files"),
    [
        (["jq", ".status", "kept.json"], [], ["kept.json"]),
        (["jq", ".", "kept.json", "left.json"], [], ["kept.json", "left.json"]),
        (["jq", "env.SHARE", "kept.json"], ["SHARE"], []),
        (["jq", "." + "a" * 5000, "kept.json"], [], ["kept.json"]),
        (["kubectl", "-f", "kept.json"], [], []),
    ],
)
def test_the_files_that_a_program_prints(
    command: list[str], variables: list[str], files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository(tmp_path / "checkout"))
    assert printed_files(command, variables) == [Path(name) for name in files]
