"""`readiness next`: what falls due and what expires next, who owns it, and what turns the verdict into a good one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from readiness import timeline
from readiness.commands import add_env, add_environments, add_reports
from readiness.errors import BadInput, BadRun
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.previous_run import candidates
from readiness.evidence.rejudge import Judged, judge
from readiness.outcomes import Phase
from readiness.redaction.redactor import REDACTOR
from readiness.rendering import expiring
from readiness.rendering.actions import Action, actions, owner_of
from readiness.runbook import attestations, editing, waivers
from readiness.runbook.attestations import Attestation, Attestations
from readiness.runbook.lines import Runbook
from readiness.timeline import Event

HELP = "show what is due next, who owns it, and the actions that turn the newest verdicts into GO"
NAMED_AT_MOST = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    add_env(parser)
    parser.add_argument("--as-of", metavar="TIME", help="as it will stand then: T-1h, or 2026-12-01T08:00:00Z")
    parser.add_argument("--first", type=int, default=10, metavar="N", help="so many moments ahead (default: 10)")
    parser.add_argument("--json", action="store_true", help="for machines")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Print it; 0, because it decides nothing."""
    runbooks, stated = editing.runbooks_of(options.env, options.environments)
    runs = dict(_newest(options.reports, options.env))
    launch = _launch(stated.get("launch_at"), runs)
    try:
        moment = timeline.parse_as_of(options.as_of, launch) if options.as_of else datetime.now(UTC)
    except ValueError as error:
        raise BadInput([f"--as-of: {error}"]) from None
    owners = {str(key): str(value) for key, value in (stated.get("owners") or {}).items()}
    dated = timeline.events(launch, _due(runbooks, owners), _expiring(options, runbooks, stated, runs))
    judged = {phase: judge(run) for phase, run in runs.items()}
    todo = {phase: actions(run, judged[phase], owners) for phase, run in runs.items()}
    if options.json:
        print(json.dumps(_facts(dated, moment, runs, judged, todo), indent=2))
        return 0
    text = "\n".join([*_told(dated, moment, options.first), *_to_do(options.env, runs, judged, todo)])
    print(REDACTOR.text(text))
    return 0


def _newest(reports: Path, environment: str) -> Iterator[tuple[Phase, RecordedRun]]:
    for phase in Phase:
        for folder in candidates(reports, environment, phase):
            try:
                yield phase, read_run(folder)
            except BadRun:
                continue
            break


def _launch(stated: object, runs: Mapping[Phase, RecordedRun]) -> datetime | None:
    """Read when the launch is; where a variable says it, as the newest run knew it."""
    try:
        return timeline.parse_instant(str(stated))
    except ValueError:
        known = sorted(runs.values(), key=lambda run: run.start.started_at)
        return known[-1].start.launch_at if known else None


def _due(runbooks: list[Runbook], owners: Mapping[str, str]) -> Iterator[tuple[str, str | None, str]]:
    for item in (item for book in runbooks for item in book.items()):
        yield item.name, item.line.due, owner_of(item.key, owners)


def _expiring(
    options: argparse.Namespace, runbooks: list[Runbook], stated: Mapping[str, Any], runs: Mapping[Phase, RecordedRun]
) -> Iterator[Event]:
    place = stated.get("attestations")
    if place and "${" in str(place):
        recorded = {name: one for run in runs.values() for name, one in run.start.attestations.items()}
        attested: Mapping[str, Attestation] = Attestations.model_validate({"attestations": recorded}).attestations
    else:
        path = attestations.path_of(options.env, options.environments, Path(str(place)) if place else None)
        attested = attestations.load(path, runbooks, {}).attestations
    waived = waivers.load(options.environments / f"{options.env}{waivers.SUFFIX}", runbooks, {}).waivers
    yield from expiring.of_people(attested, waived)
    yield from expiring.of_runs(runs.values())
    yield from expiring.of_rehearsals_and_drills(options.reports / options.env, runs.values())


def _told(dated: list[Event], moment: datetime, first: int) -> Iterator[str]:
    lapsed = [one for one in dated if one.at <= moment and one.kind not in {"due", "launch"}]
    for one in lapsed:
        yield f"EXPIRED  {one.at:%Y-%m-%d %H:%M}Z  {_event(one)}"
    ahead = [one for one in dated if one.at > moment]
    moments = [list(found) for _, found in groupby(ahead, key=lambda one: (one.at, one.kind, one.owner))]
    for found in moments[:first]:
        names = ", ".join(one.what for one in found[:NAMED_AT_MOST])
        more = f" and {len(found) - NAMED_AT_MOST} more" if len(found) > NAMED_AT_MOST else ""
        merged = Event(found[0].at, found[0].kind, f"{names}{more}", found[0].owner)
        yield f"next     {merged.at:%Y-%m-%d %H:%M}Z  {_event(merged)}"
    if len(moments) > first:
        yield f"         and {len(moments) - first} later ones (--first {len(moments)})"
    if not ahead:
        yield "next     nothing has a date ahead"


def _event(one: Event) -> str:
    word = {"due": "due", "launch": "launch"}.get(one.kind, f"{one.kind} expires")
    return f"{word}: {one.what}{f' ({one.owner})' if one.owner else ''}"


def _to_do(
    env: str,
    runs: Mapping[Phase, RecordedRun],
    judged: Mapping[Phase, Judged],
    todo: Mapping[Phase, list[Action]],
) -> Iterator[str]:
    for phase in Phase:
        yield ""
        if phase not in runs:
            yield f"{phase}: never run; pytest -m {phase} --env {env}"
            continue
        verdict = judged[phase].verdict
        yield f"{phase}: {verdict.word} ({runs[phase].start.run}){': nothing to do' if verdict.good else ''}"
        for number, one in enumerate(todo[phase], 1):
            owner = f" ({one.owner})" if one.owner else ""
            yield f"  {number}. {one.do}{owner}"
            yield f"     {one.why}"
            if any(line not in one.do for line in one.lines):
                more = f" and {len(one.lines) - NAMED_AT_MOST} more" if len(one.lines) > NAMED_AT_MOST else ""
                yield f"     turns {', '.join(one.lines[:NAMED_AT_MOST])}{more}"
        if todo[phase]:
            yield f"  then pytest -m {phase} --env {env}"


def _facts(
    dated: list[Event],
    moment: datetime,
    runs: Mapping[Phase, RecordedRun],
    judged: Mapping[Phase, Judged],
    todo: Mapping[Phase, list[Action]],
) -> dict[str, Any]:
    return {
        "as_of": moment.isoformat(),
        "events": [{**vars(one), "at": one.at.isoformat(), "past": one.at <= moment} for one in dated],
        "phases": {
            str(phase): {
                "run": run.start.run,
                "verdict": str(judged[phase].verdict.word),
                "actions": [vars(one) for one in todo[phase]],
            }
            for phase, run in runs.items()
        },
    }
