"""`readiness verify`: judge a run again from its journal alone, offline. The gate of a pipeline."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from readiness import durable
from readiness.errors import BadInput, BadRun
from readiness.evidence import folders
from readiness.evidence.before import as_before, held_in
from readiness.evidence.exports import junit, markdown
from readiness.evidence.journal import FILE, RecordedRun, read_run
from readiness.evidence.judged import Judged, judge
from readiness.timeline import parse_span
from readiness.verdict import INCOMPLETE_EXIT

HELP = "judge a run again from its journal: exit 0 only for GO, OK or APPROVED"
ALTERED = 1
NAMED_AT_MOST = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    parser.add_argument("run", nargs="+", metavar="RUN", help="a run's folder; or an environment and a phase: prod ga")
    parser.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR", help="default: reports")
    parser.add_argument("--newer-than", metavar="SPAN", help="refuse a run that began earlier than that: 30m, 24h")
    parser.add_argument("--render", action="store_true", help="write summary.md and junit.xml anew from the journal")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(options: argparse.Namespace) -> int:
    """Print what the journal is worth; the exit code is that of the verdict as it was recomputed."""
    try:
        recorded = read_run(folders.find(options.reports, _two_at_most(options.run)))
    except BadRun as error:
        return _untrusted(str(error).splitlines(), options)
    judged = judge(recorded)
    faults = [*judged.refuted, *_stands_on_another(recorded), *_too_old(recorded, options.newer_than)]
    code = ALTERED if faults else judged.verdict.exit
    if options.render:
        durable.write_whole(recorded.folder / "summary.md", markdown(recorded))
        durable.write_whole(recorded.folder / "junit.xml", junit(recorded))
    if options.json:
        print(json.dumps(_facts(recorded, judged, faults, code), indent=2))
    else:
        _tell(recorded, judged, faults)
    return code


def _two_at_most(words: list[str]) -> list[str]:
    if len(words) > 2:  # noqa: PLR2004  environment and phase
        raise BadInput([f"name one run, or an environment and a phase, not {' '.join(words)}"])
    return words


def _untrusted(problems: list[str], options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps({"run": options.run, "trusted": False, "problems": problems, "exit": ALTERED}, indent=2))
    else:
        print("not evidence: the journal cannot be trusted")
        for problem in problems[:NAMED_AT_MOST]:
            print(f"  {problem}")
    return ALTERED


def _stands_on_another(recorded: RecordedRun) -> list[str]:
    """Hold what a run says of the one before it against that one's journal, where it still lies beside it."""
    before = recorded.start.before
    folder = recorded.folder.parent / before.run if before else None
    if before is None or folder is None or not (folder / FILE).is_file():
        return []
    try:
        found = as_before(read_run(folder), recorded.start.started_at)
    except BadRun:
        found = None
    if found == before:
        return []
    return [f"it says that it stands on {before.run}, and that run's journal says otherwise"]


def _too_old(recorded: RecordedRun, span: str | None) -> list[str]:
    if span is None:
        return []
    try:
        oldest = datetime.now(UTC) - parse_span(span)
    except ValueError as error:
        raise BadInput([f"--newer-than: {error}"]) from None
    began = recorded.start.started_at
    return [f"the run began {began:%Y-%m-%d %H:%M:%S}Z, longer than {span} ago"] if began < oldest else []


def _tell(recorded: RecordedRun, judged: Judged, faults: list[str]) -> None:
    start, verdict = recorded.start, judged.verdict
    print(f"run       {start.run}: {start.phase} of {start.env}, as of {start.as_of:%Y-%m-%d %H:%M:%S}Z")
    print(f"target    {start.target.url}, revision {start.target.revision or 'not stated'}")
    print(f"journal   {recorded.records} records, chain intact, head {recorded.head[:16]}")
    print(f"results   {judged.decided} of {judged.demanded} due decisions, {len(recorded.requests)} requests")
    for sentence in _endings(recorded, judged):
        print(f"ended     {sentence}")
    for fault in faults[:NAMED_AT_MOST]:
        print(f"REFUTED   {fault}")
    if len(faults) > NAMED_AT_MOST:
        print(f"REFUTED   and {len(faults) - NAMED_AT_MOST} more (see --json)")
    if start.before:
        print(f"before    {start.before.run}: {start.before.verdict}")
    for key, told in held_in(recorded):
        print(f"stands    {_name(key)}: {told}")
    held = list(dict.fromkeys(_name(key) for key in verdict.holding))
    if held and not faults:
        more = f" and {len(held) - NAMED_AT_MOST} more" if len(held) > NAMED_AT_MOST else ""
        print(f"held by   {', '.join(held[:NAMED_AT_MOST])}{more}")
    if faults:
        print("verdict   none: the journal contradicts itself")
    else:
        print(f"verdict   {verdict.word}: {verdict.action}")


def _endings(recorded: RecordedRun, judged: Judged) -> list[str]:
    """Say how the run ended, where it did not end as it should."""
    found = []
    if recorded.finish is None:
        where = recorded.died_in or ("after its last item" if recorded.cases else "before its first item")
        died = f"it died in {where}" if recorded.died_in else f"it died {where}"
        found.append(f"early: {judged.decided} of {judged.demanded} results kept, {died}")
    if recorded.torn:
        found.append("while it wrote: the last line is cut off")
    if recorded.finish and not recorded.finish.ended:
        found += [f"not whole: {why}" for why in recorded.finish.withdrawn or ("it was interrupted",)]
    return found


def _name(key: tuple[str, str, str | None]) -> str:
    line, _, subject = key
    return f"{line}:{subject}" if subject else line


def _facts(recorded: RecordedRun, judged: Judged, faults: list[str], code: int) -> dict[str, Any]:
    finish = recorded.finish
    return {
        "run": recorded.start.run,
        "env": recorded.start.env,
        "phase": str(recorded.start.phase),
        "as_of": recorded.start.as_of.isoformat(),
        "started_at": recorded.start.started_at.isoformat(),
        "trusted": not faults,
        "verdict": None if faults else str(judged.verdict.word),
        "exit": code,
        "recorded": str(finish.verdict) if finish else None,
        "ended": bool(finish and finish.ended),
        "endings": _endings(recorded, judged),
        "problems": faults,
        "decided": judged.decided,
        "demanded": judged.demanded,
        "missing": [_name(one.key) for one in judged.missing],
        "holding": [_name(key) for key in judged.verdict.holding],
        "counts": judged.verdict.counts,
        "head": recorded.head,
        "incomplete": code == INCOMPLETE_EXIT,
    }
