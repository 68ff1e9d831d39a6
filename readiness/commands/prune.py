"""`readiness prune`: remove old runs, and leave what ladder, history and ledger need."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from readiness.commands import add_env, add_environments, add_reports
from readiness.errors import BadInput, BadRun
from readiness.evidence.audit import audit_run, read_ledger
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.ledger import Ledger
from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.rejudge import judge
from readiness.evidence.retention import removable
from readiness.evidence.signing import PublicKey, signer_of, trusted_keys
from readiness.files.history_tables import FILE
from readiness.rendering.history import append
from readiness.rendering.terminal import say
from readiness.timeline import parse_span

HELP = "remove the folders of old runs; the ledger keeps what they came to"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_env(parser)
    parser.add_argument("--keep", required=True, metavar="SPAN", help="runs of this age and younger stay: 30d, 12w")
    parser.add_argument("--dry-run", action="store_true", help="show what would be removed, and remove nothing")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Remove what nothing needs, entering each folder into the ledger first; return 0. Raises BadInput and BadRun."""
    try:
        oldest = datetime.now(UTC) - parse_span(options.keep)
    except (ValueError, OverflowError) as error:
        raise BadInput([f"--keep: {error}"]) from None

    home = options.reports / options.env
    trusted = trusted_keys(options.environments)
    ledger = read_ledger(home, trusted)
    if ledger is None:
        raise BadRun(f"there is no ledger in {home}: without it nobody knows which runs are needed")
    # What is damaged is evidence of the damage.
    if ledger.problems:
        raise BadRun(f"nothing is removed while the ledger is damaged: {ledger.problems[0]}")

    old = [record for record in removable(ledger, oldest) if (home / record.name).is_dir()]
    sound = {record.name: run for record in old if (run := _sound(home / record.name, ledger, trusted))}
    writer = Ledger(home, signer_of(os.environ))
    if not options.dry_run:
        for name, recorded in sound.items():
            _remove(recorded, ledger.runs[name], writer)
    for line in _told(old, sound, options):
        say(line)
    return 0


def _sound(folder: Path, ledger: LedgerReading, trusted: Mapping[str, PublicKey]) -> RecordedRun | None:
    """Return a run that is as it was sealed; None for any other, because its folder shows what was done to it."""
    try:
        recorded = read_run(folder)
    except BadRun:
        return None
    return None if audit_run(recorded, ledger, trusted).tampered else recorded


def _remove(recorded: RecordedRun, record: LedgerRecord, writer: Ledger) -> None:
    """Remove the folder of a run. Raises BadRun where that cannot be entered, and then leaves it."""
    folder = recorded.folder
    append(folder.parent / FILE, recorded, judge(recorded))
    try:
        writer.prune(folder, phase=record.entry.phase, head=record.entry.head)
        shutil.rmtree(folder)
    except OSError as error:
        raise BadRun(f"{folder} could not be removed: {error}") from None


def _told(old: list[LedgerRecord], sound: Collection[str], options: argparse.Namespace) -> Iterator[str]:
    verb = "would remove" if options.dry_run else "removed"
    for record in old:
        word = verb if record.name in sound else "KEPT"
        why = "" if record.name in sound else ": it is not as it was sealed (readiness verify)"
        yield f"{word:<13}{record.name}  {record.ended}{why}"
    yield f"{verb} {len(sound)} runs; the ledger has what they came to, history.sqlite their figures"
