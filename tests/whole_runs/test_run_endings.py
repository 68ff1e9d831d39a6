"""Every way a run can end early or lie: none of them gives a GO, and what was decided before is on the disk."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.errors import BadRun
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.run_folders import find
from tests import warm

ROOT = Path(__file__).parents[2]
SETTINGS = """\
[pytest]
minversion = "9.2"
testpaths = ["checks"]
strict = true
addopts = ["--import-mode=importlib", "-p", "no:locust", "-p", "no:cacheprovider"]
filterwarnings = ["error"]
markers = ["preflight: p", "smoke: s", "postlaunch: o", "ga: g", "effect(name): e", "slow: takes long"]
"""
CONFTEST = """\
import pytest

from readiness.observations import observation

pytest_plugins = ["readiness.plugin"]


@observation
def tiny_figure() -> int:
    return 1
"""
TOP = """\
import os
import signal
import sys
import time

import pytest

from readiness import Measure, Unknown

CONTROLLER = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


@pytest.fixture
def breaks_first():
    raise OSError("no route to host")


@pytest.fixture
def breaks_last():
    yield
    raise OSError("no space left on device")
"""
CHECK = '''

@pytest.mark.preflight{marks}
def test_{name}(tiny_figure: int, measure: Measure) -> None:
    """It holds.

    Remedy: mend it.
    """
    {body}
'''
HOLDS = 'measure(1, "figure").below(2)'
LINES = ("alpha", "beta", "gamma", "delta")
ENVIRONMENT = {
    "environment": "tiny",
    "production": False,
    "runbooks": ["book.yaml"],
    "allowed_hosts": ["127.0.0.1"],
    "target": {"url": "http://127.0.0.1:9", "revision": "abc123"},
}
ALONE, WORKERS = (), ("-n2",)
BOTH = (ALONE, WORKERS)
ANY_BUT_GO = None


@dataclass(frozen=True)
class Case:
    """One way to end."""

    name: str
    exits: tuple[int, ...] | None
    """What pytest's exit code may be; None for whatever, because only `verify` can tell."""
    beta: str = HOLDS
    """The body of the second of four checks."""
    words: tuple[str, ...] = ()
    uses: str = ""
    """A fixture of the second check."""
    top: str = ""
    conftest: str = ""
    more: str = ""
    """A second module of checks, which decides the last line."""
    ways: tuple[tuple[str, ...], ...] = (ALONE,)
    """With workers too where they may change what is seen; of what only repeats the lone proof, a sample."""
    is_forked: bool = True
    """False for what is about the process itself: it dies, or starts without one of our plugins."""
    kept: int = 0
    """How many results are on the disk at least, without workers."""
    verify: tuple[int, ...] = (1, 10)
    phase: str = "preflight"
    recorded: bool = True


END = "time.sleep(20)"
FAILS = 'measure(3, "figure").below(2)'
CASES = [
    Case("all-good", (0,), kept=4, verify=(0,), ways=BOTH),
    Case("no-page", (0,), kept=4, words=("-p", "no:html"), verify=(0,)),
    Case("one-fails", (1,), FAILS, kept=4, verify=(1,), ways=BOTH),
    Case("exit-first", (1,), FAILS, ("-x",), kept=2, verify=(1,)),
    Case("maxfail", (1,), FAILS, ("--maxfail=1",), kept=2, verify=(1,), ways=BOTH),
    Case("keyword", (10,), words=("-k", "alpha"), kept=1, verify=(10,), ways=BOTH),
    Case("deselected", (10,), words=("--deselect", "checks/test_demo.py::test_beta"), kept=3, verify=(10,)),
    Case("path", (10,), words=("checks/test_demo.py::test_alpha",), kept=1, verify=(10,)),
    Case("narrowed-mark", (10,), words=("-m", "preflight and not slow"), top="SLOW", kept=3, verify=(10,)),
    Case("skip-in-body", (10,), 'measure(1, "f").below(2); pytest.skip("not today")', kept=3, verify=(10,)),
    Case("module-skip", (10,), top='pytest.skip("not today", allow_module_level=True)', verify=(10,)),
    Case("import-error", (2, 10), top="import nothing_of_that_name", verify=(10,), ways=BOTH),
    Case(
        "import-error-continued",
        (10,),
        more="import nothing_of_that_name\n",
        words=("--continue-on-collection-errors",),
        kept=3,
        verify=(10,),
    ),
    Case("xfail", (10,), 'measure(1, "f").below(2); pytest.xfail("one day")', verify=(10,)),
    Case("measured-nothing", (10,), "pass", kept=4, verify=(10,)),
    Case(
        "unknown", (10,), 'raise Unknown("it answered 403", "give the probe a role")', kept=4, verify=(10,), ways=BOTH
    ),
    Case("unknown-swallowed", (10,), "try: raise Unknown('403', 'role')\n    except Exception: pass", verify=(10,)),
    Case("failure-swallowed", (1,), f"try: {FAILS}\n    except AssertionError: pass", kept=4, verify=(1,)),
    Case("set-up-breaks", (1, 10), uses="breaks_first", kept=4, verify=(1, 10)),
    Case("tear-down-breaks", (1,), uses="breaks_last", kept=4, verify=(1,), ways=BOTH),
    Case("sys-exit-0", (1, 10), "sys.exit(0)", verify=(1, 10), ways=BOTH),
    Case("pytest-exit-0", (2, 3, 10), 'pytest.exit("enough", returncode=0)', kept=1, verify=(10,), ways=BOTH),
    Case("process-exit-0", ANY_BUT_GO, "os._exit(0)", ways=(ALONE,), kept=1, verify=(10,), is_forked=False),
    Case("worker-exit-0", (1, 2, 3, 10), "os._exit(0)", ways=(WORKERS,), verify=(10,)),
    Case(
        "interrupted",
        (2, 10),
        f"os.kill(CONTROLLER, signal.SIGINT); {END}",
        kept=1,
        verify=(10,),
        ways=BOTH,
        is_forked=False,
    ),
    Case(
        "terminated",
        (2, 10),
        f"os.kill(CONTROLLER, signal.SIGTERM); {END}",
        kept=1,
        verify=(10,),
        ways=BOTH,
        is_forked=False,
    ),
    Case(
        "killed", (-9,), f"os.kill(CONTROLLER, signal.SIGKILL); {END}", kept=1, verify=(10,), ways=BOTH, is_forked=False
    ),
    Case("worker-killed", (1, 2, 3, 10), "os.kill(os.getpid(), signal.SIGKILL)", ways=(WORKERS,), verify=(10,)),
    Case(
        "worker-killed-no-restart",
        (1, 2, 3, 10),
        "os.kill(os.getpid(), signal.SIGKILL)",
        ("--max-worker-restart=0",),
        ways=(WORKERS,),
        verify=(10,),
    ),
    Case(
        "raising-hook",
        (1, 3, 10),
        conftest="def pytest_runtest_logreport(report):\n    raise RuntimeError('a hook breaks')\n",
        ways=BOTH,
        verify=(10,),
    ),
    Case(
        "raising-reporter",
        (1, 10),
        conftest="def pytest_sessionfinish():\n    raise OSError(28, 'No space left on device')\n",
        kept=4,
        verify=(10,),
    ),
    Case(
        "raising-summary",
        (1, 3, 10),
        conftest="def pytest_terminal_summary():\n    raise OSError(28, 'No space left on device')\n",
        kept=4,
        verify=(10,),
    ),
    *(
        Case(
            f"unwritable-{name}",
            (1, 10),
            conftest="import pathlib\n\n@pytest.hookimpl(tryfirst=True)\n"
            "def pytest_sessionfinish(session):\n    if not hasattr(session.config, 'workerinput'):\n"
            "        folder = next(path.parent for path in pathlib.Path('reports').rglob('journal.jsonl'))\n"
            f"        folder.joinpath('{name}', 'x').mkdir(parents=True)\n",
            kept=4,
            verify=(10,),
            ways=BOTH if name == "summary.md" else (ALONE,),
        )
        for name in ("report.html", "pytest.html", "summary.md", "junit.xml", "ctrf.json")
    ),
    Case(
        "no-recording",
        ANY_BUT_GO,
        words=("-p", "no:readiness.plugin.recording"),
        verify=(12,),
        recorded=False,
        is_forked=False,
    ),
    Case(
        "no-deciding",
        ANY_BUT_GO,
        words=("-p", "no:readiness.plugin.deciding"),
        verify=(12,),
        recorded=False,
        is_forked=False,
    ),
    Case(
        "no-judging",
        ANY_BUT_GO,
        words=("-p", "no:readiness.plugin.judging"),
        verify=(12,),
        recorded=False,
        is_forked=False,
        ways=BOTH,
    ),
    Case("check-deleted", (4, 10), top="DELETE", verify=(12,), ways=BOTH),
    Case("check-deleted-path", (4, 10), top="DELETE", words=("checks/test_demo.py",), verify=(12,)),
    Case("empty-phase", (5, 10), phase="smoke", verify=(10,)),
    Case("mistyped-mark", (4,), words=("-m", "prefligth"), verify=(12,), recorded=False),
]
ROWS = [pytest.param(case, way, id=f"{case.name}{'-workers' if way else ''}") for case in CASES for way in case.ways]


@dataclass
class Project:
    """A tiny project in a folder of its own."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def make(self, case: Case) -> None:
        lines: list[dict[str, Any]] = [
            {"id": name, "ref": "1", "says": f"{name} holds", "phase": ["preflight"], "gate": "blocker"}
            | {"decided_by": {f"{'more' if case.more and name == 'delta' else 'demo'}.{name}": {}}}
            for name in LINES
        ]
        self.write("pytest.toml", SETTINGS)
        self.write("conftest.py", CONFTEST + case.conftest)
        self.write("environments/tiny.yaml", yaml.safe_dump(ENVIRONMENT))
        book = {"runbook": "tiny", "title": "Tiny", "lines": lines}
        self.write("environments/book.yaml", yaml.safe_dump(book, sort_keys=False))
        self.write("checks/test_demo.py", self.checks(case))
        if case.more:
            self.write("checks/test_more.py", case.more + TOP + CHECK.format(name="delta", body=HOLDS, marks=""))

    @staticmethod
    def checks(case: Case) -> str:
        words = {"SLOW", "DELETE"}
        text = TOP + (case.top if case.top not in words else "") + "\n"
        for name in LINES:
            if (case.more and name == "delta") or (case.top == "DELETE" and name == "beta"):
                continue
            is_beta = name == "beta"
            marks = f'\n@pytest.mark.usefixtures("{case.uses}")' if is_beta and case.uses else ""
            marks += "\n@pytest.mark.slow" if is_beta and case.top == "SLOW" else ""
            text += CHECK.format(name=name, body=case.beta if is_beta else HOLDS, marks=marks)
        return text

    def run(self, case: Case, way: tuple[str, ...]) -> warm.Ran:
        mark = () if "-m" in case.words else ("-m", case.phase)
        run = warm.run if case.is_forked else warm.run_cold
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GITHUB_"))}
        environment |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        words = ["--env", "tiny", *mark, *case.words, *way]
        return run("pytest", *words, folder=self.folder, variables=environment)

    def verify(self, case: Case) -> int:
        places = ["--reports", str(self.folder / "reports"), "--environments", str(self.folder / "environments")]
        return main(["verify", "tiny", case.phase, *places])

    def recorded(self, case: Case) -> RecordedRun:
        return read_run(find(self.folder / "reports", ["tiny", case.phase]))


@pytest.mark.parametrize(("case", "way"), ROWS)
def test_only_a_whole_good_run_is_go(
    case: Case, way: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path)
    project.make(case)
    ran = project.run(case, way)
    told = ran.stdout[-4000:] + ran.stderr[-4000:]
    if case.exits is not ANY_BUT_GO:
        assert ran.returncode in case.exits, told
    verified = project.verify(case)
    report = capsys.readouterr()
    assert verified in case.verify, report.out + report.err + told
    if not case.recorded:
        return
    run = project.recorded(case)
    assert run.plan, told
    assert len(run.results) >= (0 if way else case.kept), told
    if case.verify != (0,):
        assert not run.finish or run.finish.exit != 0, told


@pytest.mark.parametrize("signal", ["KILL", "exit"])
def test_a_run_that_died_names_the_check_it_died_in(
    signal: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "os._exit(0)" if signal == "exit" else "os.kill(os.getpid(), signal.SIGKILL)"
    case, project = Case("died", None, body, is_forked=False), Project(tmp_path)
    project.make(case)
    project.run(case, ALONE)
    assert project.verify(case) == 10
    told = capsys.readouterr().out
    assert "early: 1 of 4 results kept, it died in checks/test_demo.py::test_beta[beta]" in told


def test_the_newest_run_counts_not_the_best(tmp_path: Path) -> None:
    project, good = Project(tmp_path), Case("good", (0,))
    project.make(good)
    assert project.run(good, ALONE).returncode == 0
    assert project.verify(good) == 0
    died = Case("died", None, "os._exit(0)", is_forked=False)
    project.make(died)
    assert project.run(died, ALONE).returncode == 0
    assert project.verify(died) == 10


def test_a_plan_leaves_nothing(tmp_path: Path) -> None:
    project, case = Project(tmp_path), Case("plan", (0,), words=("--collect-only", "--html=kept.html"))
    project.make(case)
    last = '<!doctype html><title id="head-title">last</title> https://pypi.python.org/pypi/pytest-html'
    project.write("kept.html", last)
    assert project.run(case, ALONE).returncode == 0
    assert not (tmp_path / "reports").exists()
    assert (tmp_path / "kept.html").read_text(encoding="utf-8") == last
    with pytest.raises(BadRun, match="there is no run tiny preflight"):
        find(tmp_path / "reports", ["tiny", "preflight"])


def test_every_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    project, case = Project(tmp_path), Case("good", (0,))
    project.make(case)
    assert [project.run(case, ALONE).returncode for _ in range(2)] == [0, 0]
    runs = sorted(path.parent for path in (tmp_path / "reports").rglob("journal.jsonl"))
    assert len(runs) == 2
    for folder in runs:
        assert {path.name for path in folder.iterdir()} == {
            "ctrf.json",
            "journal.jsonl",
            "junit.xml",
            "pytest.html",
            "report.html",
            "summary.md",
        }
        assert all(json.loads(line)["record"] for line in (folder / "journal.jsonl").read_text("utf-8").splitlines())
