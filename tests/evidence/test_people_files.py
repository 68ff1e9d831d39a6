"""Where a variable names a file of people's words, who comes later without it still holds the run against that file.

A run records it in its project or beside its evidence. What lies elsewhere nobody knows without the variable, and
what is not known carries no good word.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.evidence.journal import read_run
from readiness.evidence.people_files import Folders
from readiness.evidence.reasons import Reason
from tests.evidence.test_people_today import FILES, SIGN_OFF, WAIVERS, WORDS, approve
from tests.plugin.project import Project, line

WELL, NOT_TODAY = 0, Reason.NOT_TODAY.code
NAMED = {"attestations": "${TINY_PEOPLE}/words.yaml", "sign_off": "${TINY_PEOPLE}/decision.yaml"}
PLACES = {"in the project": "project/people", "beside the evidence": "project/reports/tiny/people", "elsewhere": "x"}
UNKNOWN = "TINY_PEOPLE is not set here, so nobody knows"
TAKEN_BACK = {
    "words.yaml": ("holds: true", "holds: false"),
    "decision.yaml": ("decision: approved", "decision: open"),
}
PHASES = {"words.yaml": "preflight", "decision.yaml": "ga"}
Row = tuple[str, bool, str, int, str]
ROWS: list[Row] = [
    # Where the files lie; whether the variable is set where verify runs; what becomes of them; the exit; what is said.
    ("in the project", True, "nothing", WELL, ""),
    ("in the project", False, "nothing", WELL, ""),
    ("in the project", True, "taken back", NOT_TODAY, "it rests on"),
    ("in the project", False, "taken back", NOT_TODAY, "it rests on"),
    ("in the project", False, "gone", NOT_TODAY, ""),
    ("in the project", False, "elsewhere since", NOT_TODAY, ""),
    ("beside the evidence", True, "nothing", WELL, ""),
    ("beside the evidence", False, "nothing", WELL, ""),
    ("beside the evidence", False, "taken back", NOT_TODAY, "it rests on"),
    ("beside the evidence", False, "gone", NOT_TODAY, ""),
    ("elsewhere", True, "nothing", WELL, ""),
    ("elsewhere", True, "taken back", NOT_TODAY, "it rests on"),
    ("elsewhere", False, "nothing", NOT_TODAY, UNKNOWN),
    ("elsewhere", False, "taken back", NOT_TODAY, UNKNOWN),
    ("elsewhere", False, "gone", NOT_TODAY, UNKNOWN),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give a folder for each place, with a project in it whose GO and APPROVED rest on files that lie there."""
    folders = {}
    for name, place in PLACES.items():
        folder = folders[name] = tmp_path_factory.mktemp("made")
        project = Project(folder / "project")
        people = folder / place
        people.mkdir(parents=True)
        (people / "words.yaml").write_text(FILES[WORDS], "utf-8")
        (people / "decision.yaml").write_text(FILES[SIGN_OFF], "utf-8")
        project.write(f"environments/{WAIVERS}", FILES[WAIVERS])
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TINY_PEOPLE", str(people))
            approve(project, **NAMED)
    return folders


@pytest.mark.parametrize("file", TAKEN_BACK)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}-{row[2]}")
def test_who_comes_later_still_compares(
    row: Row,
    file: str,
    made: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place, is_set, becomes, code, says = row
    shutil.copytree(made[place], tmp_path / "copy", symlinks=True)
    people = tmp_path / "copy" / PLACES[place]
    old, new = TAKEN_BACK[file]
    text = (people / file).read_text("utf-8")
    if becomes == "taken back":
        (people / file).write_text(text.replace(old, new), "utf-8")
    if becomes in {"gone", "elsewhere since"}:
        (people / file).unlink()
    if becomes == "elsewhere since":
        (people.parent / file).write_text(text, "utf-8")

    monkeypatch.chdir(tmp_path / "copy/project")
    if is_set:
        monkeypatch.setenv("TINY_PEOPLE", str(people))
    assert main(["verify", "tiny", PHASES[file]]) == code
    assert says in " ".join(capsys.readouterr().out.split())
    # The phases before the last one were held against their own day when that followed them.
    if file == "decision.yaml":
        assert main(["sign-off", "--env", "tiny"]) == (0 if code == WELL else 10)


def test_what_a_run_does_not_rest_on_need_not_be_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path / "project")
    project.runbook(line("one", "demo.figure"))
    project.environment(**NAMED)
    (tmp_path / "words.yaml").write_text("attestations: {}\n", "utf-8")
    with monkeypatch.context() as patch:
        patch.setenv("TINY_PEOPLE", str(tmp_path))
        assert project.preflight().exit == 0
    monkeypatch.chdir(project.folder)
    assert main(["verify", "tiny", "preflight"]) == WELL


def test_a_variable_that_is_set_says_where_they_lie_today(
    made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who moves the files and says so is asked about the new ones, whatever lies in the old place."""
    shutil.copytree(made["in the project"], tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy/project")
    monkeypatch.setenv("TINY_PEOPLE", str(tmp_path))
    (tmp_path / "words.yaml").write_text(FILES[WORDS].replace("holds: true", "holds: false"), "utf-8")
    (tmp_path / "decision.yaml").write_text(FILES[SIGN_OFF], "utf-8")
    assert main(["verify", "tiny", "preflight"]) == NOT_TODAY
    assert main(["verify", "tiny", "ga"]) == WELL


@pytest.mark.parametrize(
    ("place", "lies_in"),
    [("in the project", "project:people/"), ("beside the evidence", "evidence:people/"), ("elsewhere", "")],
)
def test_no_path_of_this_machine_is_recorded(place: str, lies_in: str, made: dict[str, Path]) -> None:
    (run,) = (made[place] / "project/reports/tiny").glob("2*-ga")
    files = {"attestations": "words.yaml", "sign_off": "decision.yaml"}
    recorded = {key: f"{lies_in}{file}" for key, file in files.items()} if lies_in else {}
    assert read_run(run).start.lies_in == recorded


@pytest.mark.parametrize("written", ["", "x", "project:../x", "evidence:/etc/x", "evidence:a/../../x", "people/x"])
def test_a_journal_that_was_written_by_hand_leads_nowhere_else(written: str, tmp_path: Path) -> None:
    assert Folders(tmp_path / "environments", tmp_path / "reports/tiny").path_of(written) is None
