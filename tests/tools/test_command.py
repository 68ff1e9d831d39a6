"""`readiness tools`: what it lists, what it fetches, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.__main__ import USAGE_ERROR, main
from tests.tools.machine import EXITS, machine, script

ANSWERS = "#!/bin/sh\necho '{name}, version 9.9.9'\n"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any tool, on which nothing is fetched."""
    for name, value in machine(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("READINESS_TOOLS", "path")
    return tmp_path


def test_it_says_what_is_missing_and_what_it_is_for(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script(bare / "bin" / "prometheus", ANSWERS.format(name="prometheus"))
    assert main(["tools"]) == 1
    said = capsys.readouterr().out
    assert f"prometheus    {bare}/bin/prometheus, 9.9.9" in said
    assert "alertmanager  missing; needed for the sandbox's alerts" in said
    assert "install alertmanager yourself: https://prometheus.io/download/" in said
    assert said.endswith("to bring what is missing: readiness tools --fetch\n")


def test_all_that_is_asked_for_is_there(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script(bare / "bin" / "prometheus", ANSWERS.format(name="prometheus"))
    assert main(["tools", "--only", "prometheus"]) == 0
    assert main(["tools", "--fetch", "--only", "prometheus"]) == 0
    assert "missing" not in capsys.readouterr().out


def test_what_only_the_lab_runs_is_listed_where_somebody_names_it(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bare.is_dir()
    main(["tools"])
    assert "pgbouncer" not in capsys.readouterr().out
    assert main(["tools", "--only", "pgbouncer"]) == 1
    assert "pgbouncer  missing; needed for tests of what a pooler leaves" in capsys.readouterr().out


def test_one_that_does_not_start_is_as_good_as_none(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script(bare / "bin" / "promtool", EXITS)
    assert main(["tools", "--only", "promtool"]) == 1
    said = capsys.readouterr().out
    assert f"promtool  broken: {bare}/bin/promtool --version ended with 1: the template is gone" in said
    assert "mend or remove that program" in said


def test_the_variable_forbids_to_fetch(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bare.is_dir()
    assert main(["tools", "--fetch"]) == 1
    said = capsys.readouterr().out
    assert said.count("not fetched: READINESS_TOOLS=path forbids to fetch it") == 4


def test_a_mistake_in_the_variable_is_told(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bare.is_dir()
    monkeypatch.setenv("READINESS_TOOLS", "paths")
    assert main(["tools"]) == USAGE_ERROR
    assert "READINESS_TOOLS 'paths' is not known; did you mean 'path'?" in capsys.readouterr().err
