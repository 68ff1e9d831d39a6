"""Runs of a phase that are under way at the same time: a bad word of one of them is seen, whichever ends first."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.commands import gate
from readiness.evidence import ledger
from readiness.evidence.journal import read_run
from tests.commands.test_gate import forked
from tests.evidence.overlaps import begin_first, end_last
from tests.plugin.project import ROOT, Project
from tests.plugin.test_held_back import BAD, PREFLIGHT, WELL, Row, launched
from tests.plugin.test_run_after_run import RATE, look

NARROWED = ("-k", "nothing_of_that_name")


class Launching:
    """A launch that has had no run yet."""

    def __init__(self, folder: Path) -> None:
        self.project = launched(folder, Row("overlapping", (), lines=PREFLIGHT))
        self.home = folder / "reports/tiny"
        self.exits: list[int] = []

    def run(self, phase: str, figure: float = WELL, *words: str) -> str:
        """Run a phase, and return the name of its folder."""
        self.project.write("figure.txt", str(figure))
        before = set(self.home.glob("2*"))
        self.exits.append(self.project.run("-m", phase, *words).exit)
        (made,) = set(self.home.glob("2*")) - before
        return made.name


@pytest.fixture
def launching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launching:
    monkeypatch.chdir(tmp_path)
    return Launching(tmp_path)


def after_the_approval(figure: float, *words: str) -> Callable[[Launching], None]:
    """Have a preflight begin before the one on which the approval rests, and end after the approval."""

    def does(launching: Launching) -> None:
        launching.run("preflight")
        launching.run("ga")
        begin_first(launching.home, launching.run("preflight", figure, *words))

    return does


def before_the_approval(figure: float, *words: str) -> Callable[[Launching], None]:
    """Have it end before the last phase begins."""

    def does(launching: Launching) -> None:
        launching.run("preflight")
        begin_first(launching.home, launching.run("preflight", figure, *words))
        launching.run("ga")

    return does


def a_bad_one_within(launching: Launching) -> None:
    good = launching.run("preflight")
    launching.run("preflight", BAD)
    end_last(launching.home, good)
    launching.run("ga")


def mended(launching: Launching) -> None:
    after_the_approval(BAD)(launching)
    launching.run("preflight")


HISTORIES: dict[str, tuple[Callable[[Launching], None], int, int, int]] = {
    # What happens, the exit of the run of ga, and what verify says of preflight and of ga then.
    "bad afterwards": (after_the_approval(BAD), 0, 1, 15),
    "good afterwards": (after_the_approval(WELL), 0, 0, 0),
    "narrowed afterwards": (after_the_approval(WELL, *NARROWED), 0, 10, 0),
    "narrowed and bad afterwards": (after_the_approval(BAD, "-k", "week"), 0, 1, 15),
    "bad afterwards and mended": (mended, 0, 0, 0),
    "bad before": (before_the_approval(BAD), 10, 1, 10),
    "good before": (before_the_approval(WELL), 0, 0, 0),
    "narrowed before": (before_the_approval(WELL, *NARROWED), 0, 10, 0),
    "a bad one within a good one": (a_bad_one_within, 10, 1, 10),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_an_approval_sees_every_word_of_the_phases_before_it(name: str, launching: Launching) -> None:
    history, of_run, of_phase, code = HISTORIES[name]
    history(launching)
    (approval,) = [read_run(folder) for folder in launching.home.glob("2*-ga")]
    assert approval.finish
    assert approval.finish.exit == of_run
    assert main(["verify", "tiny", "preflight"]) == of_phase
    assert main(["verify", "tiny", "ga"]) == code


def test_what_ended_later_is_named(launching: Launching, capsys: pytest.CaptureFixture[str]) -> None:
    after_the_approval(BAD)(launching)
    first, second = sorted(path.name for path in launching.home.glob("2*-preflight*"))
    capsys.readouterr()
    main(["verify", "tiny", "ga"])
    relation = f"{second}, which began before {first} and ended after it"
    assert f"preflight is NO-GO since, in {relation}: it was GO then" in capsys.readouterr().out
    main(["verify", "tiny", "preflight"])
    assert f"it decides: {relation}" in capsys.readouterr().out
    # Who asks by the pointer is told the same, and it names the run that began last.
    (launching.home / "latest-preflight").write_text(f"{first}\n", "utf-8")
    assert main(["verify", str(launching.home / "latest-preflight")]) == 1
    assert "latest-preflight names" not in capsys.readouterr().out

    assert main(["sign-off", "--env", "tiny"]) == 0
    page = (launching.home / "sign-off.html").read_text("utf-8")
    assert f'<strong>NO-GO</strong><a href="{second}/report.html">preflight' in page


def test_a_gate_sees_a_run_that_ended_badly_beside_its_own(
    launching: Launching, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gate, "run_pytest", forked)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    project, folder = launching.project, launching.project.folder
    conftest = (folder / "conftest.py").read_text("utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-m", "preflight", "--env", "tiny"]
    # The other run begins when this one has judged, and ends before it does.
    project.write("conftest.was", conftest)
    project.write(
        "conftest.py",
        f"{conftest}\n\ndef pytest_sessionfinish():\n"
        "    import os\n    import subprocess\n"
        "    (HERE / 'conftest.py').write_text((HERE / 'conftest.was').read_text())\n"
        f"    (HERE / 'figure.txt').write_text({str(BAD)!r})\n"
        "    others = {name: value for name, value in os.environ.items() if not name.startswith('READINESS_')}\n"
        f"    subprocess.run({words!r}, cwd=HERE, env=others, check=False)\n",
    )
    project.write("figure.txt", str(WELL))
    assert main(["gate", "preflight", "--env", "tiny"]) == 10
    told = " ".join(capsys.readouterr().out.split())
    assert ", is NO-GO" in told
    assert "which began after" in told
    assert main(["verify", "tiny", "preflight"]) == 1


def test_a_ledger_of_before_without_pointers_is_told(
    launching: Launching, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gate, "run_pytest", forked)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    launching.run("preflight")
    launching.run("ga")
    of_before = (launching.home / ledger.FILE).read_bytes()
    bad = launching.run("preflight", BAD)
    (launching.home / ledger.FILE).write_bytes(of_before)
    (launching.home / "latest-preflight").unlink()
    launching.project.write("figure.txt", str(WELL))

    assert main(["verify", "tiny", "preflight"]) == 17
    assert main(["verify", "tiny", "ga"]) == 17
    assert main(["gate", "ga", "--env", "tiny"]) == 10
    capsys.readouterr()
    assert main(["gate", "preflight", "--env", "tiny"]) == 10
    assert f"history not here: {bad} lies in" in " ".join(capsys.readouterr().out.split())
    # No later run makes it known, until somebody accepts that.
    assert main(["verify", "tiny", "preflight"]) == 10
    assert launching.run("preflight")
    assert main(["verify", "tiny", "preflight"]) == 10
    assert main(["gate", "preflight", "--env", "tiny", "--first-run"]) == 0
    assert main(["verify", "tiny", "preflight"]) == 0
    assert main(["gate", "ga", "--env", "tiny"]) == 0


def test_a_step_stands_that_was_reached_beside_the_run_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    project.environment(launch_at="2020-01-01T00:00:00Z", allow=[])
    project.runbook(RATE)
    assert look(project, 0.01).exit == 0
    home = tmp_path / "reports/tiny"
    good = {path.name for path in home.glob("2*")}
    assert look(project, 0.11).exit == 1
    (paged,) = {path.name for path in home.glob("2*")} - good
    begin_first(home, paged)
    assert main(["verify", "tiny", "postlaunch"]) == 1
    # What is announced is the word that decides.
    capsys.readouterr()
    main(["announce", "pause", "--env", "tiny"])
    assert "PAGE" in capsys.readouterr().out

    ran = look(project, 0.095)
    assert "PAGE  postlaunch of tiny" in ran.out
    newest = max(home.glob("2*"), key=lambda path: path.stat().st_mtime)
    start = read_run(newest).start
    assert start.before
    assert start.before.run in good
    assert [before.run for before in start.also_before] == [paged]
    assert main(["verify", "tiny", "postlaunch"]) == 1
    assert look(project, 0.01).exit == 0
    assert main(["verify", "tiny", "postlaunch"]) == 0
