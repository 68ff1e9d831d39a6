"""Runs held against the ledger: who signed them, whether their files are as they were sealed, and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from readiness.drill import evidence as drill_evidence
from readiness.drill import verdict as drill_verdict
from readiness.errors import BadRun
from readiness.evidence import ledger
from readiness.evidence.journal import FILE, RecordedRun, read_run
from readiness.evidence.ledger import LedgerReading, LedgerRecord, files_of
from readiness.evidence.limit_changes import loosened
from readiness.evidence.previous_run import candidates
from readiness.evidence.rejudge import judge
from readiness.evidence.signing import SHOWN, PublicKey
from readiness.files.evidence_file import folders
from readiness.rehearsal import evidence as rehearsal_evidence
from readiness.rehearsal import verdict as rehearsal_verdict
from readiness.rehearsal.figures import Figures
from readiness.verdict import GOOD, INCOMPLETE_EXIT

ALTERED = 1
SIGNED_BY_NOBODY = "nobody signed it"


@dataclass
class Audit:
    """What was found. Faults: something was changed. Gaps: something is no evidence. The rest is told."""

    faults: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def exit(self) -> int:
        """0, 10 where something is no evidence, 1 where something was changed."""
        # What was changed outweighs what merely proves nothing.
        if self.faults:
            return ALTERED
        return INCOMPLETE_EXIT if self.gaps else 0


def book_of(home: Path, trusted: Mapping[str, PublicKey]) -> LedgerReading | None:
    """Read the ledger of an environment's folder; None where there is none. Raises BadRun where it cannot be read."""
    path = home / ledger.FILE
    return ledger.read(path, trusted) if path.exists() else None


def audit_run(recorded: RecordedRun, book: LedgerReading | None, trusted: Mapping[str, PublicKey]) -> Audit:
    """Hold one run against the ledger. Where no key was ever in use, a missing signature is only told."""
    found, start = Audit(), recorded.start
    if start.replay or start.replay_of:
        found.gaps.append(f"a replay of {start.replay_of.run if start.replay_of else start.replay} is not evidence")
        return found
    found.gaps += filter(None, [start.looked_back])
    if book is None:
        (found.gaps if trusted or start.key_id else found.told).append("no ledger lies beside it: not evidence")
        return found
    found.faults += book.problems
    kept = book.runs.get(recorded.folder.name)
    if kept is None:
        found.faults.append("the ledger does not know this run: it was copied in, or its entries were removed")
        return found
    found.faults += _changed(kept, recorded)
    if kept.sealed is None:
        found.gaps.append("it was opened and never sealed: it died, a secret was found in it, or its seal was removed")
    elif kept.key:
        found.told.append(f"signed by {kept.key.name}, {kept.key.key_id[:SHOWN]}")
    else:
        missing = _unsigned(trusted, signed=kept.signed or bool(start.key_id))
        (found.gaps if missing else found.told).append(f"{missing or NO_KEY}: not evidence")
    found.told += _opened_since(book, kept)
    return found


NO_KEY = "not signed, and the project trusts no key (readiness key NAME)"


def _unsigned(trusted: Mapping[str, PublicKey], *, signed: bool) -> str:
    """Tell why it lacks a signature that it must have; empty where no key was ever in use."""
    if trusted:
        return f"{SIGNED_BY_NOBODY} whom the project trusts"
    if signed:
        return "it was signed, and no trusted key verifies that: no keys/*.pub is in the folder of --environments"
    return ""


def _changed(kept: LedgerRecord, recorded: RecordedRun) -> Iterator[str]:
    """Tell where a run is not the one that the ledger has under its name."""
    start, opened = recorded.start, kept.opened
    if start.run != kept.name:
        yield f"its journal is that of {start.run}: it was copied in"
    if start.env != recorded.folder.resolve().parent.name:
        yield f"its journal is of the environment {start.env}: it was copied in"
    if opened and (opened.entry.limits_digest, opened.entry.started_at) != (start.limits_digest, start.started_at):
        yield "it was opened with another plan, or at another time: its journal was replaced"
    if kept.sealed is None:
        return
    yield from _files(recorded.folder, kept)
    if kept.sealed.entry.head != recorded.head:
        yield "the journal does not end as it did when it was sealed"
    verdict = judge(recorded).verdict
    if (kept.sealed.entry.verdict, kept.sealed.entry.exit) != (str(verdict.word), verdict.exit):
        yield f"sealed as {kept.sealed.entry.verdict}, its results add up to {verdict.word}"


def _files(folder: Path, kept: LedgerRecord) -> Iterator[str]:
    assert kept.sealed
    sealed, here = kept.sealed.files, files_of(folder)
    for name in sorted({*sealed, *here}):
        if name not in here:
            yield f"{name} was sealed and is gone"
        elif name not in sealed:
            yield f"{name} was added after it was sealed"
        elif sealed[name] != here[name]:
            yield f"{name} was changed after it was sealed"


def _opened_since(book: LedgerReading, kept: LedgerRecord) -> Iterator[str]:
    """Tell of the runs of this phase that were opened since the last good one before this: none can be left out."""
    before: list[LedgerRecord] = []
    for other in book.runs.values():
        if other is kept:
            break
        if other.entry.kind == "run" and other.entry.phase == kept.entry.phase:
            before = [] if other.ended in GOOD.values() else [*before, other]
    if before:
        words = [other.ended for other in before]
        counted = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
        since = f"{before[0].entry.at:%Y-%m-%d %H:%M}Z"
        yield f"{len(before)} other runs of {kept.entry.phase} since {since} were not good: {counted}"
        if any(other.entry.limits_digest != kept.entry.limits_digest for other in before):
            yield "its limits are not those of the runs before it: see readiness verify --all"


class Seals:
    """What the ledgers say against rehearsals and drills, where the project trusts a key: without one nothing."""

    def __init__(self, trusted: Mapping[str, PublicKey]) -> None:
        self._trusted = trusted
        self._books: dict[Path, LedgerReading | str] = {}

    def against(self, folder: Path) -> Iterator[str]:
        """Tell why a folder is no evidence."""
        if not self._trusted:
            return
        home = folder.resolve().parents[1]
        if home not in self._books:
            self._books[home] = self._read(home)
        book = self._books[home]
        yield from [book] if isinstance(book, str) else _unsealed(book, folder)

    def _read(self, home: Path) -> LedgerReading | str:
        try:
            return book_of(home, self._trusted) or "no ledger lies beside it"
        except BadRun as error:
            return str(error)


def _unsealed(book: LedgerReading, folder: Path) -> Iterator[str]:
    yield from (f"the ledger is damaged: {problem}" for problem in book.problems)
    kept = book.runs.get(f"{folder.parent.name}/{folder.name}")
    if kept is None:
        yield "the ledger does not know it: it was copied in, or its entries were removed"
    elif kept.sealed is None:
        yield "it was never sealed: it was broken off, or is still under way"
    elif kept.key is None:
        yield f"{SIGNED_BY_NOBODY} whom the project trusts: set READINESS_SIGNING_KEY_FILE and make it again"
    else:
        yield from _files(folder, kept)


@dataclass(frozen=True)
class Audited:
    """One entry of the ledger, for the list of all."""

    kept: LedgerRecord
    exit: int


def audit_all(
    home: Path, book: LedgerReading, trusted: Mapping[str, PublicKey], approved: Collection[str] = ()
) -> tuple[Audit, list[Audited]]:
    """Hold everything of an environment against its ledger; `approved` are digests of limits that somebody accepts."""
    whole = Audit(faults=list(book.problems))
    found: list[Audited] = []
    newest: dict[str, RecordedRun] = {}
    for kept in book.runs.values():
        one, recorded = _audited(home, kept, trusted)
        whole.faults += [f"{kept.name}: {fault}" for fault in one.faults]
        whole.gaps += [f"{kept.name}: {gap}" for gap in one.gaps]
        found.append(Audited(kept, one.exit))
        if recorded:
            before = newest.get(recorded.start.phase)
            weaker = list(_loosened(before, recorded)) if before else []
            accepted = recorded.start.limits_digest in approved
            (whole.told if accepted else whole.gaps).extend(f"{kept.name}: LOOSENED {told}" for told in weaker)
            newest[recorded.start.phase] = recorded
    others = (folder for place in ledger.KINDS for folder in folders(home / place))
    for folder in (*candidates(home.parent, home.name), *others):
        name, kind = folder.relative_to(home).as_posix(), ledger.KINDS.get(folder.parent.name, "run")
        if name not in book.runs:
            whole.faults.append(f"{name}: the ledger does not know this {kind}: it was copied in, or cut out of it")
    _hold_page(home, book, trusted, whole)
    for phase, recorded in newest.items():
        whole.told.append(f"limits of {phase}: {recorded.start.limits_digest}")
    return whole, found


def _hold_page(home: Path, book: LedgerReading, trusted: Mapping[str, PublicKey], whole: Audit) -> None:
    """Hold the page that approvers sign against its newest entry."""
    page, entered = home / ledger.PAGE, book.page
    anew = f"render it anew: readiness sign-off --env {home.name}"
    if entered is None:
        if page.is_file():
            told = "the ledger does not know this page: it was put there, or its entry was cut out"
            whole.faults.append(f"{page.name}: {told}; {anew}")
        return
    at = f"{entered.entry.at:%Y-%m-%d %H:%M:%S}Z"
    if not page.is_file():
        whole.faults.append(f"{page.name}: the ledger has it, and it is gone: it was deleted; {anew}")
    elif ledger.file_digest(page) not in entered.files.values():
        whole.faults.append(f"{page.name}: it is not as it was rendered at {at}: it was changed since; {anew}")
    elif entered.key:
        whole.told.append(f"{page.name}: as it was rendered at {at}, signed by {entered.key.name}")
    elif missing := _unsigned(trusted, signed=entered.signed):
        whole.gaps.append(f"{page.name}: {missing}; {anew}")


def _audited(home: Path, kept: LedgerRecord, trusted: Mapping[str, PublicKey]) -> tuple[Audit, RecordedRun | None]:
    folder, found = home / kept.name, Audit()
    if not folder.is_dir():
        found.faults.append("the ledger has it, and its folder is gone: it was deleted")
        return found, None
    recorded = None
    if kept.entry.kind != "run":
        found.faults += [*_files(folder, kept), *_rehearsed(folder, kept)] if kept.sealed else []
    elif kept.sealed or (folder / FILE).is_file():
        try:
            recorded = read_run(folder)
        except BadRun as error:
            found.faults += str(error).splitlines()
        else:
            found.faults += [*_changed(kept, recorded), *judge(recorded).refuted]
            found.gaps += filter(None, [recorded.start.looked_back])
    if kept.sealed is None:
        found.gaps.append(f"opened {kept.entry.at:%Y-%m-%d %H:%M:%S}Z and never sealed: abandoned, or still under way")
    elif kept.key is None:
        signed = kept.signed or bool(recorded and recorded.start.key_id)
        found.gaps += filter(None, [_unsigned(trusted, signed=signed)])
    return found, recorded


_JUDGED: dict[str, Callable[[Path], str]] = {
    "rehearsal": lambda folder: str(rehearsal_verdict.judge(Figures.of(rehearsal_evidence.read(folder))).word),
    "drill": lambda folder: str(drill_verdict.judge(drill_evidence.read(folder)).word),
}


def _rehearsed(folder: Path, kept: LedgerRecord) -> Iterator[str]:
    """Work out the verdict of a rehearsal or a drill again."""
    try:
        word = _JUDGED[kept.entry.kind](folder)
    except BadRun as error:
        word = str(error)
    if word != kept.ended:
        yield f"sealed as {kept.ended}, its evidence adds up to {word}"


def _loosened(before: RecordedRun, now: RecordedRun) -> Iterator[str]:
    if before.plan and now.plan and before.start.limits_digest != now.start.limits_digest:
        yield from (f"since {before.start.run}: {told}" for told in loosened(before.plan, now.plan))
