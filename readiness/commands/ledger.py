"""`readiness ledger`: mend what a crash or a power cut has torn, in the open, and keep its head elsewhere."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from readiness.commands import add_anchor, add_env, add_environments, add_reports
from readiness.errors import BadInput, BadRun
from readiness.evidence.anchored import hold_to_anchors, places_of, recalled_of
from readiness.evidence.anchors import NotAnchored, keep
from readiness.evidence.anchors import Place as AnchorPlace
from readiness.evidence.audit import read_ledger
from readiness.evidence.findings import Audit
from readiness.evidence.journal import RecordedRun
from readiness.evidence.ledger import BYTES_AT_MOST, Ledger
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.reasons import Reason
from readiness.evidence.signing import FILE_VARIABLE, SHOWN, PublicKey, Signer, signer_of, trusted_keys
from readiness.evidence.torn_lines import told_torn
from readiness.files import bounded_read
from readiness.redaction.shown import shown
from readiness.rendering.terminal import say

HELP = "mend a ledger that a crash has torn, or keep its head where nobody can cut it unseen"
BEGINNING = 60
"""The bytes of a torn line that are shown."""
ACTIONS = ("mend", "anchor")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    does = "mend: seal what is left of a torn entry, and remove nothing; anchor: keep the head of the ledger elsewhere"
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help=does)
    add_env(parser)
    parser.add_argument("--dry-run", action="store_true", help="mend: show what is torn and what would be written")
    add_anchor(parser, "anchor: keep the head there too, beside where the environment states")
    add_environments(parser)
    add_reports(parser)


def run(options: argparse.Namespace) -> int:
    """Mend the ledger of an environment, or keep its head; return 0. Raises BadInput and BadRun."""
    return _anchor(options) if options.action == "anchor" else _mend_torn(options)


def _anchor(options: argparse.Namespace) -> int:
    """Keep the head of the ledger in each place; return 0. Raises BadInput and BadRun."""
    if options.dry_run:
        raise BadInput(["--dry-run goes with mend: readiness ledger mend --dry-run"])
    file = options.environments / f"{options.env}.yaml"
    places = places_of(file, options.anchor)
    if not places:
        raise BadInput([f"nothing says where: state evidence.anchor in {file.name}, or name a place: --anchor WHERE"])

    ledger = read_ledger(options.reports / options.env, trusted_keys(options.environments))
    if ledger is None:
        raise BadRun(f"there is no ledger in {options.reports / options.env}")
    problems = list(_keep(places, ledger))
    if problems:
        raise BadRun("\n".join(problems))
    return 0


def _keep(places: Iterable[AnchorPlace], ledger: LedgerReading) -> Iterator[str]:
    """Keep the head of a ledger in each place, and say so; yield why one did not."""
    for place in places:
        try:
            anchor = keep(place, ledger)
        except NotAnchored as error:
            yield shown(str(error))
        else:
            say(f"anchor    {place.shown}: head {anchor.head[:SHOWN]} of {anchor.entries} entries")


def named_places(options: argparse.Namespace) -> tuple[AnchorPlace, ...]:
    """Return the places that `--anchor` names, without those that the environment states. Raises BadInput."""
    if not options.anchor:
        return ()
    return places_of(options.environments / f"{options.env}.yaml", options.anchor)[-len(options.anchor) :]


def hold_to_kept(
    audit: Audit,
    options: argparse.Namespace,
    named: Iterable[AnchorPlace],
    recorded: RecordedRun,
    ledger: LedgerReading | None,
) -> None:
    """Keep the head after a run where `--anchor` says so; then hold the run against what all places have."""
    if ledger:
        audit.lacks(Reason.NOT_ANCHORED, *_keep(named, ledger))
    record = ledger.runs.get(recorded.folder.name) if ledger else None
    recalled = recalled_of(options.env, options.environments / f"{options.env}.yaml", options.anchor)
    hold_to_anchors(audit, ledger, recalled, record)


def _mend_torn(options: argparse.Namespace) -> int:
    """Mend the ledger; return 0, also where nothing is torn. Raises BadInput and BadRun."""
    if options.anchor:
        raise BadInput(["--anchor goes with anchor: readiness ledger anchor --anchor WHERE"])
    home: Path = options.reports / options.env
    trusted = trusted_keys(options.environments)
    seen = _bytes_of(home)
    ledger = read_ledger(home, trusted)
    if ledger is None:
        raise BadRun(f"there is no ledger in {home}")

    torn = {told_torn(ledger, tear) for tear in ledger.tears}
    beyond = [problem for problem in ledger.problems if problem not in torn]
    # What was changed is not torn: to seal it would make it look like an accident.
    if beyond:
        raise BadRun(f"only what is torn can be mended, and this was changed: {beyond[0]}")
    if not torn:
        say("torn      nothing: the ledger is whole")
        return 0

    for line in _told(ledger, seen):
        say(line)
    signer = _signer(ledger, trusted)
    if options.dry_run:
        say("mended    nothing: this was a dry run")
        return 0
    return _mend(Ledger(home, signer), seen, ledger)


def _mend(writer: Ledger, seen: bytes, ledger: LedgerReading) -> int:
    """Write the entry, and print the new head; return 0. Raises BadRun."""
    try:
        head = writer.mend(seen, ledger.tears)
    except OSError as error:
        raise BadRun(f"the ledger could not be written: {error.strerror or error}") from None
    say(f"mended    ledger head {head}")
    say(f"next      readiness verify --all --env {ledger.path.parent.name}")
    return 0


def _bytes_of(home: Path) -> bytes:
    """Return the ledger as it lies there; nothing where there is none. Raises BadRun."""
    path = Ledger(home, None).path
    try:
        return bounded_read.read_bytes(path, BYTES_AT_MOST) if path.exists() else b""
    except OSError as error:
        raise BadRun(f"there is no ledger to read: {error.strerror}: {path}") from None


def _told(ledger: LedgerReading, seen: bytes) -> Iterator[str]:
    """Yield what is torn, and what will be written."""
    lines = seen.split(b"\n")
    for tear in ledger.tears:
        raw = lines[tear.entry]
        empty = len(raw) - len(raw.rstrip(b"\0"))
        nul = f", {empty} of them NUL" if empty else ""
        yield f"torn      entry {tear.entry}: {tear.length} bytes are left{nul}; sha256 {tear.digest}"
        yield f"begins    {raw[:BEGINNING].rstrip(bytes(1)).decode('utf-8', 'replace')}"
    yield "writes    one entry with the place, digest and length of each; the bytes stay where they are"


def _signer(ledger: LedgerReading, trusted: Mapping[str, PublicKey]) -> Signer | None:
    """Return what signs the mend; None where no key was ever in use. Raises BadInput where a key is wanted."""
    signer = signer_of(os.environ)
    if not trusted and not ledger.ever_signed:
        return signer
    if signer is None:
        raise BadInput([f"set {FILE_VARIABLE}: runs of this ledger are signed, and so is what mends it"])

    key = trusted.get(signer.key_id)
    if key is None:
        raise BadInput([f"the key {signer.key_id[:SHOWN]} is not trusted by this project: readiness key lists them"])
    refused = key.may_not_sign("", ledger.path.parent.name, datetime.now(UTC))
    if refused:
        raise BadInput([f"{refused}: sign the mend with another key"])
    return signer
