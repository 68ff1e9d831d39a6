"""The phases before the last one, when somebody asks again: what has become of them since the launch was judged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.environment.stated import stated_environment
from readiness.evidence.earlier_evidence import borne_out, hold_to_earlier_evidence, turned_bad
from readiness.evidence.earlier_phases import earlier_phases
from readiness.evidence.findings import Audit
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.lost_history import missing_history
from readiness.evidence.reasons import Reason
from readiness.evidence.records import Start
from readiness.evidence.signing import PublicKey
from readiness.outcomes import Phase
from readiness.runbook.overlays import load_stated
from readiness.verdict import DECIDING

if TYPE_CHECKING:
    from readiness.runbook.lines import Runbook


def deciding_phases(books: Sequence[Runbook], spared: Collection[str]) -> list[Phase]:
    """Return the phases before the last one in which the runbooks have a line that decides; `spared` are left out."""

    def decides(phase: Phase) -> bool:
        items = [item for book in books for item in book.items(phase) if item.line_id not in spared]
        return any(item.line.gate in DECIDING for item in items)

    return [phase for phase in Phase if phase is not Phase.GA and decides(phase)]


def hold_to_phases_before(
    audit: Audit,
    start: Start,
    home: Path,
    environments: Path | None,
    ledger: LedgerReading | None,
    trusted: Mapping[str, PublicKey],
    moment: datetime,
) -> None:
    """Add what has become, up to a moment, of the phases on which an approval rests; `home` has their evidence.

    Where the folder of the environment files is known, a phase counts too in which the runbooks decide only since.
    """
    if start.earlier_phases is None:
        return
    audit.lacks(Reason.NOT_TODAY, *turned_bad(start, home, ledger, trusted, moment))
    hold_to_earlier_evidence(audit, start, home, ledger, trusted)
    audit.lacks(Reason.NOT_EVIDENCE, *_without_history(start, home, ledger))
    if environments:
        judged = {earlier.phase for earlier in start.earlier_phases}
        added = [phase for phase in _deciding_today(environments, start.env, moment) if phase not in judged]
        audit.lacks(Reason.NOT_TODAY, *_not_well(added, start, home, ledger, trusted, moment))


def _without_history(start: Start, home: Path, ledger: LedgerReading | None) -> Iterator[str]:
    """Yield where the ledger does not know what a phase came to last."""
    for earlier in start.earlier_phases or ():
        missing = missing_history(home, earlier.phase, ledger)
        if missing:
            yield f"it rests on {earlier.phase}, of which history is not here: {missing}"


def _deciding_today(environments: Path, name: str, moment: datetime) -> list[Phase]:
    """Return the phases that decide by what is stated today; none where that cannot be read: that is told elsewhere."""
    path = environments / f"{name}.yaml"
    stated = stated_environment(path)
    problems: list[str] = []
    books = [book.at(moment) for book in load_stated(stated.runbooks, path, problems)]
    return [] if problems else deciding_phases(books, stated.not_applicable)


def _not_well(
    phases: Sequence[Phase],
    start: Start,
    home: Path,
    ledger: LedgerReading | None,
    trusted: Mapping[str, PublicKey],
    moment: datetime,
) -> Iterator[str]:
    bears_out = partial(borne_out, home=home, ledger=ledger, trusted=trusted)
    for earlier in earlier_phases(phases, ledger, start.target.url, moment, bears_out):
        standing = earlier.standing()
        if not standing.is_good:
            yield f"{earlier.phase} decides since, and {standing.says}"
