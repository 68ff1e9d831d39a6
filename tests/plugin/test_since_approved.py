"""What happens to the phases before the last one after it was approved, or while it is judged."""

from __future__ import annotations

import base64
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.commands import gate
from readiness.evidence import ledger, run_folders
from readiness.evidence.journal import FILE
from readiness.evidence.signing import FILE_VARIABLE
from tests.commands.test_gate import forked
from tests.evidence.launch import new_key
from tests.plugin.project import ROOT, Project, line
from tests.plugin.test_held_back import BAD, PREFLIGHT, ROWS, WELL, Row, launched, of

RAISES = "\n\ndef pytest_unconfigure():\n    raise RuntimeError('a plugin of ours')\n"
Step = Callable[["World"], None]
"""What somebody does after the approval."""


class World:
    """A launch that was approved, with the keys of two people."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.folder, self._monkeypatch = project, project.folder, monkeypatch
        self.home = project.folder / "reports/tiny"

    def sign_with(self, name: str) -> None:
        if name:
            self._monkeypatch.setenv(FILE_VARIABLE, str(self.folder / f"{name}.key"))
        else:
            self._monkeypatch.delenv(FILE_VARIABLE)

    def run(self, phase: str, figure: float = WELL) -> Path:
        """Run a phase, and return the folder of its run."""
        self.project.write("figure.txt", str(figure))
        self.project.run("-m", phase)
        return max(self.home.glob(f"2*-{phase}*"), key=lambda path: path.stat().st_mtime)

    def gate(self, phase: str, *words: str) -> int:
        """Run a phase by its gate, in a fork of a warm interpreter, and return what it came to."""
        self._monkeypatch.chdir(self.folder)
        self._monkeypatch.setattr(gate, "run_pytest", forked)
        self._monkeypatch.setenv("PYTHONPATH", str(ROOT))
        return main(["gate", phase, "--env", "tiny", *words])

    def rules(self, text: str) -> None:
        self.project.write("environments/keys/keys.yaml", f"keys: {{{text}}}\n")

    def lines(self, *more: dict[str, object]) -> None:
        self.project.runbook(*PREFLIGHT, *more)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Give one that is approved: preflight signed by aa, ga by bb."""
    project = launched(tmp_path, Row("signed", (), lines=PREFLIGHT))
    for name in ("aa", "bb"):
        new_key(tmp_path, name)
    made = World(project, monkeypatch)
    made.sign_with("aa")
    made.run("preflight")
    made.sign_with("bb")
    ran = project.run("-m", "ga")
    assert ran.exit == 0, ran.out
    return made


def verify(folder: Path, *words: str) -> int:
    places = [f"--reports={folder / 'reports'}", f"--environments={folder / 'environments'}"]
    return main(["verify", *words, *places])


def nothing(world: World) -> None:
    del world


def turned_bad(world: World) -> None:
    world.sign_with("aa")
    world.run("preflight", BAD)


def mended(world: World) -> None:
    turned_bad(world)
    world.run("preflight")


def mended_by_nobody(world: World) -> None:
    turned_bad(world)
    world.sign_with("")
    world.run("preflight")


def mended_and_deleted(world: World) -> None:
    turned_bad(world)
    shutil.rmtree(world.run("preflight"))


def mended_and_edited(world: World) -> None:
    turned_bad(world)
    with (world.run("preflight") / FILE).open("a", encoding="utf-8") as journal:
        journal.write("{}\n")


def mended_twice(world: World) -> None:
    mended_by_nobody(world)
    world.sign_with("aa")
    world.run("preflight")


def looked_again_by_nobody(world: World) -> None:
    """An unsigned good word, with nothing bad before it, takes nothing away."""
    world.sign_with("")
    world.run("preflight")


def revoked(world: World) -> None:
    world.rules("aa: {revoked: 2026-01-01T00:00:00Z, reason: the disk of the runner was copied}")


def limited(world: World) -> None:
    world.rules("aa: {phases: [rehearsal]}")


def limited_to_what_it_signed(world: World) -> None:
    world.rules("aa: {phases: [preflight]}, bb: {phases: [ga]}")


def a_phase_decides_since(world: World) -> None:
    world.lines(of("smoke"))


def a_phase_decides_since_and_is_bad(world: World) -> None:
    world.lines(of("smoke"))
    world.sign_with("aa")
    world.run("smoke", BAD)


def a_phase_decides_since_and_is_well(world: World) -> None:
    world.lines(of("smoke"))
    world.sign_with("aa")
    world.run("smoke")


def a_phase_warns_since(world: World) -> None:
    world.lines(of("smoke", gate="warning"))


def a_line_is_added_to_a_phase_that_was_judged(world: World) -> None:
    world.lines(line("later", "week.calm", phase=["preflight"]))
    assert verify(world.folder, "tiny", "preflight") == 15


def _stated(world: World, line_id: str, limit: float) -> None:
    path = world.folder / "environments/tiny.yaml"
    path.write_text(f"{path.read_text('utf-8')}lines: {{{line_id}: {{share_below: {limit}}}}}\n", "utf-8")


def the_environment_loosens_a_limit(world: World) -> None:
    _stated(world, "book/ga", 0.9)


def the_environment_loosens_a_phase_that_was_judged(world: World) -> None:
    _stated(world, "preflight", 0.9)
    assert verify(world.folder, "tiny", "preflight") == 15


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (nothing, 0),
        (turned_bad, 15),
        (mended, 0),
        (mended_by_nobody, 15),
        (mended_and_deleted, 15),
        (mended_and_edited, 15),
        (mended_twice, 0),
        (looked_again_by_nobody, 0),
        (revoked, 20),
        (limited, 19),
        (limited_to_what_it_signed, 0),
        (a_phase_decides_since, 15),
        (a_phase_decides_since_and_is_bad, 15),
        (a_phase_decides_since_and_is_well, 0),
        (a_phase_warns_since, 0),
        # An approval rests on what was stated when its phases were judged; a phase that nobody judged is another thing.
        (a_line_is_added_to_a_phase_that_was_judged, 0),
        (the_environment_loosens_a_limit, 15),
        (the_environment_loosens_a_phase_that_was_judged, 0),
    ],
)
def test_an_approval_stands_as_long_as_the_phases_before_it(step: Step, code: int, world: World) -> None:
    step(world)
    assert verify(world.folder, "tiny", "ga") == code


def test_who_names_the_folder_of_an_approval_is_told_as_well(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (approved,) = world.home.glob("2*-ga")
    assert verify(world.folder, str(approved)) == 0
    (preflight,) = world.home.glob("2*-preflight")
    shutil.rmtree(preflight)
    assert verify(world.folder, str(approved)) == 11
    assert f"it rests on preflight in {preflight.name}: its folder is missing" in capsys.readouterr().out


@pytest.fixture
def gated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give a launch that is well before its last phase, whose gate runs in a fork of a warm interpreter."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gate, "run_pytest", forked)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return launched(tmp_path, ROWS[0])


def test_a_ledger_of_before_hides_no_phase_that_turned_bad(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    of_before = (world.home / ledger.FILE).read_bytes()
    world.sign_with("aa")
    bad = world.run("preflight", BAD)
    (world.home / ledger.FILE).write_bytes(of_before)
    assert verify(world.folder, "tiny", "ga") == 17
    assert f"latest-preflight names {bad.name}, which the ledger does not know" in capsys.readouterr().out

    world.sign_with("bb")
    world.project.write("figure.txt", str(WELL))
    assert world.project.run("-m", "ga").exit == 10

    # Another good run does not make known what the ledger lost: somebody accepts that.
    world.sign_with("aa")
    world.run("preflight")
    assert verify(world.folder, "tiny", "preflight") == 10
    assert world.gate("preflight", "--first-run") == 0
    world.sign_with("bb")
    assert world.project.run("-m", "ga").exit == 0
    assert verify(world.folder, "tiny", "ga") == 0


def test_a_red_end_of_pytest_is_remembered(gated: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    gated.write("conftest.py", conftest + RAISES)
    assert main(["gate", "preflight", "--env", "tiny"]) == 1
    assert verify(tmp_path, "tiny", "preflight") == 1
    assert "red when it ended: pytest ended with exit code 1" in capsys.readouterr().out
    assert verify(tmp_path, "--all", "--env", "tiny") == 1

    gated.write("conftest.py", conftest)
    assert main(["gate", "ga", "--env", "tiny"]) == 10
    assert "preflight is not known" in " ".join(capsys.readouterr().out.split())
    assert main(["gate", "preflight", "--env", "tiny"]) == 0
    assert main(["gate", "ga", "--env", "tiny"]) == 0
    assert verify(tmp_path, "tiny", "ga") == 0

    gated.write("conftest.py", conftest + RAISES)
    assert main(["gate", "postlaunch", "--env", "tiny"]) == 1
    assert verify(tmp_path, "tiny", "ga") == 15


def meanwhile(*words: str) -> str:
    """Return a conftest's hook that does something to the evidence when the last phase has been judged."""
    return f"\n\ndef pytest_sessionfinish():\n    import subprocess\n    subprocess.run({list(words)!r}, check=False)\n"


def test_a_gate_looks_again_at_the_phases_before_when_its_run_has_ended(gated: Project, tmp_path: Path) -> None:
    (preflight,) = (tmp_path / "reports/tiny").glob("2*-preflight")
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    gated.write("conftest.py", conftest + meanwhile("rm", "-r", str(preflight)))
    assert main(["gate", "ga", "--env", "tiny"]) == 10
    assert verify(tmp_path, "tiny", "ga") == 11


def test_a_phase_that_turns_bad_while_the_last_one_is_judged_is_seen(gated: Project, tmp_path: Path) -> None:
    gated.write("figure.txt", str(BAD))
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-m", "postlaunch", "--env", "tiny"]
    # The figure is bad for the other run alone: that of the last phase has been judged by then.
    judged_well = "\n\ndef pytest_collection_finish():\n    (HERE / 'figure.txt').write_text('0.5')\n"
    turns = (
        f"{judged_well}\n\ndef pytest_sessionfinish(session):\n"
        "    import subprocess\n"
        "    if session.config.option.markexpr == 'ga':\n"
        "        (HERE / 'conftest.py').write_text((HERE / 'conftest.was').read_text())\n"
        f"        (HERE / 'figure.txt').write_text({str(BAD)!r})\n"
        f"        subprocess.run({words!r}, cwd=HERE, check=False)\n"
    )
    gated.write("conftest.was", conftest)
    gated.write("conftest.py", conftest + turns)
    assert main(["gate", "ga", "--env", "tiny"]) == 10
    assert verify(tmp_path, "tiny", "ga") == 15


def test_a_look_that_is_under_way_holds_nothing_back(gated: Project, tmp_path: Path) -> None:
    home = tmp_path / "reports/tiny"
    assert gated.run("-m", "postlaunch").exit == 0
    *_, newest = ledger.read(home / ledger.FILE, {}).runs
    lines = (home / ledger.FILE).read_bytes().splitlines(keepends=True)
    without_its_seal = [line for line in lines if not _seals(line, newest)]
    (home / ledger.FILE).write_bytes(b"".join(without_its_seal))

    release = run_folders.hold(home / newest)
    try:
        ran = gated.run("-m", "ga")
        assert ran.exit == 0, ran.out
    finally:
        release()
    assert gated.run("-m", "ga").exit == 10


def _seals(line: bytes, run: str) -> bool:
    statement = json.loads(base64.b64decode(json.loads(line)["payload"]))
    return bool(statement["predicateType"].endswith("sealed:1") and statement["predicate"]["run"] == run)


def test_a_red_end_of_plain_pytest_is_remembered_too(
    gated: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    gated.write("conftest.py", conftest + RAISES)
    assert gated.run("-m", "preflight").exit == 1
    assert verify(tmp_path, "tiny", "preflight") == 1
    assert "red when it ended: pytest ended with RuntimeError" in capsys.readouterr().out

    gated.write("conftest.py", conftest)
    assert gated.run("-m", "ga").exit == 10
    assert gated.run("-m", "preflight").exit == 0
    assert gated.run("-m", "ga").exit == 0


@pytest.mark.parametrize(
    ("place", "code"), [("tiny.sign-off.yaml", 0), ("./tiny.sign-off.yaml", 0), ("elsewhere.yaml", 15)]
)
def test_the_usual_place_of_the_sign_off_may_be_stated(place: str, code: int, world: World) -> None:
    path = world.folder / "environments/tiny.yaml"
    path.write_text(f"{path.read_text('utf-8')}sign_off: {place}\n", "utf-8")
    assert verify(world.folder, "tiny", "ga") == code
