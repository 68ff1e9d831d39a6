"""A tiny project of checks, observations and a runbook, run by pytest in a process of its own (see `tests.warm`)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests import warm

ROOT = Path(__file__).parents[2]
SETTINGS = """\
[pytest]
minversion = "9.2"
testpaths = ["checks"]
strict = true
addopts = ["--import-mode=importlib", "-p", "no:locust", "-p", "no:cacheprovider"]
filterwarnings = ["error"]
markers = ["preflight: p", "smoke: s", "postlaunch: o", "ga: g", "effect(name): e"]
"""
CONFTEST = '''\
"""The observations of a tiny target; each look leaves a trace, and so does each result."""
import json
import pathlib

from readiness.observations import observation
from readiness.outcomes import Effect, Unknown

pytest_plugins = ["readiness.plugin"]
HERE = pathlib.Path(__file__).parent


def leave(file, text):
    with (HERE / file).open("a") as kept:
        kept.write(text + "\\n")


@observation
def figure() -> float:
    leave("looked.txt", "figure")
    kept = HERE / "figure.txt"
    return float(kept.read_text()) if kept.exists() else 0.5


@observation
def figure_of(name: str) -> dict[str, float]:
    leave("looked.txt", f"figure_of {name}")
    kept = HERE / "figures.json"
    return {"figure": json.loads(kept.read_text()).get(name, 0.5) if kept.exists() else 0.5}


@observation(quiet=True)
def answer_time() -> float:
    leave("looked.txt", "answer_time")
    return 0.1


@observation
def hidden() -> float:
    raise Unknown("GET /figure answered 403", "give the probe the role viewer")


@observation
def broken() -> float:
    return 1 / 0


@observation(effect=Effect.WRITE)
def written() -> float:
    leave("looked.txt", "written")
    return 1.0


@observation
def recent_failures_of_tiny() -> list[dict[str, int]]:
    return [{"upload": 7}]


def pytest_readiness_result(result):
    leave("results.jsonl", json.dumps(result.plain()))
'''
CHECKS = '''\
"""The tiny target is as it should be."""
import pytest

from readiness import Limits, Measure
from readiness.runbook.limits import Minimum


class Below(Limits):
    share_below: float = 0.8


class Named(Limits):
    name: str


class Several(Limits):
    share_below: float
    days_at_most: float
    at_least: Minimum
    times_at_most: float


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_figure(figure: float, limits: Below, measure: Measure) -> None:
    """The figure is low.

    Remedy: lower it.
    """
    measure(figure, "figure").below(limits.share_below)


@pytest.mark.preflight
def test_several(figure: float, limits: Several, measure: Measure) -> None:
    """The figure is low, and not far above what is usual.

    Remedy: lower it.
    """
    measure(3, "days").at_most(limits.days_at_most)
    measure(figure, "figure").below(limits.share_below)
    measure(0.5, "figure beside the usual").at_most(0.01 * limits.times_at_most)


@pytest.mark.preflight
def test_named(figure_of: dict[str, float], limits: Named, measure: Measure) -> None:
    """The named figure is low.

    Remedy: lower it.
    """
    measure(figure_of["figure"], f"figure of {limits.name}").below(1)


@pytest.mark.preflight
def test_quick(answer_time: float, measure: Measure) -> None:
    """It answers in time.

    Remedy: wait.
    """
    measure(answer_time, "answer time", "s").below(1)


@pytest.mark.preflight
def test_hidden(hidden: float, measure: Measure) -> None:
    """It can be seen.

    Remedy: none.
    """
    measure(hidden, "hidden figure").below(1)


@pytest.mark.preflight
def test_broken(broken: float, measure: Measure) -> None:
    """The look works.

    Remedy: none.
    """
    measure(broken, "figure").below(1)


@pytest.mark.preflight
def test_crashes(figure: float, measure: Measure) -> None:
    """The check works.

    Remedy: none.
    """
    measure({}["no such key"], "figure").below(1)


@pytest.mark.preflight
def test_leaves(figure: float, measure: Measure) -> None:
    """The check stays.

    Remedy: none.
    """
    measure(figure, "figure").below(1)
    raise SystemExit(0)


@pytest.mark.preflight
def test_nothing(figure: float, measure: Measure) -> None:
    """Something is measured.

    Remedy: none.
    """


@pytest.mark.preflight
def test_swallows(figure: float, measure: Measure) -> None:
    """A failure stays one.

    Remedy: none.
    """
    try:
        measure(figure, "figure").below(0.1)
    except AssertionError:
        pass


@pytest.mark.preflight
def test_skips(figure: float, measure: Measure) -> None:
    """A skip is no pass.

    Remedy: none.
    """
    measure(figure, "figure").below(1)
    pytest.skip("not today")


@pytest.mark.preflight
def test_expects_failure(figure: float, measure: Measure) -> None:
    """An expected failure is no pass.

    Remedy: none.
    """
    measure(figure, "figure").below(1)
    pytest.xfail("one day")


@pytest.fixture
def _clumsy():
    yield
    raise OSError("no space left")


@pytest.mark.preflight
@pytest.mark.usefixtures("_clumsy")
def test_cleans_up(figure: float, measure: Measure) -> None:
    """What is left is cleaned up.

    Remedy: none.
    """
    measure(figure, "figure").below(1)


@pytest.mark.preflight
@pytest.mark.effect("write")
def test_writes(written: float, measure: Measure) -> None:
    """It can be written.

    Remedy: none.
    """
    measure(written, "written").at_least(1)


@pytest.mark.preflight
def test_nobody_asks(figure: float, measure: Measure) -> None:
    """No line names this one.

    Remedy: none.
    """
    measure(figure, "figure").below(1)
'''
ENVIRONMENT: dict[str, Any] = {
    "environment": "tiny",
    "production": False,
    "runbooks": ["book.yaml"],
    "launch_at": "2100-01-01T09:00:00Z",
    "allowed_hosts": ["127.0.0.1"],
    "allow": ["write"],
    "target": {"url": "http://127.0.0.1:9"},
}


def line(name: str, decided_by: str | dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write one line of a runbook: a blocker of preflight unless told otherwise."""
    decided = {decided_by: {}} if isinstance(decided_by, str) else decided_by
    told = {"id": name, "ref": "1.1", "says": f"{name} holds", "phase": ["preflight"], "gate": "blocker"}
    return {**told, "decided_by": decided, **more}


@dataclass
class Ran:
    """What one run of pytest left."""

    exit: int
    out: str
    results: list[dict[str, Any]]
    looked: list[str]
    _by_line: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_line = {
            f"{record['line'].partition('/')[2]}{':' + record['subject'] if record['subject'] else ''}": record
            for record in self.results
        }

    def outcomes(self) -> dict[str, str]:
        """Give the outcome of each line."""
        return {name: record["outcome"] for name, record in self._by_line.items()}

    def of(self, name: str) -> dict[str, Any]:
        """Give the result of one line."""
        return self._by_line[name]


class Project:
    """A folder with one environment and its runbook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("pytest.toml", SETTINGS)
        self.write("conftest.py", CONFTEST)
        self.write("checks/test_demo.py", CHECKS)
        self.environment()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def environment(self, **changes: Any) -> None:
        self.write("environments/tiny.yaml", yaml.safe_dump({**ENVIRONMENT, **changes}))

    def runbook(self, *lines: dict[str, Any], name: str = "book") -> None:
        book = {"runbook": name, "title": f"The {name}", "lines": list(lines)}
        self.write(f"environments/{name}.yaml", yaml.safe_dump(book, sort_keys=False))

    def run(self, *words: str, env: str | None = "tiny") -> Ran:
        for left in ("results.jsonl", "looked.txt"):
            (self.folder / left).unlink(missing_ok=True)
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "NO_COLOR": "1"}
        ran = warm.run("pytest", *([f"--env={env}"] if env else []), *words, folder=self.folder, variables=variables)
        results = [json.loads(text) for text in self._lines("results.jsonl")]
        return Ran(ran.returncode, ran.stdout + ran.stderr, results, sorted(self._lines("looked.txt")))

    def preflight(self, *words: str) -> Ran:
        return self.run("-m", "preflight", *words)

    def _lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
