"""`readiness next`: what falls due and what expires next, who owns it, and what turns the verdict into a good one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from readiness import timeline
from readiness.commands import add_env, add_environments, add_reports, count
from readiness.environment.declarations import Declaration, Declarations
from readiness.errors import BadInput, BadRun
from readiness.evidence.audit import read_ledger
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.newest_run import ordered
from readiness.evidence.people_stated import StatedByPeople, stated_by_people
from readiness.evidence.signing import trusted_keys
from readiness.evidence.standing import Demands, Place, Standing, standings
from readiness.files.canonical_json import JsonObject
from readiness.files.named_output import CALENDAR, write_named
from readiness.outcomes import Phase
from readiness.rendering import expiring, schedule_lines
from readiness.rendering.actions import ActionItem, actions, owner_of
from readiness.rendering.calendar_file import calendar
from readiness.rendering.schedule_lines import Scheduled
from readiness.rendering.terminal import say, say_json
from readiness.runbook import editing
from readiness.runbook.attestations import Attestation, Attestations
from readiness.runbook.lines import Runbook
from readiness.runbook.schedule import Missed
from readiness.timeline import Event

HELP = "show what is due next, who owns it, and the actions that turn the newest verdicts into GO"
NAMED_AT_MOST = 4
_NEED_NOBODY = {"due", "launch", schedule_lines.KIND}
"""The events that do not expire: what was to be held and was not is told by itself."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_env(parser)
    parser.add_argument("--as-of", metavar="TIME", help="as it will stand then: T-1h, or 2026-12-01T08:00:00Z")
    parser.add_argument("--first", type=count, default=10, metavar="N", help="so many moments ahead (default: 10)")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--ics", type=Path, metavar="FILE", help="write all dates as a calendar")
    add_environments(parser)
    add_reports(parser)


@dataclass(frozen=True)
class PhaseToDo:
    """How a phase stands, and what is to do for a good verdict."""

    standing: Standing
    actions: list[ActionItem]


def run(options: argparse.Namespace) -> int:
    """Print what is due and what is to do; return 0, because it decides nothing. Raises BadInput."""
    runbooks, stated = editing.runbooks_of(options.env, options.environments)
    runs = dict(_newest(options.reports, options.env))
    launch_at = _launch_at(stated.get("launch_at"), runs)
    moment = _moment(options.as_of, launch_at)

    owners = {str(key): str(value) for key, value in (stated.get("owners") or {}).items()}
    begun, on_record = _begun(options.reports / options.env), schedule_lines.on_record(runs.values())
    scheduled = Scheduled(runbooks, launch_at, begun, moment, on_record)
    people = _by_people(options, runbooks, runs, moment)
    dated = [*_expiring(options, people, runs), *scheduled.events()]
    events = timeline.events(launch_at, _due(runbooks, owners), dated)
    phases = _phases(options, owners, moment)

    if options.ics:
        written = calendar(options.env, events, runbooks, launch_at or moment, datetime.now(UTC))
        _write(options.ics, written)
    if options.json:
        say_json(_as_json(events, moment, phases, scheduled))
        return 0

    lines = [
        *_dated_lines(events, moment, options.first, expiring.lines_on(people.declared or {}, runs.values())),
        *schedule_lines.lines(scheduled),
        *_action_lines(options.env, phases, moment),
    ]
    for line in lines:
        say(line)
    return 0


def _begun(home: Path) -> dict[Phase, list[datetime]]:
    """Return when the runs of each phase began, by the ledger."""
    ledger = read_ledger(home, {})
    return {phase: ledger.begun(phase) for phase in Phase} if ledger else {}


def _write(path: Path, calendar_file: str) -> None:
    """Write a calendar. Raises BadInput where that is not possible."""
    (suffix,) = CALENDAR.suffixes
    if path.suffix != suffix:
        raise BadInput([f"--ics: {path} is not called {suffix}; name a calendar, as launch{suffix}"])
    try:
        write_named(path, calendar_file, CALENDAR)
    except OSError as error:
        raise BadInput([f"--ics: {error}"]) from None
    say(f"calendar {path}")


def _phases(options: argparse.Namespace, owners: Mapping[str, str], moment: datetime) -> dict[Phase, PhaseToDo]:
    """Return how each phase stands, as `readiness verify` says it, and what is to do. Raises BadInput."""
    now = datetime.now(UTC)
    place = Place(options.env, options.reports, options.environments)
    # What is asked of a moment ahead is how it will stand then; a moment that is over makes no run younger.
    demands = Demands(now, at=max(now, moment))
    by_phase = standings(place, trusted_keys(options.environments), demands)
    return {phase: PhaseToDo(standing, _actions(standing, owners)) for phase, standing in by_phase.items()}


def _actions(standing: Standing, owners: Mapping[str, str]) -> list[ActionItem]:
    # Of what was changed nobody knows what it takes.
    if standing.examined is None or standing.examined.audit.tampered:
        return []
    return actions(standing.examined.recorded, standing.examined.judged, owners)


def _newest(reports: Path, environment: str) -> Iterator[tuple[Phase, RecordedRun]]:
    """Yield the newest run of each phase that can be read, whatever it is worth: what it saw expires all the same."""
    for phase in Phase:
        for folder in ordered(reports, environment, phase):
            try:
                recorded = read_run(folder)
            except BadRun:
                continue
            yield phase, recorded
            break


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


def _due(runbooks: list[Runbook], owners: Mapping[str, str]) -> Iterator[tuple[str, str | None, str]]:
    """Yield the name, the due time and the owner of each decision."""
    for runbook in runbooks:
        for item in runbook.items():
            yield item.name, item.line.due, owner_of(item.key, owners)


def _by_people(
    options: argparse.Namespace, runbooks: list[Runbook], runs: Mapping[Phase, RecordedRun], moment: datetime
) -> StatedByPeople:
    """Return what people state today, or what runs know of it. Raises BadInput for what a run would refuse."""
    stated = stated_by_people(options.environments / f"{options.env}.yaml", runbooks, moment)
    attested = _recorded_attestations(runs) if stated.attestations is None else stated.attestations
    declared = _recorded_declarations(runs) if stated.declared is None else stated.declared
    return replace(stated, attestations=attested, declared=declared)


def _expiring(
    options: argparse.Namespace, people: StatedByPeople, runs: Mapping[Phase, RecordedRun]
) -> Iterator[Event]:
    """Yield everything that stops counting at some time."""
    yield from expiring.of_people(people.attestations or {}, people.waivers)
    yield from expiring.of_declared(people.declared or {})
    yield from expiring.of_runs(runs.values())
    yield from expiring.of_rehearsals_and_drills(options.reports / options.env, runs.values())


def _recorded_attestations(runs: Mapping[Phase, RecordedRun]) -> Mapping[str, Attestation]:
    """Return what the runs began with: all that is known where a variable names the file."""
    recorded: dict[str, JsonObject] = {}
    for run in runs.values():
        recorded |= run.start.attestations
    return Attestations.model_validate({"attestations": recorded}).attestations


def _recorded_declarations(runs: Mapping[Phase, RecordedRun]) -> Declarations:
    """Return who answered for declared values when the runs began; of a key that several knew, by the newest run."""
    recorded: dict[str, Declaration] = {}
    for run in sorted(runs.values(), key=lambda run: run.start.started_at):
        recorded |= run.start.declared
    return recorded


def _dated_lines(events: list[Event], moment: datetime, first: int, lines_on: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield a line for what has expired, and for each of the first moments ahead.

    `lines_on` are the lines that rest on a declared value, by the entry that answers for it.
    """
    for event in events:
        if event.at <= moment and event.kind not in _NEED_NOBODY:
            nobody = _on_nobodys_word(event, lines_on) if event.kind == expiring.DECLARED else ""
            yield f"EXPIRED  {event.at:%Y-%m-%d %H:%M}Z  {_event(event)}{nobody}"

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


def _on_nobodys_word(event: Event, lines_on: Mapping[str, list[str]]) -> str:
    """Return what is left without anybody who answers for it since a declared value's word ended."""
    lines = lines_on.get(event.what, [])
    rest = "rests" if len(lines) == 1 else "rest"
    return f": nobody answers for it; {_named(lines)} {rest} on it" if lines else ": nobody answers for it"


def _named(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    named = ", ".join(names[:NAMED_AT_MOST])
    left_out = len(names) - NAMED_AT_MOST
    return f"{named} and {left_out} more" if left_out > 0 else named


def _event(event: Event) -> str:
    if event.kind == schedule_lines.KIND:
        return f"{event.what}{_in_brackets(event.owner)}"
    word = event.kind if event.kind in _NEED_NOBODY else f"{event.kind} expires"
    return f"{word}: {event.what}{_in_brackets(event.owner)}"


def _in_brackets(owner: str) -> str:
    return f" ({owner})" if owner else ""


def _in_words(standing: Standing, moment: datetime) -> str:
    """Return what is to be known of a word beside it: that there is nothing to do, or until when it holds."""
    verdict = standing.examined.judged.verdict if standing.examined else None
    if verdict is None or standing.exit or verdict.lapsed(moment):
        return ""
    return f": {verdict.action}" if verdict.conditional else ": nothing to do"


def _action_lines(environment: str, phases: Mapping[Phase, PhaseToDo], moment: datetime) -> Iterator[str]:
    """Yield for each phase how it stands, and what turns that into a good word."""
    for phase, newest in phases.items():
        standing = newest.standing
        again = f"pytest -m {phase} --env {environment}"
        yield ""
        if standing.is_unheard_of:
            yield f"{phase}: never run; {again}"
            continue
        # What an older run came to is not the newest that is known.
        if standing.examined is None:
            yield f"{phase}: {standing.word}: {standing.why[0]}"
            yield f"  mend that, then {again}"
            continue

        yield f"{phase}: {standing.word} ({standing.examined.recorded.start.run}){_in_words(standing, moment)}"
        for why in standing.why:
            yield f"  {why}"
        yield from _numbered(newest.actions)
        if newest.actions or standing.exit:
            yield f"  then {again}"


def _numbered(items: Sequence[ActionItem]) -> Iterator[str]:
    """Yield what is to do, by number."""
    for number, action in enumerate(items, 1):
        yield f"  {number}. {action.do}{_in_brackets(action.owner)}"
        yield f"     {action.why}"
        # The action itself may name its lines already.
        if any(line not in action.do for line in action.lines):
            yield f"     turns {_named(action.lines)}"


def _as_json(
    events: list[Event], moment: datetime, phases: Mapping[Phase, PhaseToDo], scheduled: Scheduled
) -> JsonObject:
    return {
        "as_of": moment.isoformat(),
        "events": [{**vars(event), "at": event.at.isoformat(), "past": event.at <= moment} for event in events],
        "missed": [_missed_as_json(one) for one in scheduled.missed()],
        "recurring": [
            {"runbook": book, "what": one.what, "every": str(one.every), "owner": one.owner, "late": late}
            for book, one, late in scheduled.recurring()
        ],
        "phases": {
            str(phase): _phase_as_json(newest) for phase, newest in phases.items() if not newest.standing.is_unheard_of
        },
    }


def _missed_as_json(one: Missed) -> JsonObject:
    meeting = one.meeting
    return {
        "at": meeting.at.isoformat(),
        "until": one.until.isoformat() if one.until else None,
        "runbook": meeting.runbook,
        "what": meeting.what,
        "owner": meeting.owner,
        "phase": meeting.phase,
    }


def _phase_as_json(newest: PhaseToDo) -> JsonObject:
    standing = newest.standing
    examined = standing.examined
    return {
        "run": examined.recorded.start.run if examined else None,
        "verdict": standing.word,
        "exit": standing.exit,
        "why": list(standing.why),
        "lapsed": examined.lapsed if examined else "",
        "actions": [vars(action) for action in newest.actions],
    }
