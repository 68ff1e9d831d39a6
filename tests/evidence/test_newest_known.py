"""The newest that is known of a phase: a refused start, the ledger's order, the age of a run, and where it looked."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main
from readiness.commands import verify
from readiness.config.project_root import project_root
from readiness.evidence import ledger
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.newest_run import RHYTHM, newest_of
from readiness.outcomes import Phase
from tests import warm
from tests.plugin.project import Project, line

SECRET = "pw-of-a-test-that-nobody-sees"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project with one run, which was GO."""
    project = Project(tmp_path_factory.mktemp("done"))
    project.runbook(line("one", "demo.figure"))
    assert project.preflight().exit == 0
    return project


@pytest.fixture
def project(done: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    shutil.copytree(done.folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    copied = Project.__new__(Project)
    copied.folder = tmp_path / "copy"
    return copied


def book(project: Project) -> LedgerReading:
    return ledger.read(project.folder / "reports/tiny/ledger.jsonl", {})


REFUSALS: dict[str, tuple[Callable[[Project], Any], str]] = {
    "bad-yaml": (lambda project: project.write("environments/tiny.yaml", "environment: ["), "tiny.yaml"),
    "unknown-key": (lambda project: project.environment(tagret={}), "'tagret' is not known"),
    "missing-variable": (lambda project: project.environment(launch_at="${NOBODY_SET_THIS}"), "NOBODY_SET_THIS"),
    "no-runbook": (lambda project: (project.folder / "environments/book.yaml").unlink(), "book.yaml: cannot be read"),
    "masked": (lambda project: project.environment(launch_at="${TINY_DBU}"), "'***' is not a date and time"),
    "late": (lambda project: project.runbook(line("one", {"demo.figure": {"share_bellow": 1}})), "share_bellow"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_after_a_refused_start_no_older_go_is_the_newest_known(
    name: str, project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TINY_DBU", f"postgresql://u:{SECRET}@db/x")
    assert main(["verify", "tiny", "preflight"]) == 0
    refuse, reason = REFUSALS[name]
    refuse(project)
    ran = project.preflight()
    assert ran.exit == 4, ran.out
    assert ran.looked == []
    capsys.readouterr()

    assert main(["verify", "tiny", "preflight"]) == 12
    told = capsys.readouterr().out
    assert "was refused: " in told
    assert reason in told
    assert "verdict   INCOMPLETE: mend that, then pytest -m preflight --env tiny" in told
    assert main(["verify", "tiny", "preflight", "--json"]) == 12
    facts = json.loads(capsys.readouterr().out)
    assert (facts["verdict"], facts["exit"], facts["evidence"]) == ("INCOMPLETE", 12, False)
    assert SECRET not in (project.folder / "reports/tiny/ledger.jsonl").read_text("utf-8")
    assert main(["sign-off", "--env", "tiny"]) == 10
    assert f"untrusted preflight: {told.splitlines()[0].partition(': ')[2]}" in capsys.readouterr().out

    # The next whole run is the newest again.
    shutil.copytree(project.folder / "environments", project.folder / "broken")
    project.environment()
    project.runbook(line("one", "demo.figure"))
    assert main(["next", "--env", "tiny"]) == 0
    assert "preflight: INCOMPLETE: its newest start" in capsys.readouterr().out
    assert project.preflight().exit == 0
    assert main(["verify", "tiny", "preflight"]) == 0
    assert main(["sign-off", "--env", "tiny"]) == 0
    assert main(["verify", "--all", "--env", "tiny"]) in {0, 17, 18}  # a late one has a folder that was never sealed
    assert "preflight was refused at " in capsys.readouterr().out


TELLING = [
    *(("--collect-only",), ("--co", "-q"), ("--collect-only", "-n2"), ("--fixtures",), ("--fixtures-per-test",)),
    *(("--markers",), ("--version",), ("--help",)),
    *(("--collect-only", "--as-of=T-1h"), ("--collect-only", "--junitxml=left.xml")),
]


@pytest.mark.parametrize("words", TELLING, ids=" ".join)
def test_what_only_tells_leaves_nothing_and_has_no_good_word(words: tuple[str, ...], project: Project) -> None:
    before = book(project).head
    ran = project.preflight(*words)
    assert "GO  preflight" not in ran.out
    assert "go on" not in ran.out
    assert ran.exit == 0, ran.out
    assert book(project).head == before
    assert ran.looked == []


@pytest.mark.parametrize("words", [("--setup-plan",), ("--setup-only",)])
def test_what_looks_and_judges_nothing_is_refused(words: tuple[str, ...], project: Project) -> None:
    ran = project.preflight(*words)
    assert (ran.exit, ran.looked) == (4, [])
    assert f"{words[0]} is refused" in ran.out


def test_where_nothing_can_be_written_there_is_one_line(project: Project) -> None:
    (project.folder / "environments/book.yaml").unlink()
    shutil.rmtree(project.folder / "reports")
    project.write("reports", "a file")
    ran = project.preflight()
    assert ran.exit == 4
    assert "Traceback" not in ran.out


def test_a_gate_whose_run_never_came_is_the_newest_known(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    ledger.Ledger(project.folder / "reports/tiny", None).ask("0" * 32, phase="preflight")
    assert main(["verify", "tiny", "preflight"]) == 12
    assert "a gate asked for it at" in capsys.readouterr().out


def shifted(by: timedelta) -> type[datetime]:
    class Shifted(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + by

    return Shifted


AGES = [
    (timedelta(0), (), 0, ""),
    (timedelta(hours=71), (), 0, ""),
    (timedelta(hours=73), (), 13, "longer than 72h ago: too old to decide now"),
    (timedelta(hours=73), ("--newer-than", "4d"), 0, ""),
    (timedelta(hours=2), ("--newer-than", "1h"), 13, "longer than 1h ago"),
    (timedelta(seconds=-30), (), 0, ""),
    (timedelta(minutes=-5), (), 13, "one of the clocks is wrong"),
    (timedelta(days=-40000), ("--newer-than", "1m"), 13, "one of the clocks is wrong"),
    (timedelta(0), ("--newer-than", ""), 4, ""),
    (timedelta(0), ("--newer-than", "soon"), 4, ""),
]


@pytest.mark.parametrize(("by", "words", "code", "says"), AGES)
def test_the_newest_run_counts_for_as_long_as_its_phase_has_rhythm(
    by: timedelta,
    words: tuple[str, ...],
    code: int,
    says: str,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert set(RHYTHM) == set(Phase)
    monkeypatch.setattr(verify, "datetime", shifted(by))
    assert main(["verify", "tiny", "preflight", *words]) == code
    out = capsys.readouterr().out
    assert says in out
    # Who names the run itself may look at an old one.
    (run,) = (project.folder / "reports/tiny").glob("2*-preflight")
    if by > timedelta(0) and not words:
        assert main(["verify", str(run)]) == 0


def test_a_pointer_is_never_trusted(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    home = project.folder / "reports/tiny"
    (run,) = home.glob("2*-preflight")
    (home / "latest-smoke").write_text(f"{run.name}\n", "utf-8")
    assert main(["verify", "tiny", "smoke"]) == 12
    assert "run       none of tiny smoke" in capsys.readouterr().out
    shutil.copytree(run, home / run.name.replace("preflight", "smoke"))
    assert main(["verify", "tiny", "smoke"]) == 12
    assert "was copied in" in capsys.readouterr().out
    (home / "ledger.jsonl").unlink()
    assert main(["verify", "tiny", "smoke"]) == 11
    assert "this is a run of preflight, and smoke was asked for" in capsys.readouterr().out


def test_a_run_of_another_target_does_not_answer(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.environment(target={"url": "http://127.0.0.1:10"})
    assert main(["verify", "tiny", "preflight"]) == 15
    assert "tiny.yaml names http://127.0.0.1:10 today: another target" in capsys.readouterr().out
    for how in ((), ("--json",)):
        project.environment(target={"url": "http://probe:${TINY_PW}@127.0.0.1:10"})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TINY_PW", "correct-horse-battery")
            assert main(["verify", "tiny", "preflight", *how]) == 15
        assert "correct-horse" not in capsys.readouterr().out
    project.environment(target={"url": "${TINY_URL_NOBODY_SET}"})
    assert main(["verify", "tiny", "preflight"]) == 15
    assert "tiny.yaml says something else today than when it was judged: target" in capsys.readouterr().out


@pytest.mark.parametrize("words", [("--limits", ""), ("--limits", "approved"), ("--head", "no digest at all"), ("x",)])
def test_what_is_stated_must_be_what_it_is(words: tuple[str, ...], project: Project) -> None:
    assert project
    assert main(["verify", "--all", "--env", "tiny", *words]) == 4


@pytest.mark.parametrize("words", [("tiny", "preflihgt"), ("tiny", ""), ("preflihgt", "--env", "tiny"), ()])
def test_a_phase_that_is_none_is_a_usage_error(words: tuple[str, ...], project: Project) -> None:
    assert project
    assert main(["verify", *words]) == 4


def test_pytest_and_readiness_find_the_same_project(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pytest's own root would be that of the path; the evidence would lie where nobody looks."""
    variables = {**os.environ, "PYTHONPATH": str(warm.ROOT), "NO_COLOR": "1"}
    words = ["-m", "preflight", "--env", "tiny"]
    beside = tmp_path / "beside"
    beside.mkdir()
    ran = warm.run("pytest", "../copy/checks", *words, folder=beside, variables=variables)
    assert ran.returncode == 4, ran.stdout
    assert len(list((project.folder / "reports/tiny").glob("2*"))) == 1

    below = project.folder / "checks"
    ran = warm.run("pytest", *words, folder=below, variables=variables)
    assert ran.returncode == 0, ran.stdout
    assert f"project   {project.folder}\n" in ran.stdout
    newest = max((project.folder / "reports/tiny").glob("2*"))
    monkeypatch.chdir(below)
    assert main(["verify", "tiny", "preflight"]) == 0
    assert f"files     {newest}\n" in capsys.readouterr().out


def test_the_root_of_a_repository_is_the_last_that_is_looked_at(tmp_path: Path) -> None:
    for folder in ("environments", "repository/.git", "repository/service/environments", "repository/service/checks"):
        (tmp_path / folder).mkdir(parents=True)
    service = tmp_path / "repository/service"
    assert [project_root(folder) for folder in (service, service / "checks")] == [service, service]
    assert project_root(tmp_path / "repository") == tmp_path / "repository"
    assert project_root(tmp_path) == tmp_path


def test_the_order_is_that_of_the_ledger_whatever_the_clock_said(tmp_path: Path) -> None:
    home = tmp_path / "tiny"
    home.mkdir()
    writer = ledger.Ledger(home, None)
    for name in ("29991128T090000Z-preflight", "20200101T090000Z-preflight"):
        folder = home / name
        folder.mkdir()
        (folder / "journal.jsonl").write_text("{}\n", "utf-8")
        at = datetime.now(UTC).isoformat()
        writer.open(folder, phase="preflight", started_at=at)
        writer.seal(folder, phase="preflight", started_at=at, verdict="GO", exit=0)
    reading = ledger.read(writer.path, {})
    newest = newest_of(home, Phase.PREFLIGHT, reading)
    assert newest.folder == home / "20200101T090000Z-preflight"
