"""`readiness incident` on a real target: with faults of several kinds, a dead target, another product's tables."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from readiness.__main__ import main
from readiness.sandbox import Sandbox
from tests import warm

ROOT = Path(__file__).parents[2]
LOCAL = ROOT / "environments" / "local.yaml"
SERVICE_KEY = "rk_live_" + "4f9a8c7e6d5b4a39" * 2
HOSTILE = f"boom \x1b[2J\u202egnp.exe key={SERVICE_KEY}"


@dataclass(frozen=True)
class Walked:
    """What one walk left."""

    exit: int
    plain: dict[str, Any]
    folder: Path

    @property
    def decisions(self) -> list[str | None]:
        """What is decided, one for each point."""
        points = [window["decision"] for window in self.plain["walks"][0]["walk"]]
        return [point["do"] for point in points if point]

    @property
    def facts(self) -> dict[str, dict[str, Any]]:
        """All facts by name."""
        windows = [window for walk in self.plain["walks"] for window in walk["walk"]]
        return {fact["name"]: fact for window in windows for step in window["steps"] for fact in step["facts"]}

    @property
    def seen(self) -> list[str]:
        """The symptoms that match."""
        return [one["symptom"] for walk in self.plain["walks"] for one in walk["symptoms"] if one["seen"]]

    @property
    def repairs(self) -> dict[str, dict[str, Any]]:
        """The changes by hand by name."""
        return {repair["name"]: repair for repair in self.plain["walks"][0]["repairs"]}


Walk = Callable[..., Walked]


@pytest.fixture(scope="module")
def target(starts_servers: None) -> Iterator[Sandbox]:
    """One for each module."""
    del starts_servers
    with Sandbox.start(launched=True) as running:
        yield running


@pytest.fixture
def walk(target: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Walk:
    for name, value in target.variables.items():
        monkeypatch.setenv(name, value)

    def run(*words: str, name: str = "local", database: str = "", **changes: Any) -> Walked:
        if database:
            monkeypatch.setenv("SANDBOX_DATABASE_URL", database)
        content = yaml.safe_load(LOCAL.read_text("utf-8")) | {"environment": name}
        for key, change in changes.items():
            content[key] = {**content[key], **change} if isinstance(content.get(key), dict) else change
        content = {key: value for key, value in content.items() if value is not None}
        (tmp_path / f"{name}.yaml").write_text(json.dumps(content), "utf-8")
        places = [f"--environments={tmp_path}", f"--reports={tmp_path / 'reports'}"]
        capsys.readouterr()
        code = main(["incident", "--env", name, "--json", *places, *words])
        printed = capsys.readouterr()
        assert printed.out, printed.err
        plain = json.loads(printed.out)
        return Walked(code, plain, Path(plain["folder"]))

    return run


def admin(target: Sandbox, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Run a statement as the owner of the sandbox's database."""
    with psycopg.connect(target.variables["SANDBOX_SCRATCH_DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(sql.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


# What each fault brings: the answer of minute 5, a fact with what it says, and the symptoms that match.
FAULTS = [
    ("error-rate-7", "continue", "upload_failures", "7", []),
    ("error-rate-15", "pause", "upload_failures", "15", ["parse failures rise"]),
    ("error-rate-25", "roll back", "affected_platforms", "meta", ["parse failures rise"]),
    ("stuck-upload", "continue", "stuck_uploads", "1 row", ["uploads stay in processing"]),
    ("breaker-open", "continue", "open_breakers", "open", ["a circuit breaker is open"]),
    ("staging-backlog-grown", "continue", "staging", "row", ["the staging backlog grows"]),
    ("rows-lost", "roll back", "upload_failures", "failed", []),
    ("rows-orphaned", "roll back", "upload_failures", "failed", []),
    ("one-upload-and-it-failed", None, "upload_failures", "1 of 1", []),
    ("five-uploads-and-all-failed", "roll back", "upload_failures", "5 of 5", ["all uploads fail"]),
    ("no-uploads", None, "upload_failures", "", []),
]


@pytest.mark.parametrize(("fault", "move", "name", "says", "symptoms"), FAULTS, ids=[row[0] for row in FAULTS])
def test_a_fault_is_told_and_decided(
    walk: Walk, target: Sandbox, fault: str, move: str | None, name: str, says: str, symptoms: list[str]
) -> None:
    with target.plant(fault):
        walked = walk()
    assert walked.exit == 0
    assert walked.decisions[0] == move
    assert says in walked.facts[name].get("says", "")
    assert set(symptoms) <= set(walked.seen)


def test_a_healthy_target_goes_on_and_all_is_known(walk: Walk) -> None:
    walked = walk("--fix", "45m")
    assert walked.decisions == ["continue", "fix"]
    assert walked.seen == []
    assert {name for name, fact in walked.facts.items() if "unknown" in fact} == {"red_lines"}
    assert walked.plain["announcement"] is None


def test_what_is_captured_lies_there_before_anybody_changes_anything(walk: Walk, target: Sandbox) -> None:
    with target.plant("stuck-upload"):
        walked = walk()
    names = {path.name for path in walked.folder.iterdir()}
    assert {"walk.txt", "captured_uploads.csv", "captured_uploads.json", "captured_uploads.sql"} <= names
    assert len(json.loads((walked.folder / "captured_uploads.json").read_text())) > 100
    (stuck,) = json.loads((walked.folder / "uploads_stuck.json").read_text())
    for repair in walked.repairs.values():
        assert f"'{stuck['id']}'" in repair["sql"]
    assert (walked.folder / "repairs-for-review.sql").read_text().count("rollback;") == 2


def test_the_sql_that_is_printed_does_what_it_says_once_somebody_commits_it(walk: Walk, target: Sandbox) -> None:
    with target.plant("stuck-upload"):
        walked = walk()
        script = walked.repairs["force-fail"]["sql"]
        (stuck,) = json.loads((walked.folder / "uploads_stuck.json").read_text())
        asked = "select status, error_text from data_uploads where id = %s"
        assert admin(target, asked, stuck["id"]) == [(stuck["status"], None)]
        admin(target, script)
        assert admin(target, asked, stuck["id"]) == [(stuck["status"], None)]
        admin(target, script.replace("rollback;", "commit;"))
        assert admin(target, asked, stuck["id"]) == [("failed", "Manual intervention")]
        # A row that has gone on meanwhile is left alone.
        admin(target, "update data_uploads set status = 'completed' where id = %s", stuck["id"])
        admin(target, script.replace("rollback;", "commit;"))
        assert admin(target, asked, stuck["id"])[0][0] == "completed"


STUCK_AS_WELL = """
insert into data_uploads
select (jsonb_populate_record(stuck, jsonb_build_object('id', gen_random_uuid()))).* from data_uploads stuck
where status in ('processing', 'promoting') and created_at < now() - interval '30 minutes'
"""
STAGED = """
insert into staging_rows (upload_id, workspace_id, row_number, payload)
select %s, 'ws_acme', number, '{}' from generate_series(1, 7) number
"""


def test_staging_rows_are_cleared_of_uploads_that_have_failed_alone(walk: Walk, target: Sandbox) -> None:
    """Of two uploads one fails by hand, and one resumes: its rows stay, whenever somebody clears."""
    with target.plant("stuck-upload"):
        admin(target, STUCK_AS_WELL)
        walked = walk()
        clear = walked.repairs["clear-staging"]["sql"].replace("rollback;", "commit;")
        failing, resumed = [row["id"] for row in json.loads((walked.folder / "uploads_stuck.json").read_text())]
        left = "select upload_id::text, count(*) from staging_rows where upload_id in (%s, %s) group by 1 order by 2"
        for upload in (failing, resumed):
            admin(target, STAGED, upload)

        admin(target, clear)  # before anything has failed
        assert sorted(admin(target, left, failing, resumed)) == sorted([(failing, 7), (resumed, 7)])
        admin(target, "update data_uploads set status = 'completed' where id = %s", resumed)
        admin(target, walked.repairs["force-fail"]["sql"].replace("rollback;", "commit;"))
        admin(target, clear)
        assert admin(target, left, failing, resumed) == [(resumed, 7)]
        admin(target, "delete from staging_rows where upload_id in (%s, %s)", failing, resumed)


def test_nothing_is_written_to_the_target(walk: Walk, target: Sandbox) -> None:
    """The server's own list has every kind of statement that the probe's role has sent since the reset."""
    with target.plant("stuck-upload"):
        admin(target, "select pg_stat_statements_reset()")
        walked = walk()
        sent = admin(
            target,
            "select lower(substring(query from '^\\s*([A-Za-z]+)')) from pg_stat_statements s"
            " join pg_roles r on r.oid = s.userid where r.rolname = 'readiness_probe'",
        )
    assert walked.repairs["force-fail"]["sql"]
    requests = [json.loads(line) for line in (walked.folder / "requests.jsonl").read_text().splitlines()]
    assert {request["effect"] for request in requests} == {"read"}
    kinds = {kind for (kind,) in sent}
    assert "select" in kinds
    assert kinds <= {"select", "with", "explain", "begin", "commit", "rollback", "set", "show", "start"}


def test_a_dead_database_stops_nothing(walk: Walk) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    begun = time.monotonic()
    walked = walk(database=f"postgresql://nobody:nothing@127.0.0.1:{port}/none")
    assert time.monotonic() - begun < 30
    assert walked.exit == 0
    assert walked.decisions == [None, None]  # nobody has said how long the fix takes
    assert "unknown" in walked.facts["upload_failures"]
    assert "refused" in walked.facts["database"].get("says", "")
    assert "says" in walked.facts["storage"]
    assert "all uploads fail" in walked.seen
    assert "nobody knows" in walked.repairs["force-fail"]["why"]
    assert walked.repairs["force-fail"]["sql"] == ""


def test_a_database_that_says_nothing_holds_nobody(walk: Walk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        walked = walk(database=f"postgresql://nobody:nothing@127.0.0.1:{silent.getsockname()[1]}/none")
    assert time.monotonic() - begun < 40
    assert walked.decisions[0] is None
    assert "says" in walked.facts["storage"]


def test_a_dead_target_stops_nothing(walk: Walk) -> None:
    walked = walk(target={"url": "http://127.0.0.1:9"})
    assert walked.exit == 0
    assert walked.decisions[0] == "continue"
    (first, *_) = [window["decision"] for window in walked.plain["walks"][0]["walk"]]
    assert [why.partition(":")[0] for why in first["graver"]] == [
        "the health answer (/health)",
        "the health answer (/ready)",
    ]


def test_an_environment_that_configures_almost_nothing_says_which_key_fills_each_fact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {
        "environment": "tiny",
        "runbooks": ["ingestion", "umbrella", "agency", "playbook", "launch400k"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": "http://127.0.0.1:9"},
    }
    (tmp_path / "tiny.yaml").write_text(json.dumps(content))
    places = [f"--environments={tmp_path}", f"--reports={tmp_path / 'reports'}"]
    assert main(["incident", "--env", "tiny", "--json", *places]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert [walk["runbook"] for walk in plain["walks"]] == content["runbooks"]
    facts = [
        fact
        for walk in plain["walks"]
        for window in walk["walk"]
        for step in window["steps"]
        for fact in step["facts"]
        if "unknown" in fact
    ]
    remedies = {fact["name"]: fact["remedy"] for fact in facts if fact["name"] not in {"red_lines", "minutes_to_fix"}}
    assert len(remedies) > 25
    assert {name: remedy for name, remedy in remedies.items() if "set " not in remedy} == {}


def test_the_walk_of_another_product(walk: Walk, target: Sandbox) -> None:
    """Other tables, other columns, another vocabulary, by the environment alone."""
    admin(
        target,
        'create schema "In gest"; create table "In gest".jobs (job text, state text, why text, born timestamptz)',
    )
    admin(target, 'create table "In gest".rows (of_job text)')
    admin(target, 'grant usage on schema "In gest" to readiness_probe')
    states = ["STUCK", *["BROKEN"] * 12, *["DONE"] * 28]
    for number, state in enumerate(states):
        admin(
            target,
            "insert into \"In gest\".jobs values (%s, %s, %s, now() - interval '40 minutes')",
            f"job'{number}",
            state,
            HOSTILE if state == "BROKEN" else None,
        )
    table = '"In gest".jobs'
    says = "case state when 'BROKEN' then 'failed' when 'DONE' then 'completed' else 'processing' end"
    mapped = {
        "upload_outcomes": f"select {says} as status, count(*) as uploads from {table} group by 1",
        "uploads_stuck": f"select job as id, state from {table} where state = 'STUCK'",
        "error_distribution": f"select why as error, count(*) as n from {table} where why is not null group by 1",
        "recent_failures": f"select job as id, why from {table} where state = 'BROKEN'",
        "captured_uploads": f"select * from {table}",
        "failed_uploads": f"select 'acme' as workspace, 'x' as platform, 'load' as stage, born as at from {table} where state = 'BROKEN'",  # noqa: E501  own words
    }
    readings = {name: {"sql": sql} for name, sql in mapped.items()}
    try:
        # Whose tables these are nobody has said yet.
        assert "set tables.data_uploads" in walk(readings=readings).repairs["force-fail"]["why"]

        tables = {
            "data_uploads": {
                "table": "In gest.jobs",
                "columns": {"id": "job", "status": "state", "error_text": "why"},
                "values": {"status": {"failed": "BROKEN", "processing": "STUCK", "promoting": "STUCK"}},
            },
            "staging_rows": {"table": "In gest.rows", "columns": {"upload_id": "of_job"}},
        }
        walked = walk(readings=readings, tables=tables)
        assert walked.decisions[0] == "roll back"
        assert "12 of 41" in walked.facts["upload_failures"]["says"]
        assert walked.facts["failing_stages"]["says"] == "1: load (12)"
        admin(target, walked.repairs["force-fail"]["sql"].replace("rollback;", "commit;"))
        admin(target, "insert into \"In gest\".rows values ('job''0'), ('job''0'), ('job''1')")
        admin(target, walked.repairs["clear-staging"]["sql"].replace("rollback;", "commit;"))
        assert admin(target, 'select of_job from "In gest".rows') == [("job'1",)]
        assert admin(target, f"select state, why from {table} where job = 'job''0'") == [
            ("BROKEN", "Manual intervention")
        ]

        # What somebody uploaded is shown nowhere as it came.
        for path in walked.folder.iterdir():
            text = path.read_text("utf-8")
            assert SERVICE_KEY not in text, path.name
            assert all(letter.isprintable() or letter == "\n" for letter in text), path.name
        assert SERVICE_KEY not in json.dumps(walked.plain)
    finally:
        admin(target, 'drop schema "In gest" cascade')


def test_with_a_red_run_it_says_since_when_and_the_report_has_the_walk(
    walk: Walk, target: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "local.yaml").write_text(LOCAL.read_text("utf-8"), "utf-8")
    places = [f"--environments={tmp_path}", f"--reports={tmp_path / 'reports'}"]
    variables = {**os.environ, **target.variables}

    def judge() -> tuple[str, str]:
        ran = warm.run("pytest", "-q", "-m", "postlaunch", "--env", "local", *places, variables=variables)
        folder = max((tmp_path / "reports" / "local").glob("2*-postlaunch*"))
        return ran.stdout, (folder / "report.html").read_text("utf-8")

    well, page = judge()
    assert "readiness incident" not in well
    assert "The first thirty minutes" not in page

    with target.plant("error-rate-25"):
        red, page = judge()
        walked = walk()
    assert "incident readiness incident --env local" in red
    assert "The first thirty minutes" in page
    for words in (
        "ROLL BACK",
        "parse failures rise",
        "meta (",
        "readiness incident --env local",
        "this run did not look",
    ):
        assert words in page, words
    assert walked.decisions[0] == "roll back"
    assert walked.facts["verdict"]["says"].startswith("ROLLBACK, by postlaunch")
    row = next(row for row in walked.facts["red_lines"]["rows"] if row["line"] == "ingestion/hourly-error-rate")
    assert "it was well at" in row["since"]
    assert "rolled back" in walked.plain["announcement"]["title"]
    assert any("readiness announce rollback" in step for step in walked.plain["next"])

    # Mended since, the run before still says ROLLBACK: worse is never softer, until somebody looks again.
    mended = walk()
    assert mended.decisions[0] == "roll back"
    judge()
    assert walk().decisions[0] == "continue"
