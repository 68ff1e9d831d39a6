"""The folder of a run that somebody names, as its ledger knows it: where a folder lies is no evidence.

A folder of evidence may have been moved, with a link in its old place. What counts is that the content is the run's
own, and that the name of the run is that of its entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from readiness.evidence import ledger
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.signing import PublicKey

_LINKS_AT_MOST = 40
"""As many as the system itself follows."""


def beside_its_ledger(folder: Path, trusted: Mapping[str, PublicKey]) -> tuple[Path, LedgerReading | None]:
    """Return a run's folder under the name that the ledger beside it has, and that ledger; None where none has it.

    Raises BadRun where a ledger cannot be read.
    """
    reading = None
    for named in _names_of(folder):
        reading = _beside(named, trusted)
        if reading and named.name in reading.runs:
            return named, reading
    return named, reading


def _beside(folder: Path, trusted: Mapping[str, PublicKey]) -> LedgerReading | None:
    path = folder.parent / ledger.FILE
    return ledger.read(path, trusted, is_named_otherwise=True) if path.exists() else None


def _names_of(folder: Path) -> Iterator[Path]:
    """Yield the path of a folder, and that of each link on the way to where it lies."""
    named = folder.absolute()
    if ".." in named.parts:
        named = named.resolve() if named.name == ".." else named.parent.resolve() / named.name
    for _ in range(_LINKS_AT_MOST):
        yield named
        if not named.is_symlink():
            break
        target = named.parent / named.readlink()
        named = target.parent.resolve() / target.name
