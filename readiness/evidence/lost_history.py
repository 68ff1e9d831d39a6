"""Whether the history of an environment is here: what lies there of older runs that its ledger does not know.

A ledger that was deleted is begun anew by whatever is entered next. So its first entry says what lay there by then.
Until somebody accepts that, no good word stands on it: a step that was reached may be missing, or a refused start.
"""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from readiness.errors import NoRun
from readiness.evidence import run_folders
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.pending_starts import pending
from readiness.evidence.previous_run import candidates
from readiness.files.history_tables import FILE as TABLES
from readiness.outcomes import Phase

NAMED_AT_MOST = 3


def traces(home: Path, known: Container[str] = ()) -> list[str]:
    """Return what lies in an environment's folder of runs that are not among the known ones, the newest first."""
    folders = [folder.name for folder in candidates(home.parent, home.name)]
    pointed = [name for phase in Phase if (name := pointed_at(home, phase))]
    unknown = [name for name in dict.fromkeys([*folders, *pointed]) if name not in known]
    # Its rows are of runs that ended; it is asked only where nothing else is left.
    return unknown or [TABLES] * ((home / TABLES).is_file() and not known)


def pointed_at(home: Path, phase: Phase) -> str:
    """Return the run that the pointer of a phase names; empty where there is none that can be read."""
    pointer = home / f"{run_folders.LATEST}{phase}"
    try:
        return run_folders.pointed_at(pointer) if pointer.is_file() else ""
    except NoRun:
        return ""


def lost(home: Path, ledger: LedgerReading | None) -> str:
    """Return that the history of an environment is not here; empty where nothing shows that."""
    if ledger is None:
        names = traces(home)
        return _told(home, "there is no ledger", names) if names else ""
    if ledger.began_late is None:
        return ""
    return _told(home, "the ledger was begun anew beside them", ledger.began_late.entry.beside)


def _told(home: Path, why: str, names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    lying = f"{', '.join(names[:NAMED_AT_MOST])}{more}"
    remedy = f"bring ledger.jsonl back, or accept it once: readiness gate PHASE --env {home.name} --first-run"
    return f"history not here: {lying} in {home}, and {why}; {remedy}"


def missing_history(home: Path, phase: Phase, ledger: LedgerReading | None) -> str:
    """Return that something of a phase has begun and ended of which the ledger does not know; empty where nothing has.

    What is still under way is passed over: it counts when it has ended.
    """
    pointed = pointed_at(home, phase)
    if pointed and run_folders.is_under_way(home / pointed):
        return ""
    killed = [start.says for start in pending(home) if start.phase in {phase, None} and not start.is_alive]
    return gone_from_ledger(home, phase, ledger) or next(iter(killed), "")


def gone_from_ledger(home: Path, phase: Phase, ledger: LedgerReading | None) -> str:
    """Return that a run of the phase has begun which the ledger does not know; empty where none has."""
    name = pointed_at(home, phase)
    if ledger is None or not name or name in ledger.runs:
        return ""
    pointer = f"{run_folders.LATEST}{phase}"
    return f"{pointer} names {name}, which the ledger does not know: its end was cut, or that run died at once"
