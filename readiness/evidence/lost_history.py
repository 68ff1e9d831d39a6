"""Whether the history of an environment is here: what lies there of older runs that its ledger does not know.

A ledger that was deleted is begun anew by whatever is entered next. So its first entry says what lay there by then.
Until somebody accepts that, no good word stands on it: a step that was reached may be missing, or a refused start.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, datetime
from pathlib import Path

from readiness.errors import BadRun, NoRun
from readiness.evidence import run_folders
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.pending_starts import pending
from readiness.evidence.previous_run import candidates
from readiness.files.history_tables import FILE as TABLES
from readiness.outcomes import Phase

NAMED_AT_MOST = 3
_EVER = datetime.min.replace(tzinfo=UTC)


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
    is_first = ledger.began_late.number == 0
    why = "the ledger was begun anew beside them" if is_first else "the ledger did not know them: its end was cut off"
    return _told(home, why, ledger.began_late.entry.beside)


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
    if ledger is None:
        return ""
    name = pointed_at(home, phase)
    if name and name not in ledger.runs:
        pointer = f"{run_folders.LATEST}{phase}"
        return f"{pointer} names {name}, which the ledger does not know: its end was cut, or that run died at once"
    return cut_off(home, phase, ledger)


def cut_off(home: Path, phase: Phase, ledger: LedgerReading | None) -> str:
    """Return that a run lies here which is newer than all that the ledger knows of its phase; empty otherwise."""
    name = cut_off_run(home, phase, ledger)
    if not name:
        return ""
    lies = f"{name} lies in {home}, and the ledger does not know that run"
    remedy = f"bring ledger.jsonl back, or move the folder away and run {phase} again"
    return f"history not here: {lies}: entries were cut off, or it was copied in; {remedy}"


def cut_off_run(home: Path, phase: Phase, ledger: LedgerReading | None) -> str:
    """Return the run that began or ended after all that the ledger knows of its phase; empty where none did.

    One that was killed counts too: each run is in the ledger before its journal has a record. An older one takes
    nothing away, and a folder that was copied under another name is not the run that it names.
    """
    if ledger is None:
        return ""
    began, ended = _last_known(ledger, phase)
    for folder in candidates(home.parent, home.name, phase):
        if folder.name in ledger.runs or run_folders.is_under_way(folder):
            continue
        run = _begun_here(folder, phase)
        is_newer = run is not None and (run.start.started_at > began or _finished_at(run) > ended)
        if is_newer:
            return folder.name
    return ""


def _last_known(ledger: LedgerReading, phase: Phase) -> tuple[datetime, datetime]:
    """Return when the last run of a phase that the ledger knows began, and when the last one ended."""
    of_phase = [record for record in ledger.runs.values() if record.entry.kind == "run" and record.entry.phase == phase]
    began = [record.opened.entry.started_at or record.opened.entry.at for record in of_phase if record.opened]
    ended = [record.sealed.entry.at for record in of_phase if record.sealed]
    return max(began, default=_EVER), max(ended, default=_EVER)


def _begun_here(folder: Path, phase: Phase) -> RecordedRun | None:
    """Return the run in a folder that is one of this place by its own word; None for any other, and for a replay."""
    try:
        run = read_run(folder)
    except BadRun:
        return None
    start = run.start
    is_of_here = (start.run, start.env, start.phase) == (folder.name, folder.parent.name, phase)
    return run if is_of_here and not start.replay else None


def _finished_at(run: RecordedRun) -> datetime:
    return run.finish.finished_at if run.finish else _EVER
