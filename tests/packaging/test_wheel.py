"""The wheel in an empty environment and folder: it brings all that a run needs, and collides with nothing there."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.installed import Installed

USAGE_ERROR = 4
REFUSED = 2
OWN_CHECK = '''\
"""What this team wants besides."""

import pytest

from readiness import Limits, Measure
from readiness.observations.health import HealthAnswer


class Quick(Limits):
    path: str
    seconds_below: float


@pytest.mark.preflight
def test_quick(health_answer: HealthAnswer, limits: Quick, measure: Measure) -> None:
    """It answers at once.

    Remedy: ask why not.
    """
    measure(health_answer.seconds, "answer time", "s").below(limits.seconds_below)
'''


class Service(BaseHTTPRequestHandler):
    """A target that is well."""

    def do_GET(self) -> None:
        body = json.dumps({"queue": {"depth": 3}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the base class calls it so
        del format, arguments


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def line(name: str, decided_by: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": name,
        "ref": "1",
        "says": f"{name} holds",
        "phase": ["preflight"],
        "gate": "blocker",
        "decided_by": decided_by,
    }


HEALTH = line("health", {"health.live": {"path": "/healthz", "seconds_below": 60}})
QUEUE = line("queue", {"readings.number_at_most": {"reading": "queue_depth", "at_most": 10}})


def team(folder: Path, service: str, *lines: dict[str, Any]) -> Path:
    """Write one environment and its runbook, and nothing else: no settings of pytest, no conftest.py."""
    environment = {
        "environment": "prod",
        "production": True,
        "runbooks": ["launch.yaml"],
        "allowed_hosts": ["127.0.0.1"],
        "target": {"url": service},
        "readings": {"queue_depth": {"http": f"{service}/status", "pointer": "/queue/depth"}},
    }
    runbook = {"runbook": "launch", "title": "Launch", "lines": [HEALTH, QUEUE, *lines]}
    (folder / "environments").mkdir()
    (folder / "environments" / "prod.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")
    (folder / "environments" / "launch.yaml").write_text(yaml.safe_dump(runbook, sort_keys=False), encoding="utf-8")
    return folder


def test_it_carries_every_file(installed: Installed, sources: Path) -> None:
    """Also those that are no modules: a runbook or a template that is left out is missed only when it is asked for."""
    carried = {Path(name) for name in zipfile.ZipFile(installed.wheel).namelist()}
    places = {"readiness": ".", **dict.fromkeys(("checks", "loadtests", "environments"), "readiness/shipped")}
    for name, place in places.items():
        files = [path.relative_to(sources) for path in (sources / name).rglob("*") if path.is_file()]
        missing = {Path(place) / path for path in files} - carried
        assert not {path for path in missing if "__pycache__" not in path.parts}
    assert {path.parts[0] for path in carried if not path.parts[0].endswith(".dist-info")} == {"readiness"}


def test_the_plan_in_an_empty_folder(installed: Installed, service: str, tmp_path: Path) -> None:
    ran = installed.run("readiness", "plan", "--env", "prod", cwd=team(tmp_path, service))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 configured" in ran.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["environments"]


def test_a_run_in_an_empty_folder(installed: Installed, service: str, tmp_path: Path) -> None:
    ran = installed.run("pytest", "-m", "preflight", "--env", "prod", cwd=team(tmp_path, service))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "GO  preflight of prod" in ran.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["environments", "reports"]
    (journal,) = (tmp_path / "reports").rglob("[0-9]*/journal.jsonl")
    assert '"nodeid":"checks/test_health.py::test_live[health]"' in journal.read_text(encoding="utf-8")
    verified = installed.run("readiness", "verify", "prod", "preflight", cwd=tmp_path)
    assert "GO" in verified.stdout


def test_workers_have_the_same_settings(installed: Installed, service: str, tmp_path: Path) -> None:
    ran = installed.run("pytest", "-m", "preflight", "--env", "prod", "-n", "1", cwd=team(tmp_path, service))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "GO  preflight of prod" in ran.stdout


def test_a_team_has_checks_of_its_own_beside_the_shipped_ones(
    installed: Installed, service: str, tmp_path: Path
) -> None:
    """Its files may have the names of shipped ones, and its tests are no part of the run."""
    own = line("quick", {"health.quick": {"path": "/healthz", "seconds_below": 60}})
    folder = team(tmp_path, service, own)
    (folder / "checks").mkdir()
    (folder / "checks" / "test_health.py").write_text(OWN_CHECK, encoding="utf-8")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_own.py").write_text(
        "raise RuntimeError('nobody asked for this file')\n", encoding="utf-8"
    )
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n", encoding="utf-8")
    ran = installed.run("pytest", "-m", "preflight", "--env", "prod", cwd=folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "GO  preflight of prod" in ran.stdout


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            "@pytest.mark.preflight\n",
            "@pytest.mark.preflight\n@pytest.mark.preflite\n",
            "'preflite' not found in `markers`",
        ),
        ("import pytest\n", "import warnings\nimport pytest\nwarnings.warn('it is old')\n", "UserWarning: it is old"),
    ],
    ids=["an unknown mark", "a warning"],
)
def test_it_is_as_strict_as_a_checkout(
    installed: Installed, service: str, tmp_path: Path, before: str, after: str, told: str
) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "test_own.py").write_text(OWN_CHECK.replace(before, after, 1), encoding="utf-8")
    quick = line("quick", {"own.quick": {"path": "/healthz", "seconds_below": 60}})
    ran = installed.run("pytest", "-m", "preflight", "--env", "prod", cwd=team(tmp_path, service, quick))
    assert told in ran.stdout, ran.stdout + ran.stderr
    assert "GO  preflight" not in ran.stdout


def test_one_check_again_by_the_name_that_a_run_tells(installed: Installed, service: str, tmp_path: Path) -> None:
    words = ("pytest", "-m", "preflight", "--env", "prod", "checks/test_health.py::test_live[health]")
    ran = installed.run(*words, cwd=team(tmp_path, service))
    assert "INCOMPLETE  preflight of prod" in ran.stdout, ran.stdout + ran.stderr  # one of two lines was judged
    assert "1 pass" in ran.stdout


def test_a_mistake_is_told_as_in_a_checkout(installed: Installed, service: str, tmp_path: Path) -> None:
    ran = installed.run("pytest", "-m", "preflight", "--env", "prdo", cwd=team(tmp_path, service))
    assert ran.returncode == USAGE_ERROR, ran.stdout + ran.stderr
    assert "'prdo' is not known; did you mean 'prod'?" in ran.stderr


def test_the_version_and_the_folders(installed: Installed, tmp_path: Path) -> None:
    version = installed.wheel.name.split("-")[1]
    assert installed.run("readiness", "--version", cwd=tmp_path).stdout == f"production-readiness {version}\n"
    for name in ("checks", "loadtests", "environments"):
        folder = Path(installed.run("readiness", "shipped", name, cwd=tmp_path).stdout.strip())
        assert folder.parts[-3:] == ("readiness", "shipped", name)
        assert folder.is_dir()


@pytest.fixture
def foreign_loadtests(tmp_path: Path) -> Path:
    """Lay a folder of the same name where the command is given; nothing of it may be imported."""
    (tmp_path / "loadtests").mkdir()
    for name in ("__init__.py", "run.py", "locustfile.py"):
        (tmp_path / "loadtests" / name).write_text("raise RuntimeError('this is the loadtests of somebody else')\n")
    return tmp_path


def test_a_rehearsal_has_its_own_load_tests(installed: Installed, foreign_loadtests: Path) -> None:
    assert "--stage" in installed.run("readiness", "rehearse", "--help", cwd=foreign_loadtests).stdout
    ran = installed.run("readiness", "rehearse", "--env", "nowhere", cwd=foreign_loadtests)
    assert ran.returncode == REFUSED, ran.stdout + ran.stderr
    assert "refused: " in ran.stderr
    assert "somebody else" not in ran.stdout + ran.stderr


def test_locust_itself_takes_the_shipped_file(installed: Installed, foreign_loadtests: Path) -> None:
    folder = installed.run("readiness", "shipped", "loadtests", cwd=foreign_loadtests).stdout.strip()
    ran = installed.run("locust", "-f", f"{folder}/locustfile.py", "--list", cwd=foreign_loadtests)
    assert "Walker" in ran.stdout, ran.stdout + ran.stderr
