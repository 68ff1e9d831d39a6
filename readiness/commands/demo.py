"""`readiness demo`: one launch on the sandbox, from preflight over the launch and the hourly look to the sign-off."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from readiness.commands import add_reports
from readiness.evidence import run_folders
from readiness.evidence.journal import read_run
from readiness.evidence.ledger import PAGE
from readiness.outcomes import Phase
from readiness.sandbox import Sandbox

HELP = "take the ingestion runbook through preflight, smoke, postlaunch and the sign-off on the sandbox"
A_WEEK_LATER = {Phase.GA: ["--as-of", "T+7d"]}
REPORTS = Path("reports")
DRILL = ("drill", "kill-switch", "--env", "local")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="plant a fault first (repeatable)")
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Run the phases; the exit code is 0 when each gave a verdict, whatever it was."""
    verdicts, reports = {}, [] if options.reports == REPORTS else [f"--reports={options.reports}"]
    _call("readiness", *DRILL, *reports)  # as in staging, days before: it starts a launched sandbox of its own
    with Sandbox.start() as sandbox:
        for fault in options.fault:
            sandbox.keep(fault)
        for phase in Phase:
            if phase is Phase.SMOKE:
                print("\n-- launch: INGESTION_ENABLED becomes true --\n", flush=True)
                sandbox.launch()
            words = ("-m", phase, "--env", "local", *A_WEEK_LATER.get(phase, []), *reports)
            _call("pytest", *words, **sandbox.variables)
            verdicts[phase] = _finish(options.reports, phase)
    print()
    for phase, (folder, verdict) in verdicts.items():
        print(f"{phase:<11} {verdict:<11} {folder / 'report.html'}")
    print(f"{'sign-off':<23} {options.reports / 'local' / PAGE}")
    return 0 if all(verdict for _, verdict in verdicts.values()) else 1


def _call(*words: str, **variables: str) -> None:
    """Show a command, and run it."""
    print(f"$ {' '.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", *words], env={**os.environ, **variables}, check=False)  # noqa: S603  our own words


def _finish(reports: Path, phase: Phase) -> tuple[Path, str]:
    """Find the folder of the phase's newest run, and its verdict. Raises BadRun."""
    recorded = read_run(run_folders.find(reports, ["local", phase]))
    return recorded.folder, str(recorded.finish.verdict) if recorded.finish else ""
