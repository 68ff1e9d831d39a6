"""`readiness drill`: one procedure rehearsed for real, with its progress and its evidence."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from readiness.commands import add_env, add_environments, add_reports
from readiness.drill import evidence as drill_evidence
from readiness.drill.verdict import judge
from readiness.environment import schema
from readiness.environment.schema import Environment, host_of
from readiness.errors import BadInput, ReadinessError, not_one_of
from readiness.evidence import ledger
from readiness.evidence.key_worth import told_before
from readiness.outcomes import Effect
from readiness.plugin import embedded
from readiness.procedures import circuit_breaker, fallback, incident, kill_switch, restore, rollback
from readiness.procedures.course import Course, begin, conduct
from readiness.rendering import terminal
from readiness.runbook.lines import load_each
from readiness.sandbox import Sandbox, SandboxFailed
from readiness.transport.database_tls import DatabaseTls
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
    """Add the arguments of the command."""
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

    signed_by = told_before("drill", options.env, options.environments)
    with ExitStack() as stack:
        environment = _environment(options, stack)
        allowed = permit(environment, options.name, options)
        for line in (f"drill {options.name} on {environment.environment}, {environment.target.url}", *signed_by):
            say(line)

        guard = Guard(environment.allowed_hosts, allowed, database_tls=DatabaseTls.of(environment))
        runbooks = load_each(environment.runbooks, options.environments, problems=[])
        course = begin(options.name, environment, guard, options.reports, say, runbooks)
        _enter(lambda: ledger.open_evidence(course.folder, phase=options.name))

        evidence = conduct(course, PROCEDURES[options.name])
        return _conclude(evidence, course.folder)


def _environment(options: argparse.Namespace, stack: ExitStack) -> Environment:
    """Return the environment; where it is the embedded target, start that for as long as the stack is open.

    Raises BadInput.
    """
    path = options.environments / f"{options.env}.yaml"
    if not embedded.is_wanted(path, os.environ):
        return schema.load(options.env, options.environments, os.environ)

    # What speaks against the drill is said before the sandbox takes its seconds to start.
    stand_ins = {**os.environ, **embedded.stand_ins(path)}
    permit(schema.load(options.env, options.environments, stand_ins), options.name, options)

    try:
        sandbox = stack.enter_context(Sandbox.start(launched=True))
    except SandboxFailed as error:
        raise BadInput([str(error)]) from None
    return schema.load(options.env, options.environments, {**os.environ, **sandbox.variables})


def permit(environment: Environment, name: str, options: argparse.Namespace) -> Collection[Effect]:
    """Return the effects that the drill may have. Raises BadInput with every reason against it."""
    wanted = EFFECTS.get(name, (Effect.WRITE,))
    problems = []

    section = name.replace("-", "_")
    if environment.drills is None or getattr(environment.drills, section) is None:
        problems.append(f"{environment.environment}: the environment has no section drills.{section}; see example.yaml")

    if environment.production:
        problems += _production_problems(environment, wanted, options)
    else:
        # A file may permit effects anywhere but in production.
        missing = ", ".join(effect for effect in wanted if effect not in environment.allow)
        if missing:
            problems.append(
                f"{environment.environment}: the environment does not allow {missing}; write `allow: [{missing}]` in it"
            )

    if problems:
        raise BadInput(problems)
    return (Effect.READ, *wanted)


def _production_problems(
    environment: Environment, wanted: Collection[Effect], options: argparse.Namespace
) -> Iterator[str]:
    """Yield why a drill may not run in production: it is allowed by the command line alone, and by the host's name."""
    host = host_of(environment.target.url)
    is_allowed = all(effect in options.allow for effect in wanted)
    if is_allowed and options.confirm == host:
        return

    words = " ".join(f"--allow {effect}" for effect in wanted)
    another = options.confirm is not None and options.confirm != host
    hint = f"; --confirm {options.confirm} is another host" if another else ""
    yield f"{environment.environment} is production: a drill needs {words} --confirm {host}{hint}"


def say(text: str) -> None:
    """Print a line of progress: nothing secret, and nothing that a terminal obeys."""
    with suppress(OSError):  # the terminal may be gone; what was changed is put back all the same
        terminal.say(text)


def _conclude(evidence: drill_evidence.DrillEvidence, folder: Path) -> int:
    """Print the judgement, enter it into the ledger, and return its exit code."""
    judged = judge(evidence)
    say(f"{evidence.drill} {judged.word.upper()}  {folder / drill_evidence.FILE}")
    for reason in judged.reasons:
        say(f"  {reason.word}: {reason.says}. Next: {reason.next}")

    _enter(lambda: ledger.seal_evidence(folder, str(judged.word), judged.word.exit, phase=evidence.drill))
    return judged.word.exit


def _enter(make_entry: Callable[[], str]) -> None:
    """Make an entry in the ledger; a drill goes on without, and proves nothing to who asks for the entry."""
    try:
        make_entry()
    except (OSError, ReadinessError) as error:
        say(f"  not in the ledger, so it is not evidence: {error}")
