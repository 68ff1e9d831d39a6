"""`readiness next`: what falls due and what expires next, who owns it, and what turns the verdict into a good one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from readiness import timeline
from readiness.commands import add_env, add_environments, add_reports, count
from readiness.errors import BadInput, BadRun
from readiness.evidence.audit import read_ledger
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.newest_run import ordered
from readiness.evidence.rejudge import Judged, judge
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Phase
from readiness.rendering import expiring
from readiness.rendering.actions import ActionItem, actions, owner_of
from readiness.rendering.terminal import say
from readiness.runbook import attestations, editing, waivers
from readiness.runbook.attestations import Attestation, Attestations
from readiness.runbook.lines import Runbook
from readiness.timeline import Event
from readiness.verdict import Verdict

HELP = "show what is due next, who owns it, and the actions that turn the newest verdicts into GO"
NAMED_AT_MOST = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_env(parser)
    parser.add_argument("--as-of", metavar="TIME", help="as it will stand then: T-1h, or 2026-12-01T08:00:00Z")
    parser.add_argument("--first", type=count, default=10, metavar="N", help="so many moments ahead (default: 10)")
    parser.add_argument("--json", action="store_true", help="for machines")
    add_environments(parser)
    add_reports(parser)


@dataclass(frozen=True)
class JudgedPhase:
    """The newest run of a phase, what it is worth, and what is to do for a good verdict."""

    run: RecordedRun
    judged: Judged
    actions: list[ActionItem]


def run(options: argparse.Namespace) -> int:
    """Print what is due and what is to do; return 0, because it decides nothing. Raises BadInput."""
    runbooks, stated = editing.runbooks_of(options.env, options.environments)
    runs = dict(_newest(options.reports, options.env))
    launch_at = _launch_at(stated.get("launch_at"), runs)
    moment = _moment(options.as_of, launch_at)

    owners = {str(key): str(value) for key, value in (stated.get("owners") or {}).items()}
    events = timeline.events(launch_at, _due(runbooks, owners), _expiring(options, runbooks, stated, runs))
    phases = {phase: _judged(recorded, owners) for phase, recorded in runs.items()}
    refused = dict(_refused(options.reports, options.env))

    if options.json:
        print(json.dumps(_as_json(events, moment, phases, refused), indent=2))
        return 0

    lines = [
        *_dated_lines(events, moment, options.first),
        *_action_lines(options.env, phases, refused, moment),
    ]
    for line in lines:
        say(line)
    return 0


def _newest(reports: Path, environment: str) -> Iterator[tuple[Phase, RecordedRun]]:
    """Yield the newest run of each phase that can be read: by the order of the ledger, where there is one."""
    for phase in Phase:
        for folder in ordered(reports, environment, phase):
            try:
                recorded = read_run(folder)
            except BadRun:
                continue
            yield phase, recorded
            break


def _refused(reports: Path, environment: str) -> Iterator[tuple[Phase, str]]:
    """Yield each phase whose newest start came to no run, and why."""
    home = reports / environment
    ledger = read_ledger(home, {})
    for phase in Phase:
        why = ledger.why_no_run(phase) if ledger else ""
        if why:
            yield phase, why


def _launch_at(stated: object, runs: Mapping[Phase, RecordedRun]) -> datetime | None:
    """Return when the launch is; where a variable has it, as the newest run knew it."""
    try:
        return timeline.of_a_year_that_matters(timeline.parse_instant(str(stated)))
    except ValueError:
        pass

    if not runs:
        return None
    newest = max(runs.values(), key=lambda recorded: recorded.start.started_at)
    return newest.start.launch_at


def _moment(as_of: str | None, launch_at: datetime | None) -> datetime:
    """Return the moment that is asked about. Raises BadInput."""
    if not as_of:
        return datetime.now(UTC)
    try:
        return timeline.parse_as_of(as_of, launch_at)
    except ValueError as error:
        raise BadInput([f"--as-of: {error}"]) from None


def _judged(recorded: RecordedRun, owners: Mapping[str, str]) -> JudgedPhase:
    judged = judge(recorded)
    return JudgedPhase(recorded, judged, actions(recorded, judged, owners))


def _due(runbooks: list[Runbook], owners: Mapping[str, str]) -> Iterator[tuple[str, str | None, str]]:
    """Yield the name, the due time and the owner of each decision."""
    for runbook in runbooks:
        for item in runbook.items():
            yield item.name, item.line.due, owner_of(item.key, owners)


def _expiring(
    options: argparse.Namespace, runbooks: list[Runbook], stated: Mapping[str, Any], runs: Mapping[Phase, RecordedRun]
) -> Iterator[Event]:
    """Yield everything that stops counting at some time."""
    attested = _attestations(options, runbooks, stated.get("attestations"), runs)
    waived = waivers.load(options.environments / f"{options.env}{waivers.SUFFIX}", runbooks, {}).waivers
    yield from expiring.of_people(attested, waived)
    yield from expiring.of_runs(runs.values())
    yield from expiring.of_rehearsals_and_drills(options.reports / options.env, runs.values())


def _attestations(
    options: argparse.Namespace, runbooks: list[Runbook], place: object, runs: Mapping[Phase, RecordedRun]
) -> Mapping[str, Attestation]:
    # Where a variable names the file, only a run knew it: what the runs began with is all that is known.
    if place and "${" in str(place):
        recorded: dict[str, JsonObject] = {}
        for run in runs.values():
            recorded |= run.start.attestations
        return Attestations.model_validate({"attestations": recorded}).attestations

    path = attestations.path_of(options.env, options.environments, Path(str(place)) if place else None)
    return attestations.load(path, runbooks, {}).attestations


def _dated_lines(events: list[Event], moment: datetime, first: int) -> Iterator[str]:
    """Yield a line for what has expired, and for each of the first moments ahead."""
    for event in events:
        # What fell due and the launch are over, and need nobody.
        if event.at <= moment and event.kind not in {"due", "launch"}:
            yield f"EXPIRED  {event.at:%Y-%m-%d %H:%M}Z  {_event(event)}"

    ahead = [event for event in events if event.at > moment]
    if not ahead:
        yield "next     nothing has a date ahead"
        return

    moments = [list(group) for _, group in groupby(ahead, key=lambda event: (event.at, event.kind, event.owner))]
    for group in moments[:first]:
        merged = replace(group[0], what=_named([event.what for event in group]))
        yield f"next     {merged.at:%Y-%m-%d %H:%M}Z  {_event(merged)}"
    if len(moments) > first:
        yield f"         and {len(moments) - first} later ones (--first {len(moments)})"


def _named(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    named = ", ".join(names[:NAMED_AT_MOST])
    left_out = len(names) - NAMED_AT_MOST
    return f"{named} and {left_out} more" if left_out > 0 else named


def _event(event: Event) -> str:
    word = event.kind if event.kind in {"due", "launch"} else f"{event.kind} expires"
    return f"{word}: {event.what}{_in_brackets(event.owner)}"


def _in_brackets(owner: str) -> str:
    return f" ({owner})" if owner else ""


def _standing(verdict: Verdict, moment: datetime) -> str:
    """Return what is to be known of a verdict beside its word: that a good one is over, or until when it holds."""
    if verdict.lapsed(moment):
        return f": {verdict.lapsed(moment)}"
    if verdict.conditional:
        return f": {verdict.action}"
    return ": nothing to do" if verdict.good else ""


def _action_lines(
    environment: str, phases: Mapping[Phase, JudgedPhase], refused: Mapping[Phase, str], moment: datetime
) -> Iterator[str]:
    """Yield for each phase its verdict, and what turns it into a good one."""
    for phase in Phase:
        yield ""
        # What an older run came to is not the newest that is known.
        if phase in refused:
            yield f"{phase}: INCOMPLETE: {refused[phase]}"
            yield f"  mend that, then pytest -m {phase} --env {environment}"
            continue

        newest = phases.get(phase)
        if newest is None:
            yield f"{phase}: never run; pytest -m {phase} --env {environment}"
            continue

        verdict = newest.judged.verdict
        yield f"{phase}: {verdict.word} ({newest.run.start.run}){_standing(verdict, moment)}"
        for number, action in enumerate(newest.actions, 1):
            yield f"  {number}. {action.do}{_in_brackets(action.owner)}"
            yield f"     {action.why}"
            # The action itself may name its lines already.
            if any(line not in action.do for line in action.lines):
                yield f"     turns {_named(action.lines)}"
        if newest.actions:
            yield f"  then pytest -m {phase} --env {environment}"


def _as_json(
    events: list[Event], moment: datetime, phases: Mapping[Phase, JudgedPhase], refused: Mapping[Phase, str]
) -> JsonObject:
    return {
        "as_of": moment.isoformat(),
        "events": [{**vars(event), "at": event.at.isoformat(), "past": event.at <= moment} for event in events],
        "phases": {
            str(phase): {
                "run": newest.run.start.run,
                "verdict": "INCOMPLETE" if phase in refused else str(newest.judged.verdict.word),
                "lapsed": newest.judged.verdict.lapsed(moment),
                "actions": [vars(action) for action in newest.actions],
            }
            for phase, newest in phases.items()
        },
        "refused": {str(phase): why for phase, why in refused.items()},
    }
