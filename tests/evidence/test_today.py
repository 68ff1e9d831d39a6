"""A good word of other lines, limits or files is none of today; comments and a commit that moved on are told."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.evidence.reasons import Reason
from tests.plugin.project import Project, line

FIGURE: dict[str, Any] = {"demo.figure": {"share_below": 0.7}}
NAMED: dict[str, Any] = {"demo.named": {"each": {"name": ["a", "b"]}}}
OTHER = "preflight judged with a runbook of another digest than today's"
SAYS_ELSE = "tiny.yaml says something else today than when it was judged"


def stated(project: Project, limits: dict[str, Any] = FIGURE, named: dict[str, Any] = NAMED, **one: object) -> None:
    project.runbook(line("one", limits, **one), line("two", named))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give a project whose GO is of now."""
    made = Project(tmp_path)
    stated(made)
    monkeypatch.chdir(tmp_path)
    assert made.preflight().exit == 0
    return made


def _appended(project: Project, file: str, text: str) -> None:
    path = project.folder / "environments" / file
    path.write_text(f"{path.read_text('utf-8')}{text}", "utf-8")


def _with_other_line_ends(project: Project) -> None:
    path = project.folder / "environments" / "book.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


STRICT: dict[str, tuple[Callable[[Project], None], str]] = {
    "a tighter limit": (
        lambda project: stated(project, {"demo.figure": {"share_below": 0.6}}),
        "share_below 0.7 -> 0.6",
    ),
    "a looser limit": (
        lambda project: stated(project, {"demo.figure": {"share_below": 0.8}}),
        "share_below 0.7 -> 0.8",
    ),
    "a limit that is gone": (lambda project: stated(project, {"demo.figure": {}}), "0.7 -> the check's own"),
    "another gate": (lambda project: stated(project, gate="warning"), "book/one: gate blocker -> warning"),
    "another due time": (lambda project: stated(project, due="T-1h"), "book/one: due always -> T-1h"),
    "another check beside it": (
        lambda project: stated(project, {**FIGURE, "demo.quick": {}}),
        "book/one: demo.quick decides it too",
    ),
    "another check in its place": (
        lambda project: stated(project, {"demo.quick": {}}),
        "book/one: demo.figure decides it no more",
    ),
    "a subject more": (
        lambda project: stated(project, named={"demo.named": {"each": {"name": ["a", "b", "c"]}}}),
        "book/two: it asks for c too",
    ),
    "a subject less": (
        lambda project: stated(project, named={"demo.named": {"each": {"name": ["a"]}}}),
        "book/two: nobody asks for b any more",
    ),
    "a blocker added": (
        lambda project: project.runbook(line("one", FIGURE), line("two", NAMED), line("three", {"demo.quick": {}})),
        "lines added: book/three",
    ),
    "a line gone": (lambda project: project.runbook(line("one", FIGURE)), "lines gone: book/two"),
    "a line of another phase": (lambda project: stated(project, phase=["postlaunch"]), "lines gone: book/one"),
    "a key of the environment": (
        lambda project: project.environment(http={"deadline_seconds": 5}),
        f"{SAYS_ELSE}: http",
    ),
    "the environment file is gone": (
        lambda project: (project.folder / "environments" / "tiny.yaml").unlink(),
        "what is stated today cannot be read",
    ),
    "a runbook that cannot be read": (
        lambda project: _appended(project, "book.yaml", "\n:::"),
        "what is stated today cannot be read",
    ),
    "a runbook that is gone": (
        lambda project: (project.folder / "environments" / "book.yaml").unlink(),
        "what is stated today cannot be read",
    ),
}


@pytest.mark.parametrize("name", STRICT)
def test_what_was_judged_is_not_what_is_stated(name: str, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "tiny", "preflight"]) == 0
    change, sentence = STRICT[name]
    change(project)
    capsys.readouterr()
    assert main(["verify", "tiny", "preflight"]) == Reason.NOT_TODAY.code
    told = " ".join(capsys.readouterr().out.split())
    assert sentence in told
    assert "verdict none: recorded as GO, and this is not evidence" in told
    # Who names a run looks at what it was, and that was good. Without the file nobody knows what it demands.
    (run,) = (project.folder / "reports/tiny").glob("2*-preflight")
    is_there = (project.folder / "environments" / "tiny.yaml").is_file()
    assert main(["verify", str(run)]) == (0 if is_there else Reason.NOT_SIGNED.code)
    if is_there:  # without it the page is made of the evidence alone
        assert main(["sign-off", "--env", "tiny"]) == 10
        assert sentence in " ".join(capsys.readouterr().out.split())


TOLD: dict[str, tuple[Callable[[Project], None], str]] = {
    "nothing": (lambda _: None, ""),
    "a comment in the runbook": (
        lambda project: _appended(project, "book.yaml", "# somebody looked\n"),
        "the runbook book.yaml has changed since, and demands the same of preflight",
    ),
    "a comment in the environment file": (
        lambda project: _appended(project, "tiny.yaml", "# somebody looked\n"),
        "tiny.yaml has changed since, in comments, order or form alone",
    ),
    "other words": (lambda project: stated(project, severity="SEV-1"), ""),
    "other line ends": (_with_other_line_ends, ""),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_demands_the_same_is_only_told(name: str, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    change, sentence = TOLD[name]
    change(project)
    assert main(["verify", "tiny", "preflight"]) == 0
    assert sentence in " ".join(capsys.readouterr().out.split())


TODAY = datetime.now(UTC).date()
LATER, SOONER = (str(TODAY + timedelta(days=days)) for days in (60, 30))
WAIVED: dict[str, Any] = {"requested_by": "Bo Chen", "approved_by": "Cy Diaz", "reason": "risk-accepted"}
WAIVED |= {"because": "two clients know of it", "at": str(TODAY), "until": LATER}
ATTESTED: dict[str, Any] = {"statement": "the figure was looked at", "holds": True, "who": "Ada Byron"}
ATTESTED |= {"at": str(TODAY), "valid_until": LATER, "evidence": "https://wiki.shop.internal/figure"}


def entries(project: Project, waived: object, attested: object) -> None:
    project.write("environments/tiny.waivers.yaml", yaml.safe_dump({"waivers": waived}))
    project.write("environments/tiny.attestations.yaml", yaml.safe_dump({"attestations": attested}))


WITHDRAWN: dict[str, tuple[object, object, str]] = {
    "neither": ({"book/one": WAIVED}, {"book/three": ATTESTED}, ""),
    "a corrected sentence": (
        {"book/one": WAIVED | {"because": "three clients know of it"}},
        {"book/three": ATTESTED},
        "",
    ),
    "the waiver": ({}, {"book/three": ATTESTED}, "the waiver of book/one, which tiny.waivers.yaml has no more"),
    "the attestation": (
        {"book/one": WAIVED},
        {},
        "the attestation of book/three, which tiny.attestations.yaml has no more",
    ),
    "a waiver made shorter": (
        {"book/one": WAIVED | {"until": SOONER}},
        {"book/three": ATTESTED},
        f"until was {LATER}, and tiny.waivers.yaml says {SOONER}",
    ),
    "a person's word taken back": (
        {"book/one": WAIVED},
        {"book/three": ATTESTED | {"holds": False}},
        "holds was True, and tiny.attestations.yaml says False",
    ),
}


@pytest.mark.parametrize("name", WITHDRAWN)
def test_what_people_took_back_carries_nothing(name: str, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    waived, attested, sentence = WITHDRAWN[name]
    _rests_on_people(project)

    entries(project, waived, attested)
    assert main(["verify", "tiny", "preflight"]) == (Reason.NOT_TODAY.code if sentence else 0)
    assert sentence in " ".join(capsys.readouterr().out.split())


def _rests_on_people(project: Project) -> None:
    """Make a run whose good word rests on a waiver and an attestation."""
    entries(project, {"book/one": WAIVED}, {"book/three": ATTESTED})
    conftest = (project.folder / "conftest.py").read_text("utf-8")
    not_configured = conftest.replace("    raise Unknown(", "    raise NotConfigured(")
    project.write("conftest.py", not_configured.replace("import Effect, Unknown", "import Effect, NotConfigured"))
    project.runbook(line("one", FIGURE), line("two", NAMED), line("three", "demo.hidden"))
    project.write("figure.txt", "0.9")
    assert project.preflight().exit == 0


def test_a_change_under_way_is_no_good_word_of_the_gate(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    tightens = (
        "\n\ndef pytest_runtest_teardown():\n    book = HERE / 'environments' / 'book.yaml'\n"
        "    book.write_text(book.read_text().replace('0.7', '0.6'))\n"
    )
    project.write("conftest.py", (project.folder / "conftest.py").read_text("utf-8") + tightens)
    assert main(["gate", "preflight", "--env", "tiny"]) == 10
    told = " ".join(capsys.readouterr().out.split())
    assert OTHER in told
    assert "share_below 0.7 -> 0.6" in told


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *identity, "-C", str(folder), *words], check=True, capture_output=True)


@pytest.mark.parametrize("words", [("tiny", "preflight"), ()], ids=["the newest", "by its folder"])
def test_a_run_of_another_project_is_none_of_this(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same environment, the same files, no key or the same: what differs is the project."""
    for name in ("shop", "bank"):
        made = Project(tmp_path / name)
        stated(made)
        git(made.folder, "init", "-q")
        git(made.folder, "add", "environments")
        git(made.folder, "commit", "-qm", name)
    assert Project(tmp_path / "bank").preflight().exit == 0
    shutil.copytree(tmp_path / "bank" / "reports", tmp_path / "shop" / "reports")
    monkeypatch.chdir(tmp_path / "shop")
    (run,) = (tmp_path / "shop" / "reports" / "tiny").glob("2*-preflight")
    assert main(["verify", *(words or (str(run),))]) == Reason.OTHER_PROJECT.code
    assert "it is a run of the project" in capsys.readouterr().out

    git(tmp_path / "bank", "commit", "-qm", "later", "--allow-empty")
    monkeypatch.chdir(tmp_path / "bank")
    assert main(["verify", "tiny", "preflight"]) == 0
    assert "the commit moved on since: " in capsys.readouterr().out
