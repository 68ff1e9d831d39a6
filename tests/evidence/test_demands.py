"""What an environment demands of evidence falls away in no silence: not with its file, not by a key that nobody knows.

A row is what becomes of the file of a good run that nobody signed, and the exit of `verify` for the run by its folder.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from readiness.__main__ import main
from readiness.evidence.reasons import Reason
from readiness.evidence.signing import FILE_VARIABLE
from tests.evidence.launch import new_key
from tests.plugin.project import ENVIRONMENT, Project, line

TEXT = yaml.safe_dump(ENVIRONMENT, sort_keys=False)
WELL, NOT_SIGNED, NOT_ANCHORED = 0, Reason.NOT_SIGNED.code, Reason.NOT_ANCHORED.code
FILE = "tiny.yaml"
LAST = TEXT.count("\n") + 1
"""The line of what is added."""

ROWS: list[tuple[str, dict[str, str], int, str]] = [
    # What is done, the files of the project then beside its runbook, the exit, what is said.
    ("nothing", {FILE: TEXT}, WELL, ""),
    ("a comment", {FILE: f"{TEXT}# evidence: must be signed\n"}, WELL, ""),
    ("a plain no", {FILE: f"{TEXT}evidence: {{signed: false}}\n"}, WELL, ""),
    ("a section that demands nothing", {FILE: f"{TEXT}evidence: {{}}\n"}, WELL, ""),
    ("an empty section", {FILE: f"{TEXT}evidence:\n"}, NOT_SIGNED, f"tiny.yaml:{LAST}: evidence: it is empty; write"),
    ("a section of a comment", {FILE: f"{TEXT}evidence:\n  # signed: true\n"}, NOT_SIGNED, "evidence: it is empty"),
    ("a section of nothing by name", {FILE: f"{TEXT}evidence: ~\n"}, NOT_SIGNED, "evidence: it is empty"),
    ("another empty section", {FILE: f"{TEXT}http:\n"}, WELL, ""),
    ("a typo in another key", {FILE: f"{TEXT}lanch: 2100-01-01T00:00:00Z\n"}, WELL, ""),
    ("a typo in another section", {FILE: f"{TEXT}grafna: {{url: 'http://127.0.0.1'}}\n"}, WELL, ""),
    ("a wrong value elsewhere", {FILE: f"{TEXT}load: {{users_at_most: many}}\n"}, WELL, ""),
    ("a demand", {FILE: f"{TEXT}evidence: {{signed: true}}\n"}, NOT_SIGNED, "tiny.yaml: evidence.signed: no key"),
    ("another ending", {"tiny.yml": TEXT}, NOT_SIGNED, "(tiny.yaml is not in environments/; rename tiny.yml to"),
    ("capital letters", {"TINY.YAML": TEXT}, NOT_SIGNED, "rename TINY.YAML to tiny.yaml"),
    ("another name", {"teeny.yaml": TEXT}, NOT_SIGNED, "(tiny.yaml is not in environments/)"),
    ("the file is gone", {}, NOT_SIGNED, "(tiny.yaml is not in environments/)"),
    ("set aside", {"tiny.yaml.bak": TEXT}, NOT_SIGNED, "rename tiny.yaml.bak to tiny.yaml"),
    ("set aside by an editor", {"tiny.yaml~": TEXT}, NOT_SIGNED, "rename tiny.yaml~ to tiny.yaml"),
    (
        "a step too far",
        {FILE: f"{TEXT}http: {{evidence: {{signed: true}}}}\n"},
        NOT_SIGNED,
        "http.evidence is not known",
    ),
    ("a key a step too far", {FILE: f"{TEXT}http: {{signed: true}}\n"}, NOT_SIGNED, "did you mean evidence.signed?"),
    ("a reading of that name", {FILE: f"{TEXT}readings: {{signed: {{value: 3}}, evidence: {{value: 3}}}}\n"}, WELL, ""),
    (
        "another key",
        {FILE: f"{TEXT}proof: {{signed: true}}\n"},
        NOT_SIGNED,
        f"tiny.yaml:{LAST}: key 'proof' is not known",
    ),
    ("a key of its own", {FILE: f"{TEXT}signed: true\n"}, NOT_SIGNED, "key 'signed' is not known"),
    ("under a typo of another key", {FILE: f"{TEXT}grafna: {{signed: true}}\n"}, NOT_SIGNED, "mean 'grafana'?"),
    ("two typos", {FILE: f"{TEXT}evidnce: {{sgned: true}}\n"}, NOT_SIGNED, "did you mean 'evidence'?"),
    (
        "a typo",
        {FILE: f"{TEXT}evidence: {{sgned: true}}\n"},
        NOT_SIGNED,
        f"tiny.yaml:{LAST}: evidence: key 'sgned' is not",
    ),
    ("a key of nothing", {FILE: f"{TEXT}evidence: {{proven: true}}\n"}, NOT_SIGNED, "evidence: key 'proven' is not"),
    ("a word", {FILE: f"{TEXT}evidence: signed\n"}, NOT_SIGNED, "evidence: keys with their values are wanted"),
    ("no YAML", {FILE: f"{TEXT}]\n"}, NOT_SIGNED, f"must be signed cannot be read (tiny.yaml:{LAST}:"),
    ("a key twice", {FILE: f"{TEXT}environment: tiny\n"}, NOT_SIGNED, "stands here twice"),
    ("an empty file", {FILE: ""}, NOT_SIGNED, "tiny.yaml:1: a mapping of keys is wanted"),
    ("a list", {FILE: "- tiny\n"}, NOT_SIGNED, "tiny.yaml"),
    ("a typo of the anchor", {FILE: f"{TEXT}evidence: {{anchr: {{file: kept}}}}\n"}, NOT_ANCHORED, "mean 'anchor'?"),
    ("an anchor under a typo", {FILE: f"{TEXT}evidnce: {{anchor: {{file: kept}}}}\n"}, NOT_ANCHORED, "'evidence'?"),
]
IDS = [row[0] for row in ROWS]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project with a GO that nobody signed."""
    project = Project(tmp_path_factory.mktemp("judged"))
    project.runbook(line("one", "demo.figure"))
    ran = project.preflight()
    assert ran.exit == 0, ran.out
    return project


def lay(project: Project, files: dict[str, str]) -> str:
    """Leave a project with these files beside its runbook; return the folder of its run."""
    for path in (project.folder / "environments").glob("*"):
        if path.is_file() and path.name != "book.yaml":
            path.unlink()
    for name, text in files.items():
        project.write(f"environments/{name}", text)
    (run,) = (project.folder / "reports/tiny").glob("2*-preflight")
    return str(run)


@pytest.mark.parametrize(("files", "code", "says"), [row[1:] for row in ROWS], ids=IDS)
def test_a_demand_falls_away_in_no_silence(
    files: dict[str, str],
    code: int,
    says: str,
    judged: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(judged.folder)
    run = lay(judged, files)
    for words in ([run], ["--all", "--env", "tiny"]):
        assert main(["verify", *words]) == code, words
        assert says in " ".join(capsys.readouterr().out.split())


SIGNED: list[tuple[str, dict[str, str], int]] = [
    # The same of a run that a trusted key has signed: an anchor may have been demanded beside that.
    ("nothing", {FILE: TEXT}, WELL),
    ("a typo in another key", {FILE: f"{TEXT}lanch: 2100-01-01T00:00:00Z\n"}, WELL),
    ("a typo of signed", {FILE: f"{TEXT}evidence: {{sgned: true}}\n"}, WELL),
    ("another ending", {"tiny.yml": TEXT}, NOT_ANCHORED),
    ("the file is gone", {}, NOT_ANCHORED),
    ("another key", {FILE: f"{TEXT}proof: {{anchor: {{file: kept}}}}\n"}, NOT_ANCHORED),
    ("a key of nothing", {FILE: f"{TEXT}evidence: {{proven: true}}\n"}, NOT_ANCHORED),
    ("an empty section", {FILE: f"{TEXT}evidence:\n"}, NOT_ANCHORED),
    ("no YAML", {FILE: f"{TEXT}]\n"}, NOT_ANCHORED),
]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project with a GO that a trusted key signed."""
    project = Project(tmp_path_factory.mktemp("signed"))
    project.runbook(line("one", "demo.figure"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FILE_VARIABLE, str(new_key(project.folder, "ci")))
        ran = project.preflight()
    assert ran.exit == 0, ran.out
    return project


@pytest.mark.parametrize(("files", "code"), [row[1:] for row in SIGNED], ids=[row[0] for row in SIGNED])
def test_who_has_signed_meets_one_demand_and_not_the_other(
    files: dict[str, str], code: int, signed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(signed.folder)
    assert main(["verify", lay(signed, files)]) == code


def test_evidence_that_lies_alone_is_under_no_demand(
    judged: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unpacked on another machine, where no project is: what the run was is all that anybody can ask."""
    run = Path(lay(judged, {FILE: f"{TEXT}evidence: {{signed: true}}\n"}))
    shutil.copytree(judged.folder / "reports", tmp_path / "reports")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "environments" / "keys").mkdir(parents=True)
    assert main(["verify", f"reports/tiny/{run.name}"]) == WELL


def test_a_copy_of_a_run_is_held_against_the_file_of_its_environment(
    judged: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever downloads a run looks at it in the checkout: the folder where it lies is called like no environment."""
    for files, code in (({FILE: TEXT}, WELL), ({"tiny.yml": TEXT}, NOT_SIGNED)):
        run = Path(lay(judged, files))
        shutil.copytree(run, tmp_path / "downloads" / run.name, dirs_exist_ok=True)
        monkeypatch.chdir(judged.folder)
        assert main(["verify", str(tmp_path / "downloads" / run.name)]) == code
