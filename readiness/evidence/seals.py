"""What the ledgers have against the rehearsals and drills that a check relies on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence.audit import SIGNED_BY_NOBODY, read_ledger
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.sealed_folder import changed
from readiness.evidence.signing import PublicKey


class Seals:
    """What the ledgers have against rehearsals and drills, where the project trusts a key: without one nothing."""

    def __init__(self, trusted: Mapping[str, PublicKey]) -> None:
        self._trusted = trusted
        self._readings: dict[Path, LedgerReading | str] = {}
        """By the folder of an environment; why there is none, where it is a text."""

    def against(self, folder: Path) -> Iterator[str]:
        """Yield why a folder is no evidence."""
        if not self._trusted:
            return

        # By the names on the way to it: the folder may lie elsewhere, with a link in its place.
        home = folder.absolute().parents[1]
        if home not in self._readings:
            self._readings[home] = self._read(home)

        reading = self._readings[home]
        if isinstance(reading, str):
            yield reading
        else:
            yield from _unsealed(reading, folder)

    def _read(self, home: Path) -> LedgerReading | str:
        try:
            return read_ledger(home, self._trusted) or "no ledger lies beside it"
        except BadRun as error:
            return str(error)


def _unsealed(reading: LedgerReading, folder: Path) -> Iterator[str]:
    for problem in reading.problems:
        yield f"the ledger is damaged: {problem}"

    record = reading.runs.get(f"{folder.parent.name}/{folder.name}")
    if record is None:
        yield "the ledger does not know it: it was copied in, or its entries were removed"
    elif record.sealed is None:
        yield "it was never sealed: it was broken off, or is still under way"
    elif record.uncounted:
        yield record.uncounted.says
    elif record.key is None:
        yield f"{SIGNED_BY_NOBODY} whom the project trusts: set READINESS_SIGNING_KEY_FILE and make it again"
    else:
        yield from changed(folder, record.sealed.files)
