"""A ledger as it was read: its lines, what they say of each run, and what was asked for and never became a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from readiness.evidence.findings import Gap
from readiness.evidence.signing import SHOWN, PublicKey
from readiness.evidence.statements import LedgerEntry, Tear, What

FIRST = "0" * 64
"""What the first line follows."""
ANY_PHASE = ""
"""The phase of a start that was refused before anybody knew which one was meant: it counts for each."""


@dataclass(frozen=True)
class LedgerLine:
    """One line of a ledger as it was read: the entry, and who signed it."""

    number: int
    digest: str
    what: What
    entry: LedgerEntry
    files: Mapping[str, str]
    """Of a seal: each file's name in the folder, and its digest. Of a page: its own."""
    key: PublicKey | None
    """The trusted key that signed it; None where nobody did, or nobody whom the project trusts."""
    signed: bool
    """Whether it carries a signature, of whomever."""
    uncounted: Gap | None = None
    """Why the signature of a trusted key does not count: what that key may not sign, or no longer."""


@dataclass
class LedgerRecord:
    """The lines about one run, rehearsal or drill."""

    name: str
    opened: LedgerLine | None = None
    sealed: LedgerLine | None = None
    refused: LedgerLine | None = None
    """It began, and was refused before it looked at anything: a usage error that shows late."""
    red_end: LedgerLine | None = None
    """Pytest ended red after it was sealed: something beside its lines is not well."""
    pruned: LedgerLine | None = None
    """Its folder was removed to save room."""

    @property
    def entry(self) -> LedgerEntry:
        """What the ledger has of the run: the seal's entry where there is one."""
        line = self.sealed or self.opened
        assert line  # a record is made of a line
        return line.entry

    @property
    def key(self) -> PublicKey | None:
        """The key that signed it, from its beginning to its end."""
        if self.opened and self.sealed and self.opened.key:
            return self.sealed.key
        return None

    @property
    def uncounted(self) -> Gap | None:
        """Why the signature of a trusted key does not count, of its beginning or its end."""
        gaps = [line.uncounted for line in (self.sealed, self.opened) if line and line.uncounted]
        return gaps[0] if gaps else None

    @property
    def signed(self) -> bool:
        """Whether somebody signed a part of it, trusted or not."""
        return any(line.signed for line in (self.opened, self.sealed) if line)

    @property
    def is_red_beside(self) -> bool:
        """Whether something was red that decides no line: when it was sealed, or when pytest ended."""
        return bool(self.entry.red_beside or self.red_end)

    @property
    def ended(self) -> str:
        """Its verdict, in a word."""
        if self.sealed:
            verdict = self.sealed.entry.verdict
            return f"{verdict} by its lines, and red beside them" if self.is_red_beside else verdict
        return "refused" if self.refused else "abandoned"


@dataclass
class LedgerReading:
    """A ledger as it was read, with what is wrong with it."""

    path: Path
    env: str
    """The environment that it is of; each entry must be."""
    runs: dict[str, LedgerRecord] = field(default_factory=dict)
    """In the order in which they were opened."""
    starts: list[LedgerLine] = field(default_factory=list)
    """The starts that never became a run, and those that a gate asked for: `asked` and `refused`, in their order."""
    page: LedgerLine | None = None
    """The newest entry of the page that approvers sign."""
    began_late: LedgerLine | None = None
    """The entry that began it anew beside older runs; None once somebody has accepted that."""
    digests: list[str] = field(default_factory=list)
    """Of each line, the oldest first."""
    problems: list[str] = field(default_factory=list)
    tears: list[Tear] = field(default_factory=list)
    """The torn entries that nobody has mended; each is a problem too."""
    mended: list[LedgerLine] = field(default_factory=list)
    """The entries that mend what is torn."""

    @property
    def mends(self) -> Iterator[str]:
        """Yield what was torn and mended, as it is told ever after."""
        for line in self.mended:
            by = f" by {line.key.name}" if line.key else ""
            for tear in line.entry.torn:
                left = f"{tear.length} bytes are left of it, sha256 {tear.digest[:SHOWN]}"
                at = f"{line.entry.at:%Y-%m-%d %H:%M:%S}Z"
                yield f"entry {tear.entry} of the ledger was torn; {left}; mended at {at}{by}"

    @property
    def head(self) -> str:
        """The digest of the last line."""
        return self.digests[-1] if self.digests else FIRST

    def anchored(self, head: str) -> int | None:
        """Return how many entries followed an older head; None where the ledger never had it."""
        # The beginning of a digest suffices, as far as it is printed.
        if len(head) < SHOWN:
            return None
        for after, digest in enumerate(reversed(self.digests)):
            if digest.startswith(head.lower()):
                return after
        return None

    def earlier(self, phase: str, url: str, started_at: datetime) -> list[LedgerRecord]:
        """Return the runs of a phase and a target that opened before the one that began then, the oldest first."""
        records: list[LedgerRecord] = []
        for record in self.runs.values():
            opened = record.opened.entry if record.opened else None
            if opened is None or opened.kind != "run" or opened.phase != phase or opened.target != url:
                continue
            if opened.started_at == started_at:
                break
            records.append(record)
        return records

    def of_invocation(self, invocation: str) -> list[LedgerRecord]:
        """Return the runs that were begun with the id of one gate; more than one is none of them."""
        return [record for record in self.runs.values() if record.opened and _is_of(record.opened, invocation)]

    def newest_start(self, phase: str) -> LedgerLine | None:
        """Return the last line about a phase: a run that opened, a start that was refused, or one that never came.

        It is the newest by the order of the ledger, whatever any clock said.
        """
        return max(self._starts_of(phase), key=lambda line: line.number, default=None)

    def why_no_run(self, phase: str) -> str:
        """Return why no run stands behind the newest start of a phase; empty where one does, or none is known."""
        newest = self.newest_start(phase)
        if newest is None:
            return ""

        # A run that had opened may have been refused later, by what only its collection showed.
        record = self.runs.get(newest.entry.run)
        line = (record.refused if record else None) or newest
        at = f"{line.entry.at:%Y-%m-%d %H:%M:%S}Z"
        if line.what == "asked":
            return f"a gate asked for it at {at}, and no run appeared"
        if line.what == "refused":
            start = "its newest start" if line.entry.phase else "a start of which no phase is known"
            return f"{start}, at {at}, was refused: {' '.join(line.entry.reason.split())}"
        return ""

    def refusals(self) -> list[LedgerLine]:
        """Return the entries of all starts that were refused."""
        late = [record.refused for record in self.runs.values() if record.refused]
        return [*(line for line in self.starts if line.what == "refused"), *late]

    @property
    def ever_signed(self) -> bool:
        """Whether somebody has ever signed a line of it, trusted or not."""
        lines = [*self.starts, *([self.page] if self.page else [])]
        return any(record.signed for record in self.runs.values()) or any(line.signed for line in lines)

    def begun(self, phase: str) -> list[datetime]:
        """Return when the runs of a phase began, in the order in which they were opened."""
        return [line.entry.at for line in self._opened(phase)]

    def _starts_of(self, phase: str) -> Iterator[LedgerLine]:
        of_phase = [*self._opened(phase), *(line for line in self._unanswered() if line.entry.phase == phase)]
        yield from of_phase
        # Of a phase that nobody ever started, nothing good is known that this could take away.
        if of_phase:
            yield from (line for line in self._unanswered() if line.entry.phase == ANY_PHASE)

    def _opened(self, phase: str) -> Iterator[LedgerLine]:
        for record in self.runs.values():
            if record.opened and record.entry.kind == "run" and record.entry.phase == phase:
                yield record.opened

    def _unanswered(self) -> Iterator[LedgerLine]:
        """Yield the starts that became no run, and those that a gate asked for and that never came."""
        answered = self._answered()
        for line in self.starts:
            came = line.what == "asked" and line.entry.invocation in answered
            if not came:
                yield line

    def _answered(self) -> set[str]:
        """Return the ids of the gates that something followed on: a run, or why it was refused."""
        opened = {record.opened.entry.invocation for record in self.runs.values() if record.opened}
        refused = {line.entry.invocation for line in self.starts if line.what == "refused"}
        return opened | refused


def _is_of(line: LedgerLine, invocation: str) -> bool:
    return bool(invocation) and line.entry.invocation == invocation
