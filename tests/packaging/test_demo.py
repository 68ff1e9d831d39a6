"""`readiness demo` in an empty folder: the sandbox's launch from its drill to the page that approvers sign."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.commands import demo
from readiness.evidence.reasons import Reason
from readiness.outcomes import Phase
from tests.evidence import chromium
from tests.packaging.installed import Installed

SHEETS_AT_MOST = 12
VERDICTS = {"preflight": "GO", "smoke": "GO", "postlaunch": "OK", "ga": "APPROVED"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def reports(folder: Path) -> Path:
    return folder / "reports"


@pytest.fixture(scope="module")
def told(starts_servers: None, installed: Installed, folder: Path) -> str:
    del starts_servers
    done = installed.run("readiness", "demo", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_ends_approved(told: str, folder: Path) -> None:
    last = [line.split() for line in told.splitlines()[-5:]]
    assert {words[0]: words[1] for words in last[:4]} == VERDICTS
    assert last[4][0] == "sign-off"
    assert all((folder / words[-1]).is_file() for words in last)


def test_it_leaves_the_environment_and_the_evidence(told: str, folder: Path) -> None:
    assert told.startswith("wrote environments/local.yaml")
    assert sorted(path.name for path in folder.iterdir()) == ["environments", "reports"]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("sign-off.yaml", '"approved"', '"open"'), ("attestations.yaml", "who: ", "holds: false\n    who: ")],
)
def test_its_words_are_held_against_what_people_say_when_the_sandbox_is_gone(
    file: str, old: str, new: str, told: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told
    monkeypatch.chdir(folder)
    assert main(["verify", "local", "ga"]) == 0
    people = folder / "reports/local/sandbox" / file
    text = people.read_text("utf-8")
    people.write_text(text.replace(old, new), "utf-8")
    code = main(["verify", "local", "ga"])
    people.write_text(text, "utf-8")
    assert code == Reason.NOT_TODAY.code


@pytest.mark.parametrize(
    ("words", "expect_go", "code"),
    [
        (("GO", "GO", "OK", "APPROVED"), False, 0),
        (("GO", "GO", "OK", "APPROVED"), True, 0),
        (("INCOMPLETE", "GO", "OK", "INCOMPLETE"), False, 0),  # a tool is missing
        (("INCOMPLETE", "GO", "OK", "INCOMPLETE"), True, 1),
        (("NO-GO", "GO", "OK", "INCOMPLETE"), False, 1),
        (("GO", "GO", "PAGE", "INCOMPLETE"), False, 1),
        (("GO", "GO", "OK", "DEFERRED"), False, 1),
        (("GO", "", "OK", "APPROVED"), False, 1),
    ],
)
def test_it_exits_red_where_a_phase_failed(words: tuple[str, ...], expect_go: bool, code: int) -> None:
    well = {"GO", "OK", "APPROVED", "INCOMPLETE", ""}
    endings = [demo.Ending(phase, Path(), word, word not in well, {}) for phase, word in zip(Phase, words, strict=True)]
    assert demo.exit_of(endings, expect_go=expect_go) == code


if chromium.PROGRAM:

    def test_its_sign_off_page_is_for_everybody(told: str, reports: Path) -> None:
        assert told
        assert chromium.faults(reports / "local" / "sign-off.html") == []

    def test_the_report_of_a_run_is_for_everybody(told: str, reports: Path) -> None:
        assert told
        (report,) = (reports / "local").glob("2*-postlaunch/report.html")
        assert chromium.faults(report) == []

    def test_the_page_fits_on_few_sheets(told: str, reports: Path) -> None:
        assert told
        assert main(["sign-off", "--env", "local", "--reports", str(reports), "--pdf"]) == 0
        assert 1 <= chromium.sheets(reports / "local" / "sign-off.pdf") <= SHEETS_AT_MOST
