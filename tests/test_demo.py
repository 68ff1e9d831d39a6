"""`readiness demo`: the sandbox's launch from its drill to the page that approvers sign, as the README promises it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from readiness.__main__ import main
from tests.evidence import chromium

ROOT = Path(__file__).parents[1]
SHEETS_AT_MOST = 12
VERDICTS = {"preflight": "GO", "smoke": "GO", "postlaunch": "OK", "ga": "APPROVED"}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def told(starts_servers: None, reports: Path) -> str:
    del starts_servers
    command = [sys.executable, "-m", "readiness", "demo", "--reports", str(reports)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_ends_approved(told: str) -> None:
    last = [line.split() for line in told.splitlines()[-5:]]
    assert {words[0]: words[1] for words in last[:4]} == VERDICTS
    assert last[4][0] == "sign-off"
    assert all(Path(words[-1]).is_file() for words in last)


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
