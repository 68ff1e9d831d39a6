"""What a release gate reads of a run is the same whoever started it: PASSED only when nothing can go wrong any more.

To add a row: what happens while a good run is under way, or after its verdict; how pytest and the gate end, and what
their summaries say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.evidence.sealed_folder import SUMMARY
from readiness.evidence.verification_summary import FAILED, PASSED
from tests.evidence.test_accepted_summary import result, sign_and_gate
from tests.plugin.project import Project, line

NONE = "none"
WHERE = """

import os, pathlib, signal, sys
import pytest

PROJECT = pathlib.Path(__file__).parent
REPORTS = PROJECT / "reports/tiny"
BOOK = PROJECT / "environments/book.yaml"
TINY = PROJECT / "environments/tiny.yaml"
KEYS = PROJECT / "environments/keys"


def changed(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def more(path, text):
    with path.open("a") as file:
        file.write(text)
"""
AT_THE_VERDICT = "\n\ndef pytest_sessionfinish():\n    {}\n"
AT_THE_END = "\n\ndef pytest_unconfigure():\n    {}\n"
AROUND_THE_END = "\n\n@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_unconfigure():\n    yield\n    {}\n"
AROUND_THE_VERDICT = """

class Late:
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session):
        yield
        {}


def pytest_configure(config):
    config.pluginmanager.register(Late())
"""
"""What is registered late is around all that was registered before."""
CLEANS_UP = "\n\ndef clean_up():\n    {}\n\n\ndef pytest_configure(config):\n    config.add_cleanup(clean_up)\n"
TIGHTENED = "changed(BOOK, 'share_below: 0.7', 'share_below: 0.1')"
RULES = "(KEYS / 'keys.yaml').write_text('keys: {{ci: {{{}}}}}')"
REVOKED = RULES.format("revoked: 2026-01-01T00:00:00Z, reason: it was copied")
ELSEWHERE = "changed(TINY, '127.0.0.1:9', '127.0.0.1:8')"
MISNAMED = "(TINY.parent / 'tiny.waivers.yml').write_text('')"
MORE_RECORDS = "more(max(REPORTS.glob('*/journal.jsonl')), '{}' + chr(10))"
MORE_REPORT = "more(max(REPORTS.glob('*/junit.xml')), '<!-- -->')"


@dataclass(frozen=True)
class Row:
    name: str
    conftest: str
    pytest_ends: tuple[int, str]
    gate_ends: tuple[int, str]


GOOD, UNSEEN_BY_PYTEST, REFUSED = (0, PASSED), (0, FAILED), (10, FAILED)
ROWS = [
    Row("nothing", "", GOOD, GOOD),
    # What was changed has not been judged.
    Row("tightened", AT_THE_VERDICT.format(TIGHTENED), UNSEEN_BY_PYTEST, REFUSED),
    Row("tightened-at-the-end", AT_THE_END.format(TIGHTENED), UNSEEN_BY_PYTEST, REFUSED),
    Row("tightened-around-the-end", AROUND_THE_END.format(TIGHTENED), UNSEEN_BY_PYTEST, REFUSED),
    Row("loosened", AT_THE_VERDICT.format(TIGHTENED.replace("0.1", "0.9")), UNSEEN_BY_PYTEST, REFUSED),
    Row("no-runbook", AT_THE_VERDICT.format("BOOK.unlink()"), UNSEEN_BY_PYTEST, REFUSED),
    Row("no-yaml", AT_THE_VERDICT.format("BOOK.write_text('[')"), UNSEEN_BY_PYTEST, REFUSED),
    Row("a-comment", AT_THE_VERDICT.format("more(BOOK, '# it was reviewed')"), GOOD, GOOD),
    Row(
        "another-target",
        AT_THE_VERDICT.format(ELSEWHERE),
        UNSEEN_BY_PYTEST,
        REFUSED,
    ),
    Row(
        "misnamed",
        AT_THE_VERDICT.format(MISNAMED),
        UNSEEN_BY_PYTEST,
        REFUSED,
    ),
    # Whose signature counts is asked by the keys of now.
    Row("key-revoked", AT_THE_VERDICT.format(REVOKED), UNSEEN_BY_PYTEST, REFUSED),
    Row(
        "key-of-ga",
        AT_THE_END.format(RULES.format("phases: [ga]")),
        UNSEEN_BY_PYTEST,
        REFUSED,
    ),
    Row("key-removed", AT_THE_VERDICT.format("(KEYS / 'ci.pub').unlink()"), UNSEEN_BY_PYTEST, REFUSED),
    Row("keys-unreadable", AT_THE_VERDICT.format("(KEYS / 'keys.yaml').write_text('[')"), UNSEEN_BY_PYTEST, REFUSED),
    Row(
        "key-may-sign-it",
        AT_THE_END.format(RULES.format("phases: [preflight]")),
        GOOD,
        GOOD,
    ),
    # What ends pytest red after its verdict.
    Row("raises", AT_THE_END.format("raise OSError(28, 'No space left on device')"), (1, FAILED), (1, FAILED)),
    Row("raises-around", AROUND_THE_END.format("raise ValueError('late')"), (1, FAILED), (1, FAILED)),
    Row("exits-with-7", AT_THE_END.format("sys.exit(7)"), (7, FAILED), REFUSED),
    Row("sets-its-exit", AROUND_THE_VERDICT.format("session.exitstatus = 1"), (1, FAILED), (1, FAILED)),
    Row("sets-another-exit", AROUND_THE_VERDICT.format("session.exitstatus = 5"), (5, FAILED), REFUSED),
    Row("breaks-around", AROUND_THE_VERDICT.format("raise ValueError('late')"), (1, FAILED), (1, FAILED)),
    Row("cannot-clean-up", CLEANS_UP.format("raise ValueError('late')"), (1, FAILED), (1, FAILED)),
    Row("changes-while-cleaning-up", CLEANS_UP.format(TIGHTENED), UNSEEN_BY_PYTEST, REFUSED),
    Row("cleans-up", CLEANS_UP.format("pass"), GOOD, GOOD),
    Row("does-no-harm", AT_THE_END.format("print('bye')"), GOOD, GOOD),
    # Nobody is left who could write it; a gate is.
    Row("ends-at-once", AT_THE_END.format("os._exit(0)"), UNSEEN_BY_PYTEST, GOOD),
    Row("is-killed", AT_THE_END.format("os.kill(os.getpid(), signal.SIGKILL)"), (-9, FAILED), GOOD),
    # What it left is no more what it was.
    Row(
        "journal-goes-on",
        AT_THE_END.format(MORE_RECORDS),
        UNSEEN_BY_PYTEST,
        (10, NONE),
    ),
    Row(
        "file-changed",
        AT_THE_END.format(MORE_REPORT),
        UNSEEN_BY_PYTEST,
        (1, FAILED),
    ),
    Row("no-ledger", AT_THE_END.format("(REPORTS / 'ledger.jsonl').unlink()"), UNSEEN_BY_PYTEST, (10, NONE)),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give a project that signs, and whose gate can run."""
    made = Project(tmp_path)
    sign_and_gate(tmp_path, monkeypatch)
    made.runbook(line("one", {"demo.figure": {"share_below": 0.7}}))
    return made


def says(folder: Path) -> str:
    return result(folder) if list(folder.rglob(SUMMARY)) else NONE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("is_gate", [False, True], ids=["pytest", "gate"])
def test_it_is_passed_only_where_nothing_was_changed_and_nothing_went_wrong(
    is_gate: bool, row: Row, project: Project, tmp_path: Path
) -> None:
    conftest = (tmp_path / "conftest.py").read_text("utf-8")
    project.write("conftest.py", f"{conftest}{WHERE}{row.conftest}")
    ended = main(["gate", "preflight", "--env", "tiny"]) if is_gate else project.preflight().exit
    assert (ended, says(tmp_path)) == (row.gate_ends if is_gate else row.pytest_ends)


@pytest.mark.parametrize(
    ("conftest", "wanted"),
    [
        (AT_THE_VERDICT.format(TIGHTENED), "is FAILED: preflight judged with a runbook of another digest"),
        (AT_THE_END.format("raise ValueError"), "is FAILED: pytest ended with ValueError"),
        (AROUND_THE_VERDICT.format("session.exitstatus = 5"), "is FAILED: pytest ended with exit code 5"),
        ("", ""),
    ],
)
def test_a_good_run_says_why_its_summary_is_not(conftest: str, wanted: str, project: Project, tmp_path: Path) -> None:
    before = (tmp_path / "conftest.py").read_text("utf-8")
    project.write("conftest.py", f"{before}{WHERE}{conftest}")
    ran = project.preflight()
    told = [text for text in ran.out.splitlines() if text.startswith("summary  ")]
    assert [wanted in text for text in told] == [True] * bool(wanted), ran.out


@pytest.mark.parametrize(
    "words",
    [
        ("--environments=environments", "--reports=reports"),
        ("--reports=elsewhere",),
        ("-q",),
        ("-n", "2"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("conftest", "wanted"), [("", PASSED), (AT_THE_END.format(TIGHTENED), FAILED)], ids=["nothing", "tightened"]
)
def test_it_is_the_same_by_other_words_of_the_command_line(
    words: tuple[str, ...], conftest: str, wanted: str, project: Project, tmp_path: Path
) -> None:
    before = (tmp_path / "conftest.py").read_text("utf-8")
    is_here = "    if hasattr(config, 'workerinput'):\n        return\n"  # a worker ends before the run does
    at_the_end = conftest.replace("pytest_unconfigure():\n", f"pytest_unconfigure(config):\n{is_here}")
    project.write("conftest.py", f"{before}{WHERE}{at_the_end}")
    assert (project.preflight(*words).exit, says(tmp_path)) == (0, wanted)


@pytest.mark.parametrize("words", [["--collect-only"], ["--fixtures"], ["--as-of=T-1h"], ["-k", "no_such_name"]])
def test_what_is_no_good_run_of_now_is_never_passed(words: list[str], project: Project, tmp_path: Path) -> None:
    project.preflight(*words)
    assert says(tmp_path) in {NONE, FAILED}
