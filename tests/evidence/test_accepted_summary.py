"""What a release gate reads is PASSED only where the run was accepted: by its anchors, its history and its gate."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness.__main__ import main
from readiness.commands import gate
from readiness.evidence.sealed_folder import SUMMARY
from readiness.evidence.signing import FILE_VARIABLE, signer_of
from readiness.evidence.statements import enveloped
from readiness.evidence.verification_summary import FAILED, PASSED
from readiness.files.canonical_json import to_json
from tests.commands.test_gate import forked
from tests.evidence.launch import Launch, make, new_key
from tests.plugin.project import ROOT, Project, line
from tests.plugin.test_held_back import ROWS, launched

KEPT = "kept/anchors.jsonl"
NO_ANCHOR = {"command": ["false"], "recall": ["true"]}


def sign_and_gate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs in a folder sign with a key of its project, and its gate run in a fork of a warm interpreter."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(gate, "run_pytest", forked)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(FILE_VARIABLE, str(new_key(folder, "ci")))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give a project that signs, and whose gate can run."""
    made = Project(tmp_path)
    sign_and_gate(tmp_path, monkeypatch)
    made.runbook(line("one", "demo.figure"))
    return made


def stated(folder: Path, anchor: object) -> None:
    path = folder / "environments/tiny.yaml"
    text = path.read_text("utf-8")
    path.write_text(f"{text}evidence: {json.dumps({'anchor': anchor})}\n", "utf-8")


def result(folder: Path, phase: str = "preflight") -> str:
    """Return what the summary of the newest run of a phase says."""
    path = max(folder.rglob(f"*-{phase}*/{SUMMARY}"))
    payload = base64.b64decode(json.loads(path.read_text("utf-8"))["payload"])
    return str(json.loads(payload)["predicate"]["verificationResult"])


@pytest.mark.parametrize(
    ("anchor", "code", "wanted"),
    [
        (None, 0, PASSED),
        ({"file": KEPT}, 0, PASSED),
        (NO_ANCHOR, 10, FAILED),
        ({"file": KEPT, **NO_ANCHOR}, 10, FAILED),
    ],
)
@pytest.mark.parametrize("words", [["-m", "preflight"], ["gate"]], ids=["pytest", "gate"])
def test_a_run_that_is_not_anchored_as_stated_is_not_passed(
    words: list[str], anchor: Any, code: int, wanted: str, project: Project, tmp_path: Path
) -> None:
    if anchor:
        stated(tmp_path, anchor)
    ended = main(["gate", "preflight", "--env", "tiny"]) if words == ["gate"] else project.run(*words).exit
    assert (ended, result(tmp_path)) == (code, wanted)


@pytest.mark.parametrize(
    ("words", "code", "wanted"),
    [
        ([], 0, PASSED),
        (["--require-signed"], 0, PASSED),
        (["--head", "a" * 64], 10, FAILED),
        (["--anchor", f"file:{KEPT}"], 0, PASSED),
        (["--anchor", "file:environments/tiny.yaml"], 10, FAILED),
    ],
)
def test_what_its_gate_does_not_accept_is_not_passed(
    words: list[str], code: int, wanted: str, project: Project, tmp_path: Path
) -> None:
    assert project.preflight().exit == 0
    assert main(["gate", "preflight", "--env", "tiny", *words]) == code
    assert result(tmp_path) == wanted


@pytest.mark.parametrize(
    ("anchor", "is_kept", "wanted"),
    [
        (None, True, PASSED),
        ({"file": KEPT}, True, PASSED),
        (None, False, FAILED),
        ({"file": KEPT}, False, FAILED),
    ],
)
@pytest.mark.parametrize("words", [["-m", "preflight"], ["gate"]], ids=["pytest", "gate"])
def test_a_run_whose_history_is_gone_is_not_passed(
    words: list[str], anchor: Any, is_kept: bool, wanted: str, project: Project, tmp_path: Path
) -> None:
    if anchor:
        stated(tmp_path, anchor)
    assert project.preflight().exit == 0
    if not is_kept:
        (tmp_path / "reports/tiny/ledger.jsonl").unlink()
    main(["gate", "preflight", "--env", "tiny"]) if words == ["gate"] else project.run(*words)
    assert result(tmp_path) == wanted


@pytest.mark.parametrize("words", [["-m", "ga"], ["gate"]], ids=["pytest", "gate"])
def test_an_approval_is_passed(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_and_gate(tmp_path, monkeypatch)
    project = launched(tmp_path, ROWS[0])
    assert (main(["gate", "ga", "--env", "tiny"]) if words == ["gate"] else project.run(*words).exit) == 0
    assert result(tmp_path, "ga") == PASSED


def test_what_was_changed_while_it_ran_is_not_passed(project: Project, tmp_path: Path) -> None:
    changes = "\n\ndef pytest_sessionfinish():\n    (HERE / 'environments/book.yaml').write_text('lines: []')\n"
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    book = next(path for path in (tmp_path / "environments").rglob("*.yaml") if "demo.figure" in path.read_text())
    project.write("conftest.py", conftest + changes.replace("environments/book.yaml", str(book)))
    assert main(["gate", "preflight", "--env", "tiny"]) == 10
    assert result(tmp_path) == FAILED


@pytest.mark.usefixtures("project")
def test_a_gate_without_a_key_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FILE_VARIABLE)
    assert main(["gate", "preflight", "--env", "tiny"]) == 10  # the project trusts a key, and nobody has signed
    assert not list(tmp_path.rglob(SUMMARY))


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    return make(tmp_path_factory.mktemp("launch"))


def by_another_key(path: Path, folder: Path) -> None:
    new_key(folder, "other", folder / "elsewhere")
    signer = signer_of({FILE_VARIABLE: str(folder / "other.key")})
    payload = base64.b64decode(json.loads(path.read_text("utf-8"))["payload"])
    path.write_text(to_json(enveloped(json.loads(payload), signer)), "utf-8")


def unsigned(path: Path, folder: Path) -> None:
    del folder
    envelope = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**envelope, "signatures": []}), "utf-8")


def another_word(path: Path, folder: Path) -> None:
    del folder
    envelope = json.loads(path.read_text("utf-8"))
    payload = base64.b64decode(envelope["payload"]).replace(PASSED.encode(), FAILED.encode())
    path.write_text(json.dumps({**envelope, "payload": base64.b64encode(payload).decode()}), "utf-8")


def of_another_run(path: Path, folder: Path) -> None:
    first = min(folder.rglob(SUMMARY))
    assert first != path
    shutil.copy(first, path)


def no_json(path: Path, folder: Path) -> None:
    del folder
    path.write_text("{}", "utf-8")


def too_large(path: Path, folder: Path) -> None:
    del folder
    path.write_text(f'"{" " * 2_000_000}"', "utf-8")


def a_link(path: Path, folder: Path) -> None:
    path.rename(folder / SUMMARY)
    path.symlink_to(folder / SUMMARY)


def a_pipe(path: Path, folder: Path) -> None:
    del folder
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path, folder: Path) -> None:
    del folder
    path.unlink()
    path.mkdir()
    (path / "more").write_text("", "utf-8")


def gone(path: Path, folder: Path) -> None:
    del folder
    path.unlink()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (by_another_key, 11),
        (unsigned, 11),
        (another_word, 11),
        (of_another_run, 11),
        (no_json, 11),
        (too_large, 11),
        (a_link, 11),
        (a_pipe, 11),
        (a_folder, 11),
        (gone, 0),  # a release gate that has none passes nothing
    ],
)
def test_a_summary_that_is_not_the_one_of_its_run_is_told(
    change: Callable[[Path, Path], None], code: int, launch: Launch, tmp_path: Path
) -> None:
    copy = launch.copy(tmp_path)
    assert copy.verify("tiny", "preflight") == 0
    change(copy.runs()[-1] / SUMMARY, tmp_path)
    assert copy.verify("tiny", "preflight") == code
