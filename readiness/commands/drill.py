"""`readiness drill`: one procedure rehearsed for real, with its progress and its evidence."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from readiness.commands import add_env, add_environments, add_reports
from readiness.drill import evidence as drill_evidence
from readiness.drill.verdict import judge
from readiness.environment import schema
from readiness.environment.schema import Environment, host_of
from readiness.errors import BadInput, ReadinessError, not_one_of
from readiness.evidence import ledger
from readiness.outcomes import Effect
from readiness.plugin import embedded
from readiness.procedures import circuit_breaker, fallback, incident, kill_switch, restore, rollback
from readiness.procedures.course import Course, begin, conduct
from readiness.redaction.redactor import REDACTOR
from readiness.sandbox import Sandbox, SandboxFailed
from readiness.transport.guard import Guard

HELP = "rehearse a procedure: restore, kill-switch, rollback, circuit-breaker, fallback, incident"
PROCEDURES: dict[str, Callable[[Course], None]] = {
    "restore": restore.run,
    "kill-switch": kill_switch.run,
    "rollback": rollback.run,
    "circuit-breaker": circuit_breaker.run,
    "fallback": fallback.run,
    "incident": incident.run,
}
EFFECTS = {"incident": (Effect.WRITE, Effect.NOTIFY)}
"""An incident also tells people; all others only write."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    parser.add_argument("name", metavar="NAME", help=", ".join(PROCEDURES))
    add_env(parser)
    parser.add_argument(
        "--allow",
        action="append",
        choices=["write", "notify"],
        default=[],
        help="let it on production; needs --confirm",
    )
    parser.add_argument("--confirm", metavar="HOST", help="the host name of the production target")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Run one drill; 0 when it passed, 1 when it failed, 10 when it proved nothing. Raises BadInput."""
    if options.name not in PROCEDURES:
        raise BadInput([f"the drill {not_one_of(options.name, PROCEDURES)}"])
    path = options.environments / f"{options.env}.yaml"
    variables: Mapping[str, str] = os.environ
    with ExitStack() as stack:
        if embedded.is_wanted(path, variables):
            stand_ins = {**variables, **embedded.stand_ins(path)}
            permit(schema.load(options.env, options.environments, stand_ins), options.name, options)
            try:
                variables = {**variables, **stack.enter_context(Sandbox.start(launched=True)).variables}
            except SandboxFailed as error:
                raise BadInput([str(error)]) from None
        found = schema.load(options.env, options.environments, variables)
        allowed = permit(found, options.name, options)
        say(f"drill {options.name} on {found.environment}, {found.target.url}")
        course = begin(options.name, found, Guard(found.allowed_hosts, allowed), options.reports, say)
        _enter(lambda: ledger.begin(course.folder, phase=options.name))
        return _told(conduct(course, PROCEDURES[options.name]), course.folder)


def permit(found: Environment, name: str, options: argparse.Namespace) -> Collection[Effect]:
    """Give the effects that the drill may have. Raises BadInput with every reason against it."""
    host, wanted, problems = host_of(found.target.url), EFFECTS.get(name, (Effect.WRITE,)), []
    section = name.replace("-", "_")
    if found.drills is None or getattr(found.drills, section) is None:
        problems.append(f"{found.environment}: the environment has no section drills.{section}; see example.yaml")
    lacking = [effect for effect in wanted if effect not in options.allow]
    if found.production and (lacking or options.confirm != host):
        words = " ".join(f"--allow {effect}" for effect in wanted)
        other = f"; --confirm {options.confirm} is another host" if options.confirm not in {None, host} else ""
        problems.append(f"{found.environment} is production: a drill needs {words} --confirm {host}{other}")
    if not found.production and (missing := [effect for effect in wanted if effect not in found.allow]):
        words = ", ".join(missing)
        problems.append(f"{found.environment}: the environment does not allow {words}; write `allow: [{words}]` in it")
    if problems:
        raise BadInput(problems)
    return (Effect.READ, *wanted)


def say(text: str) -> None:
    """Write a line of progress: nothing secret, and nothing that a terminal obeys."""
    shown = "".join(char if char.isprintable() else " " for char in REDACTOR.text(text))
    with suppress(OSError):  # the terminal may be gone; what was changed is put back all the same
        print(shown, flush=True)


def _told(evidence: drill_evidence.Evidence, folder: Path) -> int:
    judged = judge(evidence)
    say(f"{evidence.drill} {judged.word.upper()}  {folder / drill_evidence.FILE}")
    for reason in judged.reasons:
        say(f"  {reason.word}: {reason.says}. Next: {reason.next}")
    _enter(lambda: ledger.keep(folder, str(judged.word), judged.word.exit, phase=evidence.drill))
    return judged.word.exit


def _enter(how: Callable[[], str]) -> None:
    """Make an entry in the ledger; a drill goes on without, and proves nothing to who asks for the entry."""
    try:
        how()
    except (OSError, ReadinessError) as error:
        say(f"  not in the ledger, so it is not evidence: {error}")
