"""What is left of a start that was refused: an entry in the ledger, so that no older good run is the newest known."""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from readiness.errors import BadInput
from readiness.evidence.ledger import FILE, Ledger, read
from readiness.evidence.ledger_reading import ANY_PHASE
from readiness.evidence.pending_ends import dead_ends, never_ended
from readiness.evidence.pending_starts import pending
from readiness.evidence.signing import Signer, signer_of
from readiness.outcomes import Phase
from readiness.plugin import INVOCATION
from readiness.redaction.shown import shown
from readiness.verdict import INCOMPLETE_EXIT

REASON_AT_MOST = 400
_ID = re.compile(r"[0-9a-f]{32}\Z")


def taken_invocation(variables: MutableMapping[str, str]) -> str:
    """Return the id of the gate that started this process, and take it away: what it starts itself is another run."""
    invocation = variables.pop(INVOCATION, "")
    return invocation if _ID.match(invocation) else ""


def enter_refused(home: Path, phase: Phase | None, invocation: str, reason: str) -> None:
    """Enter a start that was refused; where nothing can be written, the message of the refusal is all there is.

    Where nobody knows its phase, it may have been meant for any of them, and counts for each.
    """
    now = datetime.now(UTC)
    facts = {
        "phase": phase or ANY_PHASE,
        "started_at": now.isoformat(),
        "invocation": invocation,
        "reason": shown_reason(reason),
    }
    try:
        home.mkdir(parents=True, exist_ok=True)
        Ledger(home, _signer()).refuse(f"{now:%Y%m%dT%H%M%S.%fZ}-{phase or 'any'}-refused", **facts)
    except OSError:
        return


def enter_killed(home: Path) -> None:
    """Enter the starts that were killed before they came to a run, ahead of the run that begins now."""
    for start in pending(home):
        if start.is_alive:
            continue
        enter_refused(home, start.phase, "", start.says)
        with suppress(OSError):
            start.path.unlink()
    _enter_dead_ends(home)


def _enter_dead_ends(home: Path) -> None:
    """Enter the good runs whose process died before pytest had ended. What the ledger does not know stays."""
    dead = list(dead_ends(home))
    records = read(home / FILE, {}).runs if dead and (home / FILE).exists() else {}
    for path, run in dead:
        record = records.get(run)
        if record is None or record.sealed is None:
            continue
        with suppress(OSError):
            Ledger(home, _signer()).end_red(home / run, exit=INCOMPLETE_EXIT, reason=never_ended(home, run))
            path.unlink()


def shown_reason(reason: str) -> str:
    """Return a reason without secrets, as much of it as a reader needs."""
    return shown(reason, REASON_AT_MOST)


def _signer() -> Signer | None:
    """Return what signs; None where the key itself may be why the run was refused."""
    try:
        return signer_of(os.environ)
    except BadInput:
        return None
