"""`readiness demo`: one launch on the sandbox, from preflight over the launch and the hourly look to the sign-off."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from readiness import shipped
from readiness.commands import add_reports
from readiness.evidence import run_folders
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.ledger import PAGE
from readiness.files.atomic_write import SHARED, write_whole
from readiness.outcomes import Outcome, Phase
from readiness.sandbox import PAPERS, Sandbox

HELP = "take the ingestion runbook through preflight, smoke, postlaunch and the sign-off on the sandbox"
WEEK = 7
"""Days after the launch on which ga is judged."""
REPORTS = Path("reports")
ENVIRONMENT = Path("environments") / "local.yaml"
"""The sandbox's environment, as a checkout has it."""
DRILL = ("drill", "kill-switch", "--env", "local")
BAD_EXIT = 1
"""Of a verdict such as NO-GO, PAGE or DEFERRED."""
EXPECTED = {Phase.PREFLIGHT: "GO", Phase.SMOKE: "GO", Phase.POSTLAUNCH: "OK", Phase.GA: "APPROVED"}


@dataclass(frozen=True)
class Ending:
    """How a phase ended."""

    phase: Phase
    folder: Path
    verdict: str
    is_bad: bool
    """Whether something failed; what only could not be seen, for want of a tool, is not bad."""
    lacking: Mapping[str, Sequence[str]]
    """Tool → the lines that are unknown for want of it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="plant a fault first (repeatable)")
    parser.add_argument(
        "--expect-go", action="store_true", help=f"exit 1 unless it ends {', '.join(EXPECTED.values())}: for CI"
    )
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Run the phases; return 0 where each came to a verdict and none failed, else 1."""
    reports = [] if options.reports == REPORTS else [f"--reports={options.reports}"]
    _write_environment()

    # As in staging, days before the launch: the drill starts a launched sandbox of its own.
    _call("readiness", *DRILL, *reports)

    endings: list[Ending] = []
    with Sandbox.start(papers=options.reports / ENVIRONMENT.stem / PAPERS) as sandbox:
        for fault in options.fault:
            sandbox.keep(fault)
        for phase in Phase:
            _prepare(sandbox, phase)
            _call("pytest", "-m", phase, "--env", "local", *reports, **sandbox.variables)
            endings.append(_ending(options.reports, phase, sandbox.variables))
        absent = _absent(sandbox.variables)

    print("\n" + "\n".join(summary(endings, absent, options.reports)))

    return exit_of(endings, expect_go=options.expect_go)


def exit_of(endings: Sequence[Ending], *, expect_go: bool) -> int:
    """Return 0 where each phase came to a verdict and none failed; in CI where each came to the expected one."""
    if expect_go:
        return 0 if {ending.phase: ending.verdict for ending in endings} == EXPECTED else 1
    return 0 if all(ending.verdict and not ending.is_bad for ending in endings) else 1


def _write_environment() -> None:
    """Write the sandbox's environment where there is none, so that each command of the demo can be given again."""
    if ENVIRONMENT.exists():
        return
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    write_whole(ENVIRONMENT, (shipped.environments() / ENVIRONMENT.name).read_text(encoding="utf-8"), SHARED)
    print(f"wrote {ENVIRONMENT}: the sandbox, described as a real target would be\n", flush=True)


def _prepare(sandbox: Sandbox, phase: Phase) -> None:
    """Bring the sandbox to where it stands in a phase."""
    if phase is Phase.SMOKE:
        print("\n-- launch: INGESTION_ENABLED becomes true --\n", flush=True)
        sandbox.launch()
    if phase is Phase.GA:
        print("\n-- a week passes: the launch was seven days ago --\n", flush=True)
        sandbox.age(WEEK)


def summary(endings: Sequence[Ending], absent: Mapping[str, str], reports: Path) -> Iterator[str]:
    """Yield a line for each phase, the lines of the runbook that lack a tool, and what brings it."""
    for ending in endings:
        yield f"{ending.phase:<11} {ending.verdict:<11} {ending.folder / 'report.html'}"
        for tool, lines in ending.lacking.items():
            yield f"{'':<11} unknown for want of {tool}: {', '.join(lines)}"
    yield f"{'sign-off':<23} {reports / 'local' / PAGE}"
    # One tool can keep several servers from starting.
    for reason in dict.fromkeys(absent.values()):
        yield f"{'missing':<11} {reason}"


def _call(*words: str, **variables: str) -> None:
    """Print a command and run it; what it comes to is in its evidence."""
    print(f"$ {' '.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", *words], env={**os.environ, **variables}, check=False)  # noqa: S603  our own words


def _ending(reports: Path, phase: Phase, variables: Mapping[str, str]) -> Ending:
    """Return how the phase's newest run ended. Raises BadRun."""
    recorded = read_run(run_folders.find(reports, ["local", phase]))
    finish = recorded.finish
    verdict = str(finish.verdict) if finish else ""
    is_bad = bool(finish and finish.exit == BAD_EXIT)
    return Ending(phase, recorded.folder, verdict, is_bad, _lacking(recorded, variables))


def _lacking(recorded: RecordedRun, variables: Mapping[str, str]) -> dict[str, list[str]]:
    """Return by tool the lines that are unknown for want of it: the reason has its server's address or absence."""
    lacking: dict[str, list[str]] = {}
    for tool, reason in _absent(variables).items():
        signs = (reason, variables[f"SANDBOX_{tool.upper()}_URL"])
        lines = [
            result.line.rpartition("/")[2]
            for result in recorded.results
            if result.outcome is Outcome.UNKNOWN and any(sign in result.reason for sign in signs)
        ]
        if lines:
            lacking[tool] = list(dict.fromkeys(lines))
    return lacking


def _absent(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the servers that the sandbox does without: name → reason."""
    absent: dict[str, str] = json.loads(variables.get("SANDBOX_ABSENT", "{}"))
    return absent
