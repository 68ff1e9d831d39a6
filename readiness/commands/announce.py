"""`readiness announce`: write a launch, a pause, a resume or a rollback from the newest evidence, and send it."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from readiness.clients.notifying import Delivery, Notifier
from readiness.commands import add_env, add_environments, add_reports
from readiness.environment import schema
from readiness.environment.schema import Environment
from readiness.errors import BadInput, BadRun
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.previous_run import REMEMBERED, candidates
from readiness.evidence.rejudge import judge
from readiness.files.atomic_write import write_whole
from readiness.outcomes import Effect, Phase, Unknown
from readiness.plugin import embedded
from readiness.redaction.redactor import REDACTOR
from readiness.rendering.announcements import Event, Facts, Message, announcement
from readiness.transport.guard import Guard

HELP = "write an announcement from the newest evidence; it is sent only with --allow notify"
FOLDER = "announcements"
AHEAD = timedelta(minutes=15)
"""How long before its planned time a launch may have begun."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    parser.add_argument("event", choices=list(Event), help="what is announced")
    add_env(parser)
    parser.add_argument("--allow", choices=["notify"], help="send it; without this it is only printed")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Print it, and send it where that is allowed; 1 when it did not arrive everywhere."""
    path = options.environments / f"{options.env}.yaml"
    variables: Mapping[str, str] = os.environ
    if embedded.is_wanted(path, variables):
        variables = {**variables, **embedded.stand_ins(path)}
    found = schema.load(options.env, options.environments, variables)
    now = datetime.now(UTC)
    message = announcement(Event(options.event), _facts(found, options.reports, now, _since(options.event, found, now)))
    message = Message(REDACTOR.text(message.title), REDACTOR.text(message.body))
    print(f"{message.title}\n{message.body}")
    if options.event == Event.LAUNCH and found.launch_at and now < found.launch_at:
        print(f"\nnot sent: the launch is at {found.launch_at:%Y-%m-%d %H:%M}Z, and that is still to come")
        return 1 if options.allow else 0
    if not options.allow and Effect.NOTIFY not in found.allow:
        print("\nnot sent: say --allow notify")
        return 0
    told = _send(found, message)
    _keep(options, now, message, told)
    print()
    for one in told:
        print(f"{one.place}: {'sent' if one.delivered else REDACTOR.text(f'NOT SENT, {one.why}')}")
    return 0 if all(one.delivered for one in told) else 1


def _since(event: str, found: Environment, now: datetime) -> datetime:
    """Say from when on a run tells of this event: one before the launch was of another launch, or of its rehearsal."""
    begins = now - REMEMBERED
    return max(begins, found.launch_at - AHEAD) if event == Event.LAUNCH and found.launch_at else begins


def _facts(found: Environment, reports: Path, now: datetime, since: datetime) -> Facts:
    return Facts(
        environment=found.environment,
        url=found.target.url,
        at=now,
        launch_at=found.launch_at,
        since=since,
        smoke=_newest(reports, found, Phase.SMOKE, since),
        postlaunch=_newest(reports, found, Phase.POSTLAUNCH, since),
        on_call=found.notify.on_call if found.notify else "",
    )


def _newest(reports: Path, found: Environment, phase: Phase, since: datetime) -> RecordedRun | None:
    """Find the newest run of this target that ended and that its journal bears out."""
    for folder in candidates(reports, found.environment, phase):
        try:
            run = read_run(folder)
        except BadRun:
            continue
        if run.start.started_at < since:
            return None
        if run.start.target.url == found.target.url and run.finish and not judge(run).refuted:
            return run
    return None


def _send(found: Environment, message: Message) -> list[Delivery]:
    guard = Guard(found.allowed_hosts, (Effect.READ, Effect.NOTIFY))
    try:
        return Notifier(found.notify, guard).send(message.title, message.body)
    except Unknown as unknown:
        raise BadInput([str(unknown)]) from None


def _keep(options: argparse.Namespace, at: datetime, message: Message, told: list[Delivery]) -> None:
    """Leave what was sent, to whom and whether it arrived, as evidence."""
    folder = options.reports / options.env / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"schema": "readiness/announcement/1", "event": options.event, "at": at.isoformat()}
    deliveries = [{**vars(one), "why": REDACTOR.text(one.why)} for one in told]
    record = {**facts, "title": message.title, "body": message.body, "deliveries": deliveries}
    write_whole(folder / f"{at:%Y%m%dT%H%M%SZ}-{options.event}.json", json.dumps(record, indent=2) + "\n")
