"""An editable install judges a folder outside its checkout as a wheel does. A row is a file more, or words more."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from tests import warm
from tests.clients.servers import Asked, Server, document, whole
from tests.plugin.project import ENVIRONMENT, line

OWN_CHECK = '''\
"""What this team asks."""
import pytest

from readiness import Measure


@pytest.mark.preflight
def test_own(sum_of_the_team: int, measure: Measure) -> None:
    """The sum is right.

    Remedy: none.
    """
    measure(sum_of_the_team, "sum").below(3)
'''
OWN_OBSERVATION = """\
from readiness.observations import observation


@observation
def sum_of_the_team() -> int:
    return 1 + 1
"""
OWN_CONFTEST = "import pytest\n\n\n@pytest.fixture\ndef of_the_team():\n    return 1\n"


def only_health(server: Server, connection: socket.socket, asked: Asked) -> None:
    behaviour = document({"status": "ok"}) if asked.path == "/health" else whole(404)
    behaviour(server, connection, asked)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, ()),
        ({"conftest.py": OWN_CONFTEST}, ()),
        ({"checks/conftest.py": OWN_CONFTEST}, ()),
        ({"checks/test_own.py": OWN_CHECK, "conftest.py": OWN_OBSERVATION}, ()),
        ({"pytest.ini": "[pytest]\nmarkers =\n    quick: quick ones\n"}, ()),
        ({}, ("-n", "2")),
        ({}, ("checks/test_health.py",)),
        ({}, ("checks/test_health.py::test_live",)),
        ({"deeper/there": ""}, ("--rootdir=.",)),
    ],
)
def test_a_phase_in_a_folder_of_its_own_is_judged(
    tmp_path: Path, files: dict[str, str], words: tuple[str, ...]
) -> None:
    lines = [line("one", {"health.live": {"path": "/health", "seconds_below": 60}})]
    if "checks/test_own.py" in files:
        lines.append(line("own", "own.own"))
    book = {"runbook": "book", "title": "The book", "lines": lines}
    with Server(only_health) as server:
        environment = {**ENVIRONMENT, "target": {"url": server.url}}
        stated = {"environments/book.yaml": yaml.safe_dump(book), "environments/tiny.yaml": yaml.safe_dump(environment)}
        for name, text in {**stated, **files}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        ran = warm.run_cold("pytest", "-m", "preflight", "--env", "tiny", *words, folder=tmp_path)
    assert "GO  preflight of tiny" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 0, ran.stdout + ran.stderr
