"""The template of an incident report, by the runbook that an environment follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.runbook.lines import load, locate


def printed(folder: Path, runbooks: list[str], *words: str) -> int:
    content = {"environment": "tiny", "runbooks": runbooks, "allowed_hosts": ["127.0.0.1"]}
    (folder / "tiny.yaml").write_text(json.dumps({**content, "target": {"url": "http://127.0.0.1:9"}}))
    return main(["incident-log", "--env", "tiny", f"--environments={folder}", *words])


@pytest.mark.parametrize("name", ["ingestion", "launch400k", "playbook", "umbrella"])
def test_the_template_has_a_heading_for_each_field(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(tmp_path, [name]) == 0
    text = capsys.readouterr().out
    fields = load(locate(name, tmp_path)).incident_report
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert headings == [field.replace("_", " ").capitalize() for field in fields]
    assert text.startswith("---\nid: INC-1\n")


@pytest.mark.parametrize(
    ("runbooks", "words", "says"),
    [
        (["agency"], [], "agency: states no incident_report"),
        (["umbrella", "playbook"], [], "write --runbook umbrella or playbook"),
        (["umbrella", "playbook"], ["--runbook", "umbrela"], "did you mean 'umbrella'?"),
        (["umbrella", "agency"], ["--runbook", "agency"], "agency: states no incident_report"),
    ],
)
def test_what_has_no_template_is_one_line(
    runbooks: list[str], words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(tmp_path, runbooks, *words) == 4
    told = capsys.readouterr().err.strip()
    assert says in told
    assert "\n" not in told


def test_one_of_several_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(tmp_path, ["umbrella", "playbook"], "--runbook", "umbrella") == 0
    assert "## Lessons learned" in capsys.readouterr().out
    assert printed(tmp_path, ["umbrella", "agency"]) == 0
