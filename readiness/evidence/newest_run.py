"""The newest that is known of a phase, by the order of the ledger, and how long it counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence.audit import read_ledger
from readiness.evidence.journal import FILE
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.previous_run import SKEW, candidates
from readiness.evidence.records import Start
from readiness.outcomes import Phase

RHYTHM = {
    Phase.PREFLIGHT: timedelta(hours=72),
    Phase.SMOKE: timedelta(hours=24),
    Phase.POSTLAUNCH: timedelta(hours=24),
    Phase.GA: timedelta(days=7),
}
"""How long a run of a phase counts, unless somebody states it: from T-3d to the launch, a day, a day, a week."""


class MissingRun(BadRun):
    """The ledger has a run, and its folder is not there."""


@dataclass(frozen=True)
class Newest:
    """The newest run of a phase, or why the newest that is known of it is none."""

    folder: Path | None
    no_run: str = ""
    is_unheard_of: bool = False
    """Whether nobody has ever started one, as far as is known."""


def newest_of(home: Path, phase: Phase, ledger: LedgerReading | None) -> Newest:
    """Return the newest that is known of a phase. Raises MissingRun where it was removed."""
    lying = next(candidates(home.parent, home.name, phase), None)
    if ledger is None:
        # Without a ledger nobody knows the order: the names are all there is.
        return Newest(lying, "" if lying else f"nothing lies in {home}", is_unheard_of=not lying)

    line = ledger.newest_start(phase)
    if line is None:
        copied = f"; {lying.name} was copied in" if lying else ""
        return Newest(None, f"the ledger in {home} has none{copied}", is_unheard_of=not lying)

    no_run = ledger.why_no_run(phase)
    if no_run:
        return Newest(None, no_run)

    record = ledger.runs[line.entry.run]
    folder = home / record.name
    if record.sealed is None and not has_begun(folder):
        return Newest(None, f"{record.name} was opened at {_moment(line.entry.at)} and died before it wrote anything")
    if not folder.is_dir():
        missing = f"its folder is missing from {home}: it was deleted or moved away, bring it back"
        raise MissingRun(f"the newest run of {phase} is {record.name}, and {missing}")
    return Newest(folder)


def ordered(reports: Path, environment: str, phase: Phase | None = None) -> Iterator[Path]:
    """Yield the folders of runs, the newest first by the order of the ledger; last those that it does not know."""
    home = reports / environment
    ledger = read_ledger(home, {})
    places = {name: number for number, name in enumerate(ledger.runs, 1)} if ledger else {}
    # Sorting keeps the order of the names among those that the ledger does not know.
    yield from sorted(candidates(reports, environment, phase), key=lambda folder: -places.get(folder.name, 0))


def has_begun(folder: Path) -> bool:
    """Check whether a run has written anything."""
    journal = folder / FILE
    return journal.is_file() and journal.stat().st_size > 0


def ahead(start: Start, now: datetime) -> Iterator[str]:
    """Yield that by this clock a run has not begun."""
    if now - start.started_at < -SKEW:
        yield f"the run began {_moment(start.started_at)}, and it is {_moment(now)} now: one of the clocks is wrong"


def too_old(start: Start, at: datetime, at_most: timedelta) -> Iterator[str]:
    """Yield that a run began too long before a moment to count for it."""
    if at - start.started_at > at_most:
        yield f"the run began {_moment(start.started_at)}, longer than {shown_span(at_most)} ago: too old to decide now"


def shown_span(span: timedelta) -> str:
    """Return a span as `--newer-than` takes it.

    >>> shown_span(timedelta(hours=72)), shown_span(timedelta(minutes=90)), shown_span(timedelta(seconds=5))
    ('72h', '90m', '5s')
    """
    seconds = int(span.total_seconds())
    for size, unit in ((3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"
