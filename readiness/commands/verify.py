"""`readiness verify`: judge a run again from its journal alone, offline. The gate of a pipeline."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from readiness.errors import BadRun
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.judged import contradictions, expected_of, verdict_of
from readiness.verdict import Verdict

HELP = "judge a run again from its journal: exit 0 only for GO, OK or APPROVED"
ALTERED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    parser.add_argument("run", metavar="RUN", help="a run's folder, or an environment: then its newest run of PHASE")
    parser.add_argument("phase", metavar="PHASE", nargs="?", help="preflight, smoke, postlaunch or ga")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="where runs are (default: reports)")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(options: argparse.Namespace) -> int:
    """Print what the journal gives; the exit code is the recomputed verdict's."""
    folder = _folder(options)
    recorded = read_run(folder)
    verdict, faults = verdict_of(recorded), list(contradictions(recorded))
    if options.json:
        print(json.dumps(_facts(recorded, verdict, faults), ensure_ascii=False, indent=2))
    else:
        _tell(recorded, verdict, faults)
    recorded_exit = recorded.finish["exit"] if recorded.finish else verdict.exit
    if faults:
        return ALTERED
    return verdict.exit or int(recorded_exit)


def _folder(options: argparse.Namespace) -> Path:
    folder = Path(options.run)
    if options.phase is None and folder.is_dir():
        return folder
    if options.phase is None:
        raise BadRun(
            f"{folder} is no folder; name a run's folder, or an environment and a phase: verify prod preflight"
        )
    latest = options.reports / options.run / f"latest-{options.phase}"
    try:
        return Path(options.reports / options.run / latest.read_text(encoding="utf-8").strip())
    except OSError:
        raise BadRun(f"{latest}: no run of {options.phase} is recorded for {options.run}") from None


def _tell(recorded: RecordedRun, verdict: Verdict, faults: list[str]) -> None:
    start = recorded.start
    print(f"run       {recorded.folder.name} of {start['env']}, {start['phase']} as of {start['as_of']}")
    print(f"target    {start['target']['url']}, revision {start['target']['revision']}")
    demanded = len(expected_of(recorded))
    print(f"results   {len(recorded.results)} of {demanded} decisions, {len(recorded.requests)} requests, chain intact")
    if recorded.finish is None:
        last = recorded.cases[-1] if recorded.cases else "before its first item"
        print(f"ended     early: there is no end in the journal; it died in {last}")
    if recorded.torn:
        print("torn      the last line was cut off while it was written")
    if verdict.missing:
        print(f"missing   {', '.join(dict.fromkeys(line for line, _, _ in verdict.missing))}")
    for fault in faults:
        print(f"REFUTED   {fault}")
    stated = recorded.finish["verdict"] if recorded.finish else "none"
    print(f"recorded  {stated}")
    print("altered   the journal contradicts itself" if faults else f"verdict   {verdict.word}: {verdict.action}")


def _facts(recorded: RecordedRun, verdict: Verdict, faults: list[str]) -> dict[str, Any]:
    return {
        "run": recorded.folder.name,
        "env": recorded.start["env"],
        "phase": recorded.start["phase"],
        "ended": recorded.finish is not None,
        "verdict": str(verdict.word),
        "exit": ALTERED if faults else verdict.exit,
        "recorded": recorded.finish["verdict"] if recorded.finish else None,
        "missing": [list(key) for key in verdict.missing],
        "contradictions": faults,
        "counts": verdict.counts,
    }
