"""`readiness gate`: run a phase, and accept that run and no other. A pipeline needs this one command."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Self

from readiness.commands import add_anchor, add_env, add_environments, add_reports
from readiness.commands.ledger import hold_to_kept, named_places
from readiness.config.project_root import project_root
from readiness.environment.names import names
from readiness.errors import BadInput, not_one_of
from readiness.evidence.acceptance import RED_EXIT, Acceptance, Asked, accept, stated_head
from readiness.evidence.anchored import contradictions, recalled_of
from readiness.evidence.audit import read_ledger
from readiness.evidence.ended_run import EndedRun, hold_to_end
from readiness.evidence.findings import Audit
from readiness.evidence.key_worth import counts
from readiness.evidence.ledger import FILE, Ledger
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.lost_history import cut_off, lost
from readiness.evidence.pending_ends import EndMarker, taken_over
from readiness.evidence.reasons import Reason
from readiness.evidence.sealed_folder import TEST_RESULT
from readiness.evidence.signing import SHOWN, PublicKey, Signer, signer_of, trusted_keys
from readiness.outcomes import Phase
from readiness.plugin import INVOCATION
from readiness.plugin.command_line import phase_named
from readiness.plugin.gate_options import refusals
from readiness.plugin.refusing import enter_refused
from readiness.plugin.starting import is_name
from readiness.rendering.signed_files import write_summary
from readiness.rendering.terminal import say
from readiness.verdict import INCOMPLETE_EXIT

HELP = "run a phase and accept only that run: exit 0 only for GO, OK or APPROVED. For pipelines"
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHOWN_AT_MOST = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("phase", metavar="PHASE", help=f"{', '.join(Phase)}; pytest's own options may follow")
    add_env(parser)
    parser.add_argument("--require-signed", action="store_true", help="accept only a run that a trusted key has signed")
    head = "a head of the ledger that was kept elsewhere: the history must have it"
    parser.add_argument("--head", metavar="DIGEST", help=head)
    first = "there is no history yet: without it a ledger that lacks --head, or older runs, is INCOMPLETE"
    parser.add_argument("--first-run", action="store_true", help=first)
    add_anchor(parser, "keep the head of the ledger after the run, beside where the environment states")
    add_environments(parser)
    add_reports(parser)
    parser.set_defaults(more=[])


def run(options: argparse.Namespace) -> int:
    """Run the phase and return what that run is worth, however it ended. Raises BadInput."""
    try:
        phase = _phase(options.phase)
        head = stated_head(options.head)
        _refuse_what_does_not_fit(options)
        named = named_places(options)
        trusted = trusted_keys(options.environments)
    except BadInput as error:
        enter_refusal(options, str(error))
        raise

    home = options.reports.resolve() / options.env
    asked = Asked(home, phase, uuid.uuid4().hex)
    is_first: bool = options.first_run
    not_here = [] if is_first else list(_history_lost(home, phase, read_ledger(home, trusted), head))
    not_here += [] if is_first else _history_contradicted(options, trusted)
    for line in _signs_in_vain(asked, trusted):
        say(line)
    _ask(asked, is_first=is_first)

    ended = run_pytest(_words(options, phase), {**os.environ, INVOCATION: asked.invocation}, project_root(Path.cwd()))
    accepted = _accepted(asked, trusted, ended)
    ledger = read_ledger(home, trusted)
    if accepted.examined:
        recorded = accepted.examined.recorded
        # What was changed while the run was under way has not been judged.
        lacking = Audit()
        ended_run = EndedRun(recorded, ledger, trusted, options.environments, options.reports)
        hold_to_end(lacking, ended_run, datetime.now(UTC), is_signature_required=options.require_signed)
        hold_to_kept(lacking, options, named, recorded, ledger)
        accepted = _held_against(accepted, [*not_here, *lacking.tampered, *lacking.unproven])
        accepted = _held_against(accepted, list(_summarise(accepted, ledger, trusted)))
    for line in _told(accepted, ledger, asked, ended):
        say(line)
    return accepted.exit


def _phase(word: str) -> Phase:
    """Return the phase of a name. Raises BadInput."""
    if word not in list(Phase):
        raise BadInput([f"PHASE {not_one_of(word, list(map(str, Phase)))}"])
    return Phase(word)


def _refuse_what_does_not_fit(options: argparse.Namespace) -> None:
    """Raise BadInput, before anything starts, for an unknown environment and for what would go round the gate."""
    problems = refusals(options.more, os.environ)
    listed = names(options.environments)
    # A file whose own mistakes hide what it is has them told by the run.
    if options.env not in listed and not (options.environments / f"{options.env}.yaml").is_file():
        problems.append(f"--env {not_one_of(options.env, listed)}, in {options.environments.resolve()}")
    if problems:
        raise BadInput(problems)


def enter_refusal(options: argparse.Namespace, reason: str) -> None:
    """Enter that a gate was refused, where something good may be known that this takes away."""
    home = options.reports / options.env
    if is_name(options.env) and (home / FILE).is_file():
        enter_refused(home, phase_named(options.phase), "", reason)


def _words(options: argparse.Namespace, phase: Phase) -> list[str]:
    """Return the words of pytest; folders are named from the root, where they may have been named from here."""
    places = [f"--environments={options.environments.resolve()}", f"--reports={options.reports.resolve()}"]
    return ["-m", phase, "--env", options.env, *places, *options.more]


def _ask(asked: Asked, *, is_first: bool) -> None:
    """Enter first of all that a run is asked for: if none appears, no older one counts. Raises BadInput."""
    try:
        asked.home.mkdir(parents=True, exist_ok=True)
        first = {"first": True} if is_first else {}
        Ledger(asked.home, _signer()).ask(asked.invocation, phase=str(asked.phase), **first)
    except OSError as error:
        raise BadInput([f"{asked.home}: the ledger cannot be written: {error.strerror}; nothing was run"]) from None


def _signer() -> Signer | None:
    try:
        return signer_of(os.environ)
    except BadInput:
        return None  # the run is refused for it, and says why


def _accepted(asked: Asked, trusted: Mapping[str, PublicKey], ended: int) -> Acceptance:
    """Return what the run of this gate is worth by its evidence, and enter that pytest ended red behind it."""
    marker = _end_taken_over(asked, trusted)
    accepted = accept(asked, read_ledger(asked.home, trusted), trusted, ended)
    if accepted.red_end:
        accepted = _entered(accepted, asked.home)
    if marker:
        # Where it cannot be removed the end counts as unknown.
        with suppress(OSError):
            marker.remove()
    return accepted


def _end_taken_over(asked: Asked, trusted: Mapping[str, PublicKey]) -> EndMarker | None:
    """Return the file of the end, where the run of this gate left one: from here on the gate says how it ended."""
    ledger = read_ledger(asked.home, trusted)
    runs = ledger.runs.values() if ledger else ()
    own = [record.name for record in runs if record.opened and record.opened.entry.invocation == asked.invocation]
    return taken_over(asked.home, own[0]) if own else None


def _signs_in_vain(asked: Asked, trusted: Mapping[str, PublicKey]) -> Iterator[str]:
    """Yield, before anything runs, that what the key of this process signs will not count."""
    signer = _signer()
    key = trusted.get(signer.key_id) if signer else None
    refused = key.may_not_sign(str(asked.phase), asked.home.name, datetime.now(UTC)) if key else ""
    if refused:
        yield f"gate      this run will not count as evidence: it signs with {refused}"


def run_pytest(words: Sequence[str], variables: Mapping[str, str], root: Path) -> int:
    """Run pytest to its end, and return how it ended; what tells this process to stop reaches it."""
    command = [sys.executable, "-m", "pytest", *words]
    with _Forwarding() as forwarding:
        # In a group of its own: Ctrl-C at a terminal reaches it once, through this process.
        process = subprocess.Popen(command, cwd=root, env=dict(variables), process_group=0)  # noqa: S603  this Python
        forwarding.begin(process)
        return process.wait()


class _Forwarding:
    """Passes on the signals that would end this process: the run ends with its evidence, and that is judged."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._forward) for number in FORWARDED}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def begin(self, process: subprocess.Popen[bytes]) -> None:
        """Pass on from now on, and what has come already."""
        self._process = process
        for number in self._early:
            self._forward(number, None)

    def _forward(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._process is None:
            self._early.append(number)
            return
        self._process.send_signal(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)


def _history_lost(home: Path, phase: Phase, ledger: LedgerReading | None, head: str | None) -> Iterator[str]:
    """Yield that the history is not here: older runs lie there without it, or a head stands for it."""
    yield from filter(None, [lost(home, ledger), cut_off(home, phase, ledger)])
    if head is None:
        return
    if ledger is None:
        yield f"history not here: there is no ledger, and --head {head[:SHOWN]} says that there was one"
    elif ledger.anchored(head) is None:
        yield f"history not here: the ledger never had the head {head[:SHOWN]}; it was cut, or is another one"


def _history_contradicted(options: argparse.Namespace, trusted: Mapping[str, PublicKey]) -> list[str]:
    """Return what the anchors have against the history, before anything is added to it."""
    ledger = read_ledger(options.reports / options.env, trusted)
    recalled = recalled_of(options.env, options.environments / f"{options.env}.yaml", options.anchor)
    gaps = [gap for each in recalled for gap in contradictions(ledger, each)]
    return [f"history not here: {gap.says}" for gap in gaps if gap.reason is not Reason.NOT_ANCHORED]


def _held_against(accepted: Acceptance, more: Sequence[str]) -> Acceptance:
    """Return what is left when more is held against a run: a good word becomes INCOMPLETE, a bad one stays."""
    if not more:
        return accepted
    return Acceptance(accepted.exit or INCOMPLETE_EXIT, (*accepted.why, *more), accepted.examined)


def _summarise(accepted: Acceptance, ledger: LedgerReading | None, trusted: Mapping[str, PublicKey]) -> Iterator[str]:
    """Write what a release gate reads of a signed run, PASSED only with exit 0; yield why that cannot be written."""
    signer = _signer()
    recorded = accepted.examined.recorded if accepted.examined else None
    if signer is None or recorded is None or ledger is None:
        return

    record = ledger.runs.get(recorded.folder.name)
    is_signed = bool(record and record.sealed and TEST_RESULT in record.sealed.files)
    if not is_signed:
        return

    start = recorded.start
    is_key_of_run = signer.key_id == start.key_id
    # A summary under a key that may not sign it would be one that was altered.
    if not is_key_of_run and not counts(signer, trusted, str(start.phase), start.env):
        return
    try:
        write_summary(recorded, signer, is_accepted=accepted.exit == 0)
    except OSError as error:
        yield f"the summary for release gates could not be written: {error}"


def _entered(accepted: Acceptance, home: Path) -> Acceptance:
    """Enter that pytest ended red after a good run: nothing else remembers it. Return what is left of the word."""
    if accepted.examined is None:
        return accepted
    folder = accepted.examined.recorded.folder
    code = accepted.exit
    try:
        Ledger(home, _signer()).end_red(home / folder.name, exit=code, reason=accepted.red_end)
    except OSError as error:
        return _held_against(accepted, [f"the ledger cannot say so: {error.strerror}"])
    return accepted


def _told(accepted: Acceptance, ledger: LedgerReading | None, asked: Asked, ended: int) -> Iterator[str]:
    """Yield what stands in the way, and last the one line that says which run it was."""
    for why in accepted.why[:SHOWN_AT_MOST]:
        yield f"gate      {why}"

    head = f"; ledger head {ledger.head[:SHOWN]}" if ledger else ""
    if accepted.examined is None:
        none = f"no run of {asked.home.name} {asked.phase}, files {asked.home}"
        yield f"gate      INCOMPLETE ({accepted.exit}): {none}{head}"
        return

    start, verdict = accepted.examined.recorded.start, accepted.examined.judged.verdict
    if ended != verdict.exit and not accepted.why:
        yield f"gate      pytest ended with {ended}; its evidence decides"
    # An action such as "go on" is for a verdict that stands.
    if accepted.exit == verdict.exit:
        yield f"verdict   {verdict.word}: {verdict.action}"
    word = str(verdict.word) if accepted.exit == verdict.exit else f"none, recorded as {verdict.word}"
    if verdict.good and accepted.exit == RED_EXIT and not accepted.examined.audit.tampered:
        word = f"{verdict.word} by its lines, and red beside them"
    where = f"run {start.run} of {start.env}, target {start.target.url}, files {accepted.examined.recorded.folder}"
    yield f"gate      {word} ({accepted.exit}): {where}{head}"
