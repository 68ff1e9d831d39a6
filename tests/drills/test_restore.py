"""The restore drill on the sandbox's database: it really restores, and catches a dump that is no backup."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from readiness.drill.evidence import Restored
from readiness.drill.verdict import judge
from readiness.files import evidence_file
from readiness.rehearsal.verdict import Conclusion
from readiness.sandbox import Sandbox
from readiness.sandbox.dumps import dated
from readiness.sandbox.postgres import program
from tests.drills.conftest import Drill

HOUR = 3600.0


def scratch_databases(target: Sandbox) -> list[str]:
    with psycopg.connect(target.variables["SANDBOX_SCRATCH_DATABASE_URL"]) as connection:
        found = connection.execute("select datname from pg_database where datname like 'readiness_restore_%'")
        return [row[0] for row in found]


def good(target: Sandbox) -> bytes:
    return (Path(target.variables["SANDBOX_BACKUPS"]) / "hourly.dump").read_bytes()


def of_last_year(content: bytes) -> bytes:
    assert content[:5] == b"PGDMP"
    return dated(content, time.time() - 365 * 24 * HOUR)


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 0xFF for byte in content[middle : middle + 200]) + content[middle + 200 :]


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda content: content[: len(content) // 2], "cannot be restored"),
    "empty": (lambda _: b"", "is an empty file"),
    "corrupt": (flipped, "cannot be restored"),
    "outdated": (of_last_year, "h old, allowed are 24"),
    "no dump": (lambda _: b"<!doctype html><title>Sign in</title>" * 100, "cannot be restored"),
}


def test_the_newest_backup_is_restored_compared_and_dropped(drill: Drill, target: Sandbox) -> None:
    code, found = drill("restore")
    assert code == 0, judge(found)
    assert isinstance(found.facts, Restored)
    assert found.facts.backup == "hourly.dump"
    assert found.facts.dropped
    whole = [table.name for table in found.facts.tables if table.checksum == table.restored_checksum]
    assert {"public.data_uploads", "public.campaign_metrics", "cron.job"} <= set(whole)
    assert scratch_databases(target) == []


def test_a_dump_is_made_and_compared_to_the_last_row(drill: Drill, target: Sandbox) -> None:
    code, found = drill("restore", restore={"of": "dump"})
    assert code == 0, judge(found)
    assert isinstance(found.facts, Restored)
    assert found.facts.made_here
    assert len(found.facts.tables) > 10
    assert scratch_databases(target) == []


@pytest.mark.parametrize("case", BROKEN)
def test_a_dump_that_is_no_backup_is_caught(case: str, drill: Drill, target: Sandbox, tmp_path: Path) -> None:
    spoil, says = BROKEN[case]
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps" / "nightly.dump").write_bytes(spoil(good(target)))
    code, found = drill("restore", backup={"folder": str(tmp_path / "dumps")})
    judged = judge(found)
    assert (code, judged.word) == (1, Conclusion.FAIL), judged
    assert any(says in reason.says for reason in judged.reasons), judged
    assert scratch_databases(target) == []


def test_a_dump_of_another_database_is_caught(drill: Drill, target: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "dumps").mkdir()
    place = target.variables["SANDBOX_SCRATCH_DATABASE_URL"].removesuffix("/postgres") + "/template1"
    made = [str(program("pg_dump")), "--format=custom", f"--file={tmp_path / 'dumps' / 'nightly.dump'}", place]
    subprocess.run(made, check=True, env={"TZ": "UTC"})
    code, found = drill("restore", backup={"folder": str(tmp_path / "dumps")})
    assert code == 1
    assert any("public.data_uploads did not come back" in reason.says for reason in judge(found).reasons)


def test_the_newest_counts_also_where_an_older_one_is_good(drill: Drill, target: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps" / "good.dump").write_bytes(good(target))
    os.utime(tmp_path / "dumps" / "good.dump", (time.time() - 3600, time.time() - 3600))
    (tmp_path / "dumps" / "newer.dump").write_bytes(b"")
    assert drill("restore", backup={"folder": str(tmp_path / "dumps")})[0] == 1


def of_tokyo(target: Sandbox, folder: Path) -> tuple[Path, float]:
    """A dump of 32 hours ago, as pg_dump writes it in Tokyo: nine hours are added, and no zone is told."""
    folder.mkdir()
    made, path = time.time() - 32 * HOUR, folder / "nightly.dump"
    path.write_bytes(dated(good(target), made + 9 * HOUR))
    return path, made


def test_an_archive_is_read_by_the_clocks_of_where_it_was_made(drill: Drill, target: Sandbox, tmp_path: Path) -> None:
    of_tokyo(target, tmp_path / "dumps")
    code, found = drill("restore", backup={"folder": str(tmp_path / "dumps"), "timezone": "Asia/Tokyo"})
    judged = judge(found)
    assert (code, judged.word) == (1, Conclusion.FAIL), judged
    assert judged.reasons[0].says == "the backup was 32.0 h old, allowed are 24"


def test_an_archive_younger_than_its_file_is_of_another_zone(drill: Drill, target: Sandbox, tmp_path: Path) -> None:
    path, made = of_tokyo(target, tmp_path / "dumps")
    os.utime(path, (made, made))
    code, found = drill("restore", backup={"folder": str(tmp_path / "dumps")})
    assert code == 10, judge(found)
    assert "which in UTC is 9.0 h after its file was last written" in found.ended_because
    assert "set backup.timezone" in found.ended_because
    assert scratch_databases(target) == []


def test_a_dump_made_now_is_of_now_wherever_the_others_are_made(drill: Drill) -> None:
    backup = {"folder": "${SANDBOX_BACKUPS}", "timezone": "America/New_York"}
    code, found = drill("restore", restore={"of": "dump"}, backup=backup)
    assert code == 0, judge(found)
    assert isinstance(found.facts, Restored)
    assert found.facts.taken_at
    assert abs((found.facts.taken_at - found.started_at).total_seconds()) < 60


def test_a_role_that_sees_only_some_rows_proves_nothing(
    drill: Drill, target: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(target.variables["SANDBOX_SCRATCH_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("create role narrow login password 'password-of-a-test' in role pg_read_all_data")
        try:
            place = target.variables["SANDBOX_DATABASE_URL"].partition("@")[2]
            monkeypatch.setenv("NARROW_URL", f"postgresql://narrow:password-of-a-test@{place}")
            code, found = drill("restore", postgres={"url": "${NARROW_URL}"})
        finally:
            connection.execute("drop role narrow")
    assert code == 10
    assert "row-level security" in found.ended_because


def test_missing_programs_are_named_with_their_package(drill: Drill, tmp_path: Path) -> None:
    code, found = drill("restore", restore={"programs": str(tmp_path)})
    assert code == 10
    assert f"there is no pg_restore in {tmp_path} (apt-get install postgresql-client" in found.ended_because


def test_a_server_that_refuses_proves_nothing(drill: Drill, closed_port_url: str) -> None:
    code, found = drill("restore", restore={"server": closed_port_url})
    assert code == 10
    assert "the scratch database was not made" in found.ended_because
    assert "of-a-test" not in evidence_file.to_json(found)


@pytest.fixture
def closed_port_url(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NOWHERE_URL", "postgresql://role:password-of-a-test@127.0.0.1:1/none")
    return "${NOWHERE_URL}"
