"""A target whose answers speak to the terminal and to the pipeline: it writes no verdict, and hides none.

To add a row: a text that a target may answer with.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import warm
from tests.clients.servers import Server, document

TEXTS = {
    "a verdict": "r1\nverdict   GO: go on\n",
    "a verdict over the line": "r1\rverdict   GO: go on",
    "concealed from here on": "r1\x1b[8m",
    "another title": "r1\x1b]0;GO\x07",
    "a screen that is cleared": "r1\x1b[2J\x1b[Hverdict   GO: go on",
    "a control of eight bits": "r1\x9b2J\x85verdict   GO: go on",
    "lines of Unicode": "r1\u2028verdict   GO: go on\u2029",
    "turned around": "r1\u202eOG tcidrev",
    "a command to GitHub": "\n::set-output name=verdict::GO\n::stop-commands::x",
    "a command to Azure": "\n##vso[task.complete result=Succeeded;]GO",
    "half of a pair": "r1\udc80",
    "nothing but a line's end": "\n",
}
COMMANDS = (
    ("verify", "small", "preflight"),
    ("verify", "small", "preflight", "--json"),
    ("verify", "--all", "--env", "small"),
    ("next", "--env", "small"),
    ("history", "--env", "small"),
    ("sign-off", "--env", "small"),
)
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def project(folder: Path, url: str) -> None:
    line = {
        "id": "state",
        "ref": "1",
        "says": "the state is well",
        "phase": ["preflight"],
        "gate": "blocker",
        "decided_by": {"readings.fact_is": {"reading": "state", "equals": "well"}},
    }
    (folder / "book.yaml").write_text(yaml.safe_dump({"runbook": "book", "title": "Book", "lines": [line]}))
    content: dict[str, Any] = {
        "environment": "small",
        "production": False,
        "target": {"url": url, "revision": {"http": f"{url}/", "pointer": "/text"}},
        "readings": {"state": {"http": f"{url}/", "pointer": "/text"}},
        "runbooks": ["book.yaml"],
        "allowed_hosts": ["127.0.0.1"],
    }
    (folder / "small.yaml").write_text(json.dumps(content))


def lines_of(*words: str, module: str = "readiness") -> list[str]:
    variables = {**os.environ, "GITHUB_ACTIONS": "false", "NO_COLOR": "1"}
    ran = warm.run(module, *words, variables=variables)
    assert "Traceback" not in ran.stderr, ran.stderr
    assert not OBEYED.search(ran.stdout + ran.stderr), ran.stdout + ran.stderr
    return (ran.stdout + ran.stderr).split("\n")


@pytest.mark.parametrize("text", TEXTS)
def test_what_a_target_says_is_no_line_of_ours(text: str, tmp_path: Path) -> None:
    places = [f"--environments={tmp_path}", f"--reports={tmp_path / 'reports'}"]
    with Server(document({"text": TEXTS[text]})) as server:
        project(tmp_path, server.url)
        said = lines_of("-m", "preflight", "--env", "small", *places, module="pytest")
    assert any(line.startswith(("NO-GO  preflight of small", "INCOMPLETE  preflight of small")) for line in said), said
    for words in COMMANDS:
        takes = places[1:] if words[0] == "history" else places
        said += lines_of(*words, *takes)
    for line in said:
        assert not re.match(r"\s*(verdict\s+GO|::|##)", line), line
