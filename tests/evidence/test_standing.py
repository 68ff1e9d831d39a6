"""How a phase stands: whoever says it says the same, and nobody says a good word that another one takes back.

A row of `tests.evidence.situations` is what has become of a run that was GO, and what is left of it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main
from readiness.commands import history, next, sign_off, verify  # noqa: A004  the name of the command
from readiness.evidence import run_folders
from readiness.evidence.signing import FILE_VARIABLE, trusted_keys
from readiness.rendering.dossier import Today, gather
from readiness.rendering.sign_off_page import cards
from tests.evidence.launch import new_key
from tests.evidence.situations import (
    FILES,
    GOOD,
    NOW,
    SITUATIONS,
    Situation,
    cut_without_a_pointer,
    newest,
    run_again,
)
from tests.plugin.project import Project, line


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Project]:
    """Give two projects with one run each, which was GO: without a key and with one."""
    made = {}
    for is_signed in (False, True):
        project = Project(tmp_path_factory.mktemp("done"))
        project.runbook(line("one", "demo.figure"))
        key = new_key(project.folder, "ci") if is_signed else None
        run_again(project, **({FILE_VARIABLE: str(key)} if key else {}))
        made[is_signed] = project
    return made


@pytest.fixture
def project(
    request: pytest.FixtureRequest, done: dict[bool, Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    situation: Situation = request.param
    shutil.copytree(done[situation.is_signed].folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    copied = Project.__new__(Project)
    copied.folder = tmp_path / "copy"
    situation.does(copied)
    for module in (verify, next, history, sign_off):
        monkeypatch.setattr(module, "datetime", shifted(situation.later))
    return copied


def shifted(by: timedelta) -> type[datetime]:
    class Shifted(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + by

    return Shifted


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main([*words])
    return code, capsys.readouterr().out


def pairs(situations: Iterable[Situation]) -> list[Any]:
    return [pytest.param(situation, situation, id=situation.name) for situation in situations]


LATER = [situation for situation in SITUATIONS if situation.later != NOW]


@pytest.mark.parametrize(("situation", "project"), pairs(SITUATIONS), indirect=["project"])
def test_all_say_the_same(situation: Situation, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = said(capsys, "verify", "tiny", "preflight")
    assert code == situation.exit, told
    assert situation.says in told

    _, told = said(capsys, "next", "--env", "tiny", "--json")
    phase = json.loads(told)["phases"]["preflight"]
    assert phase["exit"] == code
    assert (phase["verdict"] in GOOD) is (code == 0)
    word = phase["verdict"]
    assert situation.says in " ".join(phase["why"])
    code_of_next, told = said(capsys, "next", "--env", "tiny")
    assert code_of_next == 0
    assert f"preflight: {word}" in told
    assert ("nothing to do" in told) is (code == 0)

    _, told = said(capsys, "history", "--env", "tiny", "--html", "page.html")
    (today,) = re.findall("^today     (.*)$", told, re.MULTILINE)
    assert today.startswith(f"{word} ({code})")
    assert f"Today: {word} ({code})" in (project.folder / "page.html").read_text("utf-8")

    code_of_page, told = said(capsys, "sign-off", "--env", "tiny")
    if code_of_page != 4:  # else no run is left that could be shown
        without_the_clock = today.partition(", and it is")[0]
        assert f"today     preflight: {without_the_clock}" in told
        now = datetime.now(UTC) + situation.later
        dossier = gather(Path("reports"), "tiny", trusted_keys(FILES), Today(now, FILES))
        (card,) = [card.word for card in cards(dossier) if card.phase == "preflight"]
        assert (card in GOOD) is (code == 0)


def test_a_run_under_way_is_no_history_that_is_lost(
    done: dict[bool, Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = Project.__new__(Project)
    copied.folder = tmp_path / "copy"
    shutil.copytree(done[False].folder, copied.folder)
    monkeypatch.chdir(copied.folder)
    cut_without_a_pointer(copied)
    release = run_folders.hold(newest(copied))
    assert main(["verify", "tiny", "preflight"]) == 0
    release()
    assert main(["verify", "tiny", "preflight"]) == 17


POINTERS = [("smoke", 12), ("preflight", 0), ("preflight-copied", 17), ("nobody", 17), ("../../x", 17)]


@pytest.mark.parametrize(("name", "code"), POINTERS)
def test_a_pointer_states_its_phase_and_nothing_else(
    name: str, code: int, done: dict[bool, Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(done[False].folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    (run,) = Path("reports/tiny").glob("2*-preflight")
    named = {"preflight": run.name, "smoke": run.name, "preflight-copied": f"{run.name}-2"}.get(name, name)
    if name == "preflight-copied":
        shutil.copytree(run, run.with_name(named))
    phase = name.partition("-")[0]
    pointer = Path("reports/tiny") / f"latest-{phase if phase == 'smoke' else 'preflight'}"
    pointer.write_text(f"{named}\n", "utf-8")
    assert main(["verify", str(pointer)]) == code
    # A run that began and that the ledger does not know may have been anything.
    assert main(["verify", "tiny", "preflight"]) == (0 if name in {"smoke", "preflight"} else 17)


def test_a_folder_or_a_link_that_is_called_like_a_pointer_is_one(
    done: dict[bool, Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(done[False].folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    (run,) = Path("reports/tiny").glob("2*-preflight")
    Path("reports/tiny/latest-smoke").symlink_to(run.name)
    assert main(["verify", "reports/tiny/latest-smoke"]) == 12


NO_RUNS = [("nosuch",), ("reports/tiny/2026",), ("environments",), ("reports/tiny/latest-ga",)]


@pytest.mark.parametrize("words", NO_RUNS, ids=" ".join)
def test_what_is_no_run_has_words_of_its_own(
    words: tuple[str, ...],
    done: dict[bool, Project],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(done[False].folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    code, told = said(capsys, "verify", *words)
    assert code == 12
    assert told.startswith("run       none: ")
    assert "verdict   INCOMPLETE: name a run" in told
    assert "cannot be trusted" not in told
    code, told = said(capsys, "verify", *words, "--json")
    facts = json.loads(told)
    assert (code, facts["exit"], facts["evidence"], facts["verdict"]) == (12, 12, False, "INCOMPLETE")


@pytest.mark.parametrize("is_signed", [False, True])
def test_evidence_is_what_a_trusted_key_has_signed(
    is_signed: bool, done: dict[bool, Project], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(done[is_signed].folder)
    code, told = said(capsys, "verify", "tiny", "preflight", "--json")
    assert (code, json.loads(told)["evidence"]) == (0, is_signed)
    _, told = said(capsys, "verify", "tiny", "preflight")
    assert ("not evidence" in told) is not is_signed


DEMANDS: list[tuple[str, int, int]] = [
    # What the section says, the exit for a run by its name, and for the newest: that is held against the file, too.
    ("signed: true", 14, 14),
    ("signed: false", 0, 0),
    ("{}", 0, 0),
    ("signed: 1", 14, 14),
    ("yes please", 14, 15),
    ("sigend: true", 14, 15),
    ("anchr: {file: kept.jsonl}", 21, 15),
]


@pytest.mark.parametrize(("section", "code", "of_newest"), DEMANDS)
def test_what_the_environment_demands_holds_for_a_run_by_its_name_too(
    section: str, code: int, of_newest: int, done: dict[bool, Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(done[False].folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    (run,) = Path("reports/tiny").glob("2*-preflight")
    file = Path("environments/tiny.yaml")
    text = section if section == "{}" else f"{{{section}}}" if ":" in section else section
    file.write_text(f"{file.read_text('utf-8')}evidence: {text}\n", "utf-8")
    assert main(["verify", str(run)]) == code
    assert main(["verify", "tiny", "preflight"]) == of_newest


@pytest.mark.parametrize(("situation", "project"), pairs(LATER), indirect=["project"])
def test_no_run_is_of_the_future_however_it_is_named(
    situation: Situation, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    named = [str(newest(project)), str(newest(project) / "journal.jsonl")]
    ways = [*([name] for name in named), [newest(project).name, "--env", "tiny"], ["reports/tiny/latest-preflight"]]
    for words in ways:
        code, told = said(capsys, "verify", *words)
        is_of_the_future = situation.later < timedelta(minutes=-1)
        may_be_old = "latest" not in words[0]
        assert code == (13 if is_of_the_future or (situation.exit and not may_be_old) else 0), told
