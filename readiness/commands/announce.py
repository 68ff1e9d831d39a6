"""`readiness announce`: write a launch, a pause, a resume or a rollback from the newest evidence, and send it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from readiness.clients.notifying import Delivery, Notifier
from readiness.commands import add_env, add_environments, add_reports
from readiness.environment import schema
from readiness.environment.schema import Environment
from readiness.errors import BadInput, BadRun
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.newest_run import ordered
from readiness.evidence.previous_run import REMEMBERED
from readiness.evidence.rejudge import judge
from readiness.evidence.signing import trusted_keys
from readiness.evidence.standing import Demands, Place, Standing, in_a_line, standings
from readiness.files.atomic_write import place_of, write_whole
from readiness.outcomes import Effect, Phase, Unknown
from readiness.plugin import embedded
from readiness.redaction.redactor import REDACTOR
from readiness.rendering.announcement_parts import PARTS, AnnouncementKind, Part, Stated, faults, missing
from readiness.rendering.announcements import AnnouncementText, Facts, announcement
from readiness.rendering.terminal import say
from readiness.runbook.document_facts import stage_faults, stages_filled_in
from readiness.runbook.lines import load_each
from readiness.transport.guard import Guard

HELP = "write an announcement from the newest evidence; it is sent only with --allow notify"
FOLDER = "announcements"
AHEAD = timedelta(minutes=15)
"""How long before its planned time a launch may have begun."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("event", choices=list(AnnouncementKind), help="what is announced")
    add_env(parser)
    parser.add_argument("--allow", choices=["notify"], help="send it; without this it is only printed")
    for part in PARTS:
        told_in = " and ".join(sorted(part.announcements))
        parser.add_argument(part.option, dest=part.name, metavar="TEXT", help=f"{told_in}: {part.question}")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Print the announcement, and send it where that is allowed; return 1 when it did not arrive everywhere."""
    kind = AnnouncementKind(options.event)
    environment = _environment(options)
    is_sent = bool(options.allow) or Effect.NOTIFY in environment.allow
    stated = _stated(kind, options, environment, is_sent=is_sent)
    now = datetime.now(UTC)
    since = _since(kind, environment, now)

    place = Place(options.env, options.reports, options.environments)
    standing = standings(place, trusted_keys(options.environments), Demands(now), (Phase.SMOKE, Phase.POSTLAUNCH))
    runs = {phase: _newest(options.reports, environment, phase, since, standing[phase]) for phase in standing}
    stands = {phase: run if _may_be_told(run, standing[phase]) else None for phase, run in runs.items()}

    written = announcement(kind, _facts(environment, now, since, stands, stated))
    message = AnnouncementText(REDACTOR.text(written.title), REDACTOR.text(written.body))
    for line in (message.title, *message.body.splitlines()):
        say(line)
    for phase, run in runs.items():
        if run and not stands[phase]:
            say(f"left out  {phase}: {in_a_line(standing[phase])}")

    reason = _why_not_sent(kind, environment, now, is_sent=is_sent)
    if reason:
        say()
        say(f"not sent: {reason}")
        return 1 if options.allow else 0

    record = _place_of_record(options, now)
    deliveries = _send(environment, message)
    _record(record, kind, now, message, stated, deliveries)

    say()
    for delivery in deliveries:
        status = "sent" if delivery.delivered else REDACTOR.text(f"NOT SENT, {delivery.why}")
        say(f"{delivery.place}: {status}")
    return 0 if all(delivery.delivered for delivery in deliveries) else 1


def _why_not_sent(kind: AnnouncementKind, environment: Environment, now: datetime, *, is_sent: bool) -> str:
    """Return why an announcement is only printed; empty where it is sent."""
    launch_at = environment.launch_at
    if kind is AnnouncementKind.LAUNCH and launch_at and now < launch_at:
        return f"the launch is at {launch_at:%Y-%m-%d %H:%M}Z, and that is still to come"
    return "" if is_sent else "say --allow notify"


def _environment(options: argparse.Namespace) -> Environment:
    """Return the environment; the embedded target is not started for what its evidence says. Raises BadEnvironment."""
    path = options.environments / f"{options.env}.yaml"
    variables: Mapping[str, str] = os.environ
    if embedded.is_wanted(path, variables):
        variables = {**variables, **embedded.stand_ins(path)}
    return schema.load(options.env, options.environments, variables)


def _stated(kind: AnnouncementKind, options: argparse.Namespace, environment: Environment, *, is_sent: bool) -> Stated:
    """Return what people say of the event: by options, and what these lack is asked for. Raises BadInput.

    Without a terminal nobody can be asked: then it is only printed, with what it lacks. Where the environment states
    the stage of the roll-out, a rollback goes from there to the one before.
    """
    given = {part.name: getattr(options, part.name) for part in PARTS}
    stated = {name: text for name, text in given.items() if text is not None}
    stages = _stages(environment, options.environments)
    if kind is AnnouncementKind.ROLLBACK:
        stated = {**stages_filled_in(stated, stages, environment.rollout.stage), **stated}
    problems = [*faults(kind, stated), *stage_faults(stated, stages)]
    if problems:
        raise BadInput(problems)

    lacking = missing(kind, stated)
    if sys.stdin.isatty() and sys.stdout.isatty():
        for part in lacking:
            stated[part.name] = _asked(kind, part, stated)
    elif lacking and is_sent:
        raise BadInput([f"{part.option} is missing: {part.question}" for part in lacking])
    return stated


def _stages(environment: Environment, folder: Path) -> list[str]:
    """Return the stages of the roll-out in their order, by the runbook that has them. Raises BadInput."""
    problems: list[str] = []
    books = list(load_each(environment.runbooks, folder, problems))
    if problems:
        raise BadInput(problems)
    return next((list(book.rollout) for book in books if book.rollout), [])


def _asked(kind: AnnouncementKind, part: Part, stated: Stated) -> str:
    """Return what somebody at the terminal answers, asked again until it says something. Raises BadInput."""
    while True:
        try:
            answer = input(f"{part.name} ({part.question}): ")
        except EOFError:
            raise BadInput([f"{part.option} is missing: {part.question}"]) from None
        problems = list(faults(kind, {**stated, part.name: answer}))
        if not problems:
            return answer
        for problem in problems:
            say(problem)


def _since(kind: AnnouncementKind, environment: Environment, now: datetime) -> datetime:
    """Return from when on a run is about this event."""
    remembered = now - REMEMBERED
    if kind is not AnnouncementKind.LAUNCH or environment.launch_at is None:
        return remembered

    # A run before the launch was of another launch, or of its rehearsal.
    return max(remembered, environment.launch_at - AHEAD)


def _may_be_told(run: RecordedRun | None, standing: Standing) -> bool:
    """Check whether a run may be told of: a bad word always, a good one only where `readiness verify` says it too."""
    return run is not None and (not judge(run).verdict.good or standing.exit == 0)


def _facts(
    environment: Environment,
    now: datetime,
    since: datetime,
    runs: Mapping[Phase, RecordedRun | None],
    stated: Stated,
) -> Facts:
    return Facts(
        environment=environment.environment,
        url=environment.target.url,
        at=now,
        launch_at=environment.launch_at,
        since=since,
        smoke=runs[Phase.SMOKE],
        postlaunch=runs[Phase.POSTLAUNCH],
        on_call=environment.notify.on_call if environment.notify else "",
        stated=stated,
    )


def _newest(
    reports: Path, environment: Environment, phase: Phase, since: datetime, standing: Standing
) -> RecordedRun | None:
    """Return the newest run of this target that ended and that its journal bears out, or what decides beside it."""
    decides = standing.examined.recorded if standing.examined and standing.began_last else None
    if decides and not judge(decides).refuted:
        return decides

    for folder in ordered(reports, environment.environment, phase):
        try:
            run = read_run(folder)
        except BadRun:
            continue

        # The newest come first: all further ones are older still.
        if run.start.started_at < since:
            return None
        if run.start.target.url == environment.target.url and run.finish and not judge(run).refuted:
            return run
    return None


def _send(environment: Environment, message: AnnouncementText) -> list[Delivery]:
    guard = Guard(environment.allowed_hosts, (Effect.READ, Effect.NOTIFY))
    try:
        return Notifier(environment.notify, guard).send(message.title, message.body)
    except Unknown as unknown:
        raise BadInput([str(unknown)]) from None


def _place_of_record(options: argparse.Namespace, at: datetime) -> Path:
    """Return the file of the record, in a folder that is there: known before anything is sent. Raises BadInput."""
    folder: Path = options.reports / options.env / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return place_of(folder / f"{at:%Y%m%dT%H%M%SZ}-{options.event}.json")
    except OSError as error:
        raise BadInput([f"what is sent could not be kept as evidence: {error}"]) from None


def _record(
    path: Path,
    kind: AnnouncementKind,
    at: datetime,
    message: AnnouncementText,
    stated: Stated,
    deliveries: list[Delivery],
) -> None:
    """Write what was sent, to whom and whether it arrived, as evidence."""
    record = {
        "schema": "readiness/announcement/1",
        "event": kind,
        "at": at.isoformat(),
        "title": message.title,
        "body": message.body,
        "stated": {name: REDACTOR.text(text) for name, text in stated.items()},
        "deliveries": [{**vars(delivery), "why": REDACTOR.text(delivery.why)} for delivery in deliveries],
    }
    write_whole(path, json.dumps(record, indent=2) + "\n")
