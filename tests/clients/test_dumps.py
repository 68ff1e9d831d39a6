"""When a dump was made: by the clocks of the machine that made it."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readiness.clients.dumps import Dumps
from readiness.outcomes import Unknown
from readiness.redaction.secret import Secret
from readiness.sandbox.postgres import Server, program
from readiness.transport.guard import Guard

EAST_OF_UTC = ["Asia/Tokyo", "Australia/Sydney", "Europe/Berlin"]
SPAN = timedelta(seconds=30)


def made_in(zone: str, database: Server, folder: Path) -> Path:
    path = folder / "nightly.dump"
    words = [str(program("pg_dump")), "--format=custom", f"--file={path}", database.dsn()]
    subprocess.run(words, check=True, env={"TZ": zone})
    return path


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", *EAST_OF_UTC])
def test_a_dump_is_as_old_as_it_is(zone: str, guard: Guard, database: Server, tmp_path: Path) -> None:
    made = Dumps(guard, None, 60).created(made_in(zone, database, tmp_path), zone)
    assert made
    assert made.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - made) < SPAN


@pytest.mark.parametrize("zone", EAST_OF_UTC)
def test_a_dump_younger_than_its_file_names_the_zone(zone: str, guard: Guard, database: Server, tmp_path: Path) -> None:
    with pytest.raises(Unknown, match=r"which in UTC is .* after its file was last written") as told:
        Dumps(guard, None, 60).created(made_in(zone, database, tmp_path), "UTC")
    assert "backup.timezone" in told.value.remedy


def test_a_file_that_was_copied_later_is_no_contradiction(guard: Guard, database: Server, tmp_path: Path) -> None:
    path = made_in("UTC", database, tmp_path)
    later = datetime.now(UTC).timestamp() + 7200
    os.utime(path, (later, later))
    assert Dumps(guard, None, 60).created(path, "UTC")


def test_our_own_programs_run_in_utc(guard: Guard, tmp_path: Path) -> None:
    script = tmp_path / "pg_dump"
    script.write_text('#!/bin/sh\nfor word; do case "$word" in --file=*) echo "$TZ" >"${word#--file=}";; esac; done\n')
    script.chmod(0o755)
    url = Secret("postgresql://role:password-of-a-test@127.0.0.1/shop")
    Dumps(guard, tmp_path, 60).make(url, tmp_path / "made.dump")
    assert (tmp_path / "made.dump").read_text() == "UTC\n"
