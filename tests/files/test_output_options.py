"""What is in the place of a file that an option names: none replaces a file that no such option has written.

To add a row: an option in `OPTIONS`, with its kind; or what is there in `THERE`, with the kinds that may replace it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from readiness.__main__ import Parser, command, main, verbs
from readiness.errors import BadInput
from readiness.files.atomic_write import NotReplaced
from readiness.files.named_output import (
    CALENDAR,
    HISTORY,
    JUNIT,
    LOG,
    PDF,
    PYTEST_HTML,
    OutputKind,
    output_place,
    write_named,
)
from readiness.rendering import pdf
from tests.plugin.project import Project, line

KINDS = {
    "calendar": CALENDAR,
    "history": HISTORY,
    "pytest-html": PYTEST_HTML,
    "junit": JUNIT,
    "log": LOG,
    "pdf": PDF,
}
PAGE = b"""<!DOCTYPE html><html><title id="head-title">x</title>
<p>by <a href="https://pypi.python.org/pypi/pytest-html">pytest-html</a></p>"""
OF_PYTEST = b'<?xml version="1.0"?><testsuites name="pytest tests"><testsuite/></testsuites>'
THERE: dict[str, tuple[str, bytes, set[str]]] = {
    # The name of the file, what it holds, and what may be written in its place.
    "an environment": ("prod.yaml", b"environment: prod\n", set()),
    "an environment that speaks of outputs": (
        "prod.yaml",
        b"# <testsuite, pytest-html, %PDF-\nenvironment: p\n",
        set(),
    ),
    "a page of somebody's": ("index.html", b"<!doctype html><title>Shop</title>", set()),
    "a page of another product's history": ("h.html", b"<!doctype html><title>History</title>", set()),
    "a table": ("users.csv", b"name\nada\n", set()),
    "a program": ("tool", b"\x7fELF\x00\x00", set()),
    "a key": ("ci.pem", b"-----BEGIN PRIVATE KEY-----\n", set()),
    "notes": ("notes.md", b"# Notes\n", set()),
    "a calendar of people": ("team.ics", b"BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//\r\n", set()),
    "a PDF of somebody's": ("contract.pdf", b"%PDF-1.7\n/Producer (Word)", set()),
    "nothing in it": ("prod.yaml", b"", {"calendar", "history", "pytest-html", "junit", "log", "pdf"}),
    "an older calendar": ("a.ics", b"BEGIN:VCALENDAR\r\nPRODID:-//production-readiness//x//EN\r\n", {"calendar"}),
    "an older page of the history": ("h.html", b"<!doctype html>\n<title>History of prod</title>", {"history"}),
    "an older page of pytest-html": ("r.html", PAGE, {"pytest-html"}),
    "a page that speaks of pytest-html": ("page.html", b"<!DOCTYPE html><p>We use pytest-html.</p>", set()),
    "an older JUnit file": ("junit.xml", OF_PYTEST, {"junit"}),
    "another tool's JUnit file": ("junit.xml", OF_PYTEST.replace(b"pytest", b"jest"), set()),
    "what is installed": ("requirements.txt", b"httpx==0.28.1\n", set()),
    "an older log": ("run.log", b"INFO all is well\n", {"log"}),
    "an older print": ("sign-off.pdf", b"%PDF-1.4 /Producer (Skia/PDF m120)", {"pdf"}),
}


@pytest.mark.parametrize("name", THERE)
@pytest.mark.parametrize("kind", KINDS)
def test_an_output_replaces_what_is_empty_or_of_its_kind(kind: str, name: str, tmp_path: Path) -> None:
    file, content, kinds = THERE[name]
    path = tmp_path / file
    path.write_bytes(content)
    link = tmp_path / "link"
    link.symlink_to(path)
    if kind in kinds:
        assert output_place(path, KINDS[kind]) == path
        assert output_place(link, KINDS[kind]) == path
        return
    for named in (path, link):
        with pytest.raises(NotReplaced, match=r"is there already and is not .*; name another file, or remove it first"):
            write_named(named, "after", KINDS[kind])
    assert path.read_bytes() == content


def test_what_is_not_there_is_written(tmp_path: Path) -> None:
    for kind in (*KINDS.values(), OutputKind("anything", (b"x",))):
        path = tmp_path / f"new-{kind.what.replace(' ', '-')}"
        write_named(path, "after", kind)
        assert path.read_text() == "after"


def test_a_print_that_was_signed_since_is_not_printed_over(tmp_path: Path) -> None:
    page = tmp_path / "sign-off.html"
    signed = tmp_path / "sign-off.pdf"
    signed.write_bytes(b"%PDF-1.4 /Producer (Skia/PDF m120) ... /ByteRange [0 1 2 3]")
    with pytest.raises(BadInput, match="was signed since it was printed; move it away first"):
        pdf.place_of_print(page)
    signed.write_bytes(b"%PDF-1.4 /Producer (Skia/PDF m120)")
    assert pdf.place_of_print(page) == signed


def _files_named_by_options() -> set[tuple[str, str]]:
    """Return the commands with their options that name a file."""
    named: set[tuple[str, str]] = set()
    for verb in verbs():
        parser = Parser(prog=verb)
        command(verb).add_arguments(parser)
        actions: list[argparse.Action] = list(parser._actions)
        named |= {(verb, word) for action in actions if action.metavar == "FILE" for word in action.option_strings}
    return named


def test_each_option_that_names_a_file_is_known_here() -> None:
    # What `key` makes is written where nothing is: tests/evidence/test_signing.py.
    assert _files_named_by_options() == {("history", "--html"), ("next", "--ics"), ("key", "--out")}


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("outputs"))
    project.runbook(line("one", "demo.figure"))
    assert project.preflight().exit == 0
    return project


OPTIONS: dict[str, Callable[[Path], list[str]]] = {
    "--html": lambda path: [f"--html={path}"],
    "--junitxml": lambda path: [f"--junitxml={path}"],
    "--log-file": lambda path: [f"--log-file={path}"],
    "-o log_file": lambda path: ["-o", f"log_file={path}"],
}


@pytest.mark.parametrize("option", OPTIONS)
def test_a_run_replaces_no_environment(option: str, looked: Project) -> None:
    file = looked.folder / "environments/tiny.yaml"
    before = file.read_text("utf-8")
    ran = looked.preflight(*OPTIONS[option](file))
    assert ran.exit == 4, ran.out
    assert f"{file} is there already" in " ".join(ran.out.split())
    assert file.read_text("utf-8") == before


@pytest.mark.parametrize("name", ["junit.xml", "new.log", "deeper/new.log"])
@pytest.mark.parametrize("option", OPTIONS)
def test_a_run_writes_into_no_other_runs_folder(option: str, name: str, looked: Project) -> None:
    (earlier,) = (looked.folder / "reports/tiny").glob("2*-preflight")
    before = {path.name: path.read_bytes() for path in earlier.iterdir() if path.is_file()}
    ran = looked.preflight(*OPTIONS[option](earlier / name))
    assert ran.exit == 4, ran.out
    assert f"lies in {earlier.name}, the evidence of a run" in " ".join(ran.out.split())
    assert {path.name: path.read_bytes() for path in earlier.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("verb", ["history --html", "next --ics"])
def test_a_command_writes_into_no_runs_folder(
    verb: str, looked: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(looked.folder)
    (earlier,) = (looked.folder / "reports/tiny").glob("2*-preflight")
    command, option = verb.split()
    assert main([command, "--env", "tiny", option, str(earlier / "new.ics")]) == 4
    assert "the evidence of a run; name a file elsewhere" in capsys.readouterr().err
    assert not (earlier / "new.ics").exists()


def test_what_pytest_opens_before_all_else_is_refused_before_that(looked: Project) -> None:
    file = looked.folder / "environments/tiny.yaml"
    before = file.read_text("utf-8")
    ran = looked.preflight(f"--debug={file}")
    assert (ran.exit, "--debug is refused" in ran.out) == (4, True), ran.out
    assert file.read_text("utf-8") == before


def test_a_run_replaces_its_own_outputs(looked: Project) -> None:
    files = {option: looked.folder / f"out{number}.log" for number, option in enumerate(list(OPTIONS)[:3])}
    words = [word for option, path in files.items() for word in OPTIONS[option](path)]
    assert [looked.preflight(*words).exit for _ in range(2)] == [0, 0]
    assert files["--html"].stat().st_size
    assert files["--junitxml"].stat().st_size


@pytest.mark.parametrize("folder", ["environments", "reports", "reports/tiny", "environments/tmp"])
def test_no_folder_of_the_project_is_emptied(folder: str, looked: Project) -> None:
    ran = looked.preflight(f"--basetemp={looked.folder / folder}")
    assert ran.exit == 4, ran.out
    assert "--basetemp: pytest empties" in " ".join(ran.out.split())
    assert (looked.folder / "environments/tiny.yaml").is_file()


COMMANDS = {"history": "--html", "next": "--ics"}


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_command_replaces_its_own_outputs_alone(
    verb: str, looked: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(looked.folder)
    option = COMMANDS[verb]
    other = looked.folder / "other.ics"
    other.write_text("environment: prod\n")
    assert main([verb, "--env", "tiny", option, str(other)]) == 4
    assert f"{option}: {other} is there already and is not " in capsys.readouterr().err
    assert other.read_text() == "environment: prod\n"
    own = str(looked.folder / f"own-{verb}.ics")
    assert [main([verb, "--env", "tiny", option, own]) for _ in range(2)] == [0, 0]
