"""`readiness prune`: remove old runs, and leave what ladder, history and ledger need."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator, Mapping
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

CANNOT_BE_REMOVED = 4
"""The exit code where something stays that should go."""
ALTERED = "it is not as it was sealed (readiness verify)"
LINK = "it is a link to where it was moved: put the folder itself in its place, then prune again"
MOUNT = "it is the root of a file system of its own: put a folder in its place, then prune again"
LEFT_OVER = "the ledger has it as removed, and it is still there: remove it by hand"
"""Why the folder of a run stays."""

HELP = "remove the folders of old runs; the ledger keeps what they came to"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_env(parser)
    parser.add_argument("--keep", required=True, metavar="SPAN", help="runs of this age and younger stay: 30d, 12w")
    parser.add_argument("--dry-run", action="store_true", help="show what would be removed, and remove nothing")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Remove what nothing needs, entering each folder into the ledger first. Raises BadInput and BadRun.

    Return 0, or 4 where a folder stays that cannot be removed. That is decided before anything is written.
    """
    try:
        oldest = datetime.now(UTC) - parse_span(options.keep)
    except (ValueError, OverflowError) as error:
        raise BadInput([f"--keep: {error}"]) from None

    home = options.reports / options.env
    trusted = trusted_keys(options.environments)
    ledger = _undamaged_ledger(home, trusted)
    old = [record for record in removable(ledger, oldest) if (home / record.name).is_dir()]
    sound = {record.name: run for record in old if (run := _sound(home / record.name, ledger, trusted))}
    left_over = [record for record in _removed_before(ledger, oldest) if (home / record.name).is_dir()]

    stuck = {name: why for name in sound if (why := _why_stuck(home / name))}
    stuck |= {record.name: LEFT_OVER for record in left_over}
    kept = {record.name: ALTERED for record in old if record.name not in sound} | stuck

    writer = Ledger(home, signer_of(os.environ))
    if not options.dry_run:
        for name in [name for name in sound if name not in kept]:
            _remove(sound[name], ledger.runs[name], writer)
    for line in _told([*old, *left_over], kept, options):
        say(line)
    return CANNOT_BE_REMOVED if stuck else 0


def _undamaged_ledger(home: Path, trusted: Mapping[str, PublicKey]) -> LedgerReading:
    """Return the ledger of an environment. Raises BadRun where there is none, and where it is damaged."""
    ledger = read_ledger(home, trusted)
    if ledger is None:
        raise BadRun(f"there is no ledger in {home}: without it nobody knows which runs are needed")
    # What is damaged is evidence of the damage.
    if ledger.problems:
        raise BadRun(f"nothing is removed while the ledger is damaged: {ledger.problems[0]}")
    return ledger


def _removed_before(ledger: LedgerReading, oldest: datetime) -> list[LedgerRecord]:
    """Return the runs that opened before a moment and whose removal is in the ledger."""
    removed = (record for record in ledger.runs.values() if record.pruned)
    return [record for record in removed if record.opened and record.opened.entry.at < oldest]


def _why_stuck(folder: Path) -> str:
    """Return why the folder of a run cannot be removed, and what to do; empty where nothing is known against it."""
    # What lies elsewhere may be kept there on purpose.
    if folder.is_symlink():
        return LINK
    if folder.is_mount():
        return MOUNT

    places = [folder.parent, *(Path(place) for place, _, _ in os.walk(folder))]
    closed = next((place for place in places if not _may_write(place)), None)
    return f"{closed} cannot be written: let whoever prunes write there, then prune again" if closed else ""


def _may_write(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


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


def _told(old: list[LedgerRecord], kept: Mapping[str, str], options: argparse.Namespace) -> Iterator[str]:
    verb = "would remove" if options.dry_run else "removed"
    for record in old:
        why = kept.get(record.name)
        word = "KEPT" if why else verb
        yield f"{word:<13}{record.name}  {record.ended}{f': {why}' if why else ''}"
    removed = len(old) - len(kept)
    yield f"{verb} {removed} runs; the ledger has what they came to, history.sqlite their figures"
