"""The break matrix of the gate: every way to not start, to end early, to end twice, with or without an older GO.

A row is a way, and the exit code that the gate must have. It is 0 for nothing but a whole good run of the gate's own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from readiness.__main__ import main
from readiness.commands import gate
from readiness.evidence import ledger
from readiness.plugin.gate_options import refusals
from tests import warm
from tests.plugin.project import Project as Demo
from tests.plugin.project import line
from tests.whole_runs.test_run_endings import ALONE, FAILS, HOLDS, ROOT, Case, Project

GOOD, BAD, INCOMPLETE, USAGE = 0, 1, 10, 4
IN_UNCONFIGURE = "\n\ndef pytest_unconfigure():\n    import os, pathlib, signal, shutil\n    {}\n"
AGAIN = """
import os, subprocess, sys
if "AGAIN" not in os.environ:
    words = [sys.executable, "-m", "pytest", "-m", "preflight", "--env", "tiny", "--reports=reports"]
    subprocess.run(words, env={**os.environ, "AGAIN": "yes"})
"""
BROKEN_KEY = {"READINESS_SIGNING_KEY": "-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----"}


OWN_TEST = """

@pytest.mark.preflight
def test_own():
    {}
"""
UNSEEN = 'raise Unknown("it answered 403", "give the probe a role")'
COUNTS_A_FAILURE = """

@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session):
    result = yield
    session.testsfailed += 1  # as pytest-cov does under --cov-fail-under
    return result
"""
ENDS_IT_GREEN = """

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    session.exitstatus = 0
"""


@dataclass(frozen=True)
class Way:
    """One way for the gate to go."""

    name: str
    exit: int
    beta: str = HOLDS
    """The body of the second of four checks."""
    top: str = ""
    conftest: str = ""
    words: tuple[str, ...] = ()
    environment: str = ""
    """Lines that are added to the environment file."""
    without: str = ""
    """A file that is not there."""
    variables: Mapping[str, str] = field(default_factory=dict)
    phase: str = "preflight"
    env: str = "tiny"


WAYS = [
    Way("good", GOOD),
    Way("good-verbose", GOOD, words=("-vv", "--tb=short", "--color", "no", "-p", "no:html")),
    # Not started.
    Way("unknown-environment", USAGE, env="tinny"),
    Way("unknown-phase", USAGE, phase="preflihgt"),
    Way("empty-phase-name", USAGE, phase=""),
    Way("bad-yaml", USAGE, environment="  - : ["),
    Way("unknown-key", USAGE, environment="tagret: {}"),
    Way("missing-variable", USAGE, environment="sentry: {url: 'https://127.0.0.1', token: '${NOBODY_SET_THIS}'}"),
    Way("runbook-missing", USAGE, without="environments/book.yaml"),
    Way("signing-key-broken", USAGE, variables=BROKEN_KEY),
    Way("conftest-breaks", USAGE, conftest="import nothing_of_that_name\n"),
    Way("conftest-exits-0", INCOMPLETE, conftest="import os\nos._exit(0)\n"),
    Way("conftest-killed", INCOMPLETE, conftest="import os\nos.kill(os.getpid(), 9)\n"),
    Way("plugin-off-in-settings", USAGE, words=("-p", "no:readiness.plugin")),
    Way("plugins-not-loaded", USAGE, variables={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
    Way("added-option", USAGE, variables={"PYTEST_ADDOPTS": "-k alpha"}),
    Way("added-options-torn", USAGE, variables={"PYTEST_ADDOPTS": "'"}),
    Way("head-empty", USAGE, words=("--head", "")),
    Way("head-short", USAGE, words=("--head", "abc")),
    Way("head-unknown", INCOMPLETE, words=("--head", "0123456789abcdef")),
    Way("head-unknown-first-run", GOOD, words=("--head", "0123456789abcdef", "--first-run")),
    Way("not-signed", INCOMPLETE, words=("--require-signed",)),
    Way("not-signed-and-demanded", INCOMPLETE, environment="evidence: {signed: true}"),
    Way("not-signed-and-not-demanded", GOOD, environment="evidence: {signed: false}"),
    # Ended early.
    Way("configure-exits-0", INCOMPLETE, conftest="\n\ndef pytest_sessionstart():\n    import os\n    os._exit(0)\n"),
    Way("import-exits-0", INCOMPLETE, top="os._exit(0)"),
    Way("import-error", INCOMPLETE, top="import nothing_of_that_name"),
    Way("module-skipped", INCOMPLETE, top='pytest.skip("not today", allow_module_level=True)'),
    Way("check-exits-0", INCOMPLETE, "os._exit(0)"),
    Way("check-killed", INCOMPLETE, "os.kill(os.getpid(), signal.SIGKILL)"),
    Way("check-terminated", INCOMPLETE, "os.kill(os.getpid(), signal.SIGTERM); time.sleep(20)"),
    Way("check-interrupted", INCOMPLETE, "os.kill(os.getpid(), signal.SIGINT); time.sleep(20)"),
    Way("pytest-exit-0", INCOMPLETE, 'pytest.exit("enough", returncode=0)'),
    Way("skipped", INCOMPLETE, 'measure(1, "f").below(2); pytest.skip("not today")'),
    Way("unknown", INCOMPLETE, UNSEEN),
    Way("fails", BAD, FAILS),
    Way("fails-and-stops", BAD, FAILS, words=("-x",)),
    Way("nothing-selected", INCOMPLETE, conftest="\n\ndef pytest_collection_modifyitems(items):\n    items[:] = []\n"),
    Way(
        "finish-exits-0",
        INCOMPLETE,
        conftest="\n\n@pytest.hookimpl(tryfirst=True)\ndef pytest_sessionfinish():\n    import os\n    os._exit(0)\n",
    ),
    Way(
        "reporter-breaks",
        INCOMPLETE,
        conftest="\n\ndef pytest_sessionfinish():\n    raise OSError(28, 'No space left on device')\n",
    ),
    Way("status-set-to-0", BAD, FAILS, conftest=IN_UNCONFIGURE.format("os._exit(0)")),
    # Red beside the lines: whatever else was tested in the same run counts too.
    Way("own-test-fails", BAD, top=OWN_TEST.format("assert 1 == 2")),
    Way("own-test-passes", GOOD, top=OWN_TEST.format("assert 1 == 1")),
    Way("own-test-errors", BAD, top=OWN_TEST.format("pass").replace("test_own()", "test_own(breaks_first)")),
    Way("own-test-cannot-clean-up", BAD, top=OWN_TEST.format("pass").replace("test_own()", "test_own(breaks_last)")),
    Way("own-test-fails-beside-unknown", INCOMPLETE, UNSEEN, top=OWN_TEST.format("assert 1 == 2")),
    Way("own-test-fails-and-line-fails", BAD, FAILS, top=OWN_TEST.format("assert 1 == 2")),
    Way("plugin-counts-a-failure", BAD, conftest=COUNTS_A_FAILURE),
    Way("plugin-ends-it-green", BAD, FAILS, conftest=ENDS_IT_GREEN),
    Way("own-test-fails-and-plugin-ends-it-green", BAD, top=OWN_TEST.format("assert 1 == 2"), conftest=ENDS_IT_GREEN),
    Way("status-set-to-7", INCOMPLETE, conftest=IN_UNCONFIGURE.format("os._exit(7)")),
    Way("status-set-to-1", BAD, conftest=IN_UNCONFIGURE.format("os._exit(1)")),
    Way("killed-after-its-seal", GOOD, conftest=IN_UNCONFIGURE.format("os.kill(os.getpid(), signal.SIGKILL)")),
    # Ended twice, or not as itself.
    Way("goes-on-twice", INCOMPLETE, "os.fork()"),
    Way("two-runs-of-one-id", INCOMPLETE, conftest=AGAIN),
    Way(
        "journal-goes-on",
        INCOMPLETE,
        conftest=IN_UNCONFIGURE.format(
            "[path.open('a').write('{}\\n') for path in pathlib.Path('reports').rglob('journal.jsonl')]"
        ),
    ),
    Way("folder-gone", INCOMPLETE, conftest=IN_UNCONFIGURE.format("shutil.rmtree(sorted(HERE().glob('2*'))[-1])")),
    Way("ledger-gone", INCOMPLETE, conftest=IN_UNCONFIGURE.format("(HERE() / 'ledger.jsonl').unlink()")),
    Way(
        "seal-cut",
        INCOMPLETE,
        conftest=IN_UNCONFIGURE.format(
            "kept = HERE() / 'ledger.jsonl'; kept.write_bytes(b''.join(kept.read_bytes().splitlines(True)[:-1]))"
        ),
    ),
]
HERE = "\n\ndef HERE():\n    import pathlib\n    return pathlib.Path('reports/tiny')\n"


def forked(words: Sequence[str], variables: Mapping[str, str], root: Path) -> int:
    """Run pytest as the gate does, in a fork of a warm interpreter."""
    return warm.run("pytest", *words, folder=root, variables=variables).returncode


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the reports of a run that was GO."""
    project = Project(tmp_path_factory.mktemp("older"))
    project.make(Case("good", (0,)))
    assert project.run(Case("good", (0,)), ALONE).returncode == 0
    return project.folder / "reports"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder that commands are given in."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("PYTEST_", "GITHUB_", "READINESS_SIGNING"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(gate, "run_pytest", forked)
    return tmp_path


def made(folder: Path, way: Way) -> Project:
    project = Project(folder)
    project.make(Case(way.name, None, way.beta, top=way.top, conftest=HERE + way.conftest))
    environment = folder / "environments/tiny.yaml"
    environment.write_text(f"{environment.read_text('utf-8')}{way.environment}\n", "utf-8")
    if way.without:
        (folder / way.without).unlink()
    return project


@pytest.mark.parametrize("has_older", [False, True], ids=["", "older-go"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_only_a_whole_good_run_of_its_own_is_0(
    way: Way,
    has_older: bool,
    older: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made(folder, way)
    if has_older:
        shutil.copytree(older, folder / "reports")
    for name, value in way.variables.items():
        monkeypatch.setenv(name, value)
    code = main(["gate", way.phase, "--env", way.env, *way.words])
    report = capsys.readouterr()
    assert code == way.exit, report.out + report.err
    assert "Traceback" not in report.out + report.err


def test_the_last_line_says_which_run_it_was(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(folder, Way("good", GOOD))
    assert main(["gate", "preflight", "--env", "tiny"]) == 0
    (run,) = (folder / "reports/tiny").glob("2*-preflight")
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"gate      GO (0): run {run.name} of tiny, target http://127.0.0.1:9, files {run}")
    head = ledger.read(folder / "reports/tiny/ledger.jsonl", {}).head
    assert last.endswith(f"ledger head {head[:16]}")
    assert main(["gate", "preflight", "--env", "tiny", "--head", head]) == 0


@pytest.mark.parametrize("more", [(), ("-n2",)], ids=["alone", "workers"])
def test_what_fails_beside_the_lines_is_told_with_the_verdict(
    more: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(folder, Way("beside", BAD))
    (folder / "elsewhere").mkdir()
    own = f"import pytest\n{OWN_TEST.format('assert 1 == 2')}"
    (folder / "elsewhere/test_elsewhere.py").write_text(own, "utf-8")
    words = ("-m", "preflight", "--env", "tiny", "checks", "elsewhere", *more)
    run = warm.run_cold if more else warm.run
    ran = run("pytest", *words, folder=folder, variables=dict(os.environ))
    assert ran.returncode == BAD, ran.stdout
    assert "BESIDE   elsewhere/test_elsewhere.py::test_own failed, and decides no line" in ran.stdout
    assert "GO  preflight of tiny: well by its lines, and red beside them" in ran.stdout
    assert "go on" not in ran.stdout

    assert main(["verify", "tiny", "preflight"]) == BAD
    report = capsys.readouterr().out
    assert "go on" not in report
    assert "beside    red beside the verdict, deciding no line: elsewhere/test_elsewhere.py::test_own" in report
    (summary,) = folder.rglob("summary.md")
    assert "failed beside the lines" in summary.read_text("utf-8")
    assert "go on" not in summary.read_text("utf-8")
    (page,) = folder.rglob("report.html")
    assert "failed beside the lines, and decides none: elsewhere/test_elsewhere.py::test_own" in page.read_text("utf-8")
    assert "go on" not in page.read_text("utf-8")


def test_from_a_folder_below_it_is_the_same_project(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made(folder, Way("good", GOOD))
    monkeypatch.chdir(folder / "checks")
    assert main(["gate", "preflight", "--env", "tiny"]) == 0
    assert f"files {folder}/reports/tiny/2" in capsys.readouterr().out


PHASES = [
    ("postlaunch", 0.1, (), GOOD, "OK"),
    ("postlaunch", 0.9, (), BAD, "ALERT"),
    ("postlaunch", 0.9, ("--head", "0123456789abcdef"), BAD, "ALERT"),
    ("postlaunch", 0.1, ("--head", "0123456789abcdef"), INCOMPLETE, "history not here: there is no ledger"),
    ("ga", 0.9, (), BAD, "DEFERRED"),
    ("smoke", 0.1, (), INCOMPLETE, "INCOMPLETE"),
]


@pytest.mark.parametrize(("phase", "figure", "words", "code", "says"), PHASES)
def test_each_phase_has_its_word(
    phase: str,
    figure: float,
    words: tuple[str, ...],
    code: int,
    says: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = Demo(folder)
    project.environment(launch_at="2020-01-01T00:00:00Z")
    project.runbook(line("rate", {"demo.figure": {"share_below": 0.7}}, phase=["postlaunch", "ga"]))
    project.write("figure.txt", str(figure))
    checks = (folder / "checks/test_demo.py").read_text("utf-8")
    project.write(
        "checks/test_demo.py", checks.replace("@pytest.mark.postlaunch\n", "@pytest.mark.postlaunch\n@pytest.mark.ga\n")
    )
    assert main(["gate", phase, "--env", "tiny", *words]) == code
    assert says in capsys.readouterr().out


def test_two_gates_at_once_accept_their_own(folder: Path) -> None:
    made(folder, Way("good", GOOD))
    command = [sys.executable, "-m", "readiness", "gate", "preflight", "--env", "tiny"]
    gates = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    last = [one.communicate(timeout=60)[0].splitlines()[-1] for one in gates]
    assert [one.returncode for one in gates] == [GOOD, GOOD], last
    assert len({said.partition("run ")[2].partition(" of")[0] for said in last}) == 2


@pytest.mark.parametrize(
    ("number", "signalled"), [(signal.SIGINT, "gate"), (signal.SIGTERM, "gate"), (signal.SIGINT, "group")]
)
def test_what_stops_the_gate_reaches_the_run_and_its_evidence_is_judged(
    number: signal.Signals, signalled: str, folder: Path
) -> None:
    made(
        folder, Way("slow", INCOMPLETE, "pathlib = __import__('pathlib'); pathlib.Path('here').touch(); time.sleep(30)")
    )
    command = [sys.executable, "-m", "readiness", "gate", "preflight", "--env", "tiny"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (folder / "here").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    if signalled == "group":  # as a terminal does it
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == INCOMPLETE, out
    assert "gate      INCOMPLETE (10): run 2" in out or "gate      none" in out, out
    (run,) = (folder / "reports/tiny").glob("2*-preflight")
    assert '"record":"finish"' in (run / "journal.jsonl").read_text("utf-8")


def test_a_true_process_that_dies_with_0(folder: Path) -> None:
    made(folder, Way("dies", INCOMPLETE, "os._exit(0)"))
    ran = warm.run_cold("readiness", "gate", "preflight", "--env", "tiny", folder=folder)
    assert ran.returncode == INCOMPLETE, ran.stdout + ran.stderr


REFUSED = [
    *("-k alpha", "-kalpha", "--lf", "--last-failed", "--ff", "--nf", "--sw", "--deselect=x", "--deselect x"),
    *("--ignore=checks", "--ignore-glob=*", "--collect-only", "--co", "-m smoke", "-msmoke", "-s"),
    *("-p no:readiness.plugin", "-pno:readiness.plugin.judging", "-p", "-p no:python", "-p no:terminal"),
    *("-p no:terminalreporter", "-p no:readiness-once-each"),
    *("--fixtures", "--markers", "--setup-plan", "--setup-only", "--debug", "--debug=x", "-c x.ini", "--rootdir=/"),
    *("--rootdir /", "-o addopts=-k", "--override-ini=x", "-W ignore", "--pyargs", "--noconftest", "--confcutdir=x"),
    *("--as-of=T-1h", "--as-of T-1h", "--replay=x", "checks", "checks/test_demo.py::test_alpha", "--", "--tx=popen"),
    *("--capture=no", "--pdb", "--trace", "--version", "-f", "--tb", "--tb=", "-n", "--import-mode=append", "-h5"),
]
ACCEPTED = [
    *("-v", "-vv", "-q", "-x", "-n 2", "-n2", "-n auto", "--tb=short", "--tb short", "--color=no", "-rA"),
    *("--junitxml=out.xml", "--junit-xml out.xml", "--html=page.html", "-p no:html", "-p mine", "--allow write"),
    *("--maxfail=1", "--durations=5", "--dist load", "--max-worker-restart=0", "--metadata a b", "-xvn4"),
]


@pytest.mark.parametrize("words", REFUSED)
def test_what_narrows_or_goes_round_the_nets_is_refused_by_name(words: str) -> None:
    (first, *_) = refusals(words.split(), {})
    assert first.startswith(words[:2]), first
    (first, *_) = refusals([], {"PYTEST_ADDOPTS": words})
    assert first.startswith("PYTEST_ADDOPTS: ")


@pytest.mark.parametrize("words", ACCEPTED)
def test_what_is_harmless_is_let_through(words: str) -> None:
    assert refusals(words.split(), {"PYTEST_ADDOPTS": words}) == []
