"""Enters the run into the ledger of its environment: before anything is observed, and when its evidence is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from readiness.errors import BadRun
from readiness.evidence.anchors import NotAnchored, keep, stated_places
from readiness.evidence.journal import RecordedRun
from readiness.evidence.key_worth import counts, worth_of_key
from readiness.evidence.ledger import Ledger, read
from readiness.evidence.pending_ends import EndMarker
from readiness.evidence.signing import PublicKey, Signer, signer_of
from readiness.plugin.refusing import shown_reason
from readiness.plugin.run import Run
from readiness.redaction.redactor import REDACTOR
from readiness.redaction.shown import shown
from readiness.rendering.signed_files import write_summary, write_test_result
from readiness.timeline import has_passed, is_ahead
from readiness.verdict import GOOD


class Sealing:
    """What signs this run, and its two entries. A replay observes nothing, so it has none."""

    def __init__(self, run: Run, trusted: Mapping[str, PublicKey]) -> None:
        """Read the key first of all: one that cannot be used ends the run before any contact. Raises BadInput."""
        self._run = run
        self.signer: Signer | None = None if run.replay else signer_of(os.environ)
        self.trusted = trusted
        self._ledger: Ledger | None = None
        self._folder: Path | None = None
        self._anchored: list[str] = []
        self._ending: EndMarker | None = None
        self._facts: Mapping[str, object] = {}
        self.revision: str | None = None
        """What the target runs, once that is known."""
        self.head = ""
        """The digest of the ledger's last entry, once the run is sealed, and the page entered."""

    @property
    def key_id(self) -> str | None:
        """The id of the key that signs."""
        return self.signer.key_id if self.signer else None

    def lines(self, width: int = 9) -> list[str]:
        """Return whether this run is evidence, and what to keep elsewhere so that nobody can cut the ledger unseen."""
        head = [f"{'ledger':<{width}}head {self.head}"] if self.head else []
        anchored = [f"{'anchored':<{width}}{place}" for place in self._anchored]
        return [f"{'signed':<{width}}{self._worth()}", *head, *anchored]

    def _worth(self) -> str:
        """Return whether this run is evidence, and by which key."""
        if self._run.replay:
            return "no: a replay is not evidence"
        signed = "in vain" if self.signer else "no"
        if has_passed(self._run.moment, self._run.started_at):
            return f"{signed}: judged as of a time that had passed is not evidence; run it without --as-of"
        if is_ahead(self._run.moment, self._run.started_at):
            return f"{signed}: judged as of a time ahead is a plan, not evidence; run it then, without --as-of"
        return worth_of_key(self.signer, self.trusted, str(self._run.phase), self._run.environment.environment)

    def _key_counts(self, signer: Signer) -> bool:
        """Check whether what a key signs now is evidence."""
        return counts(signer, self.trusted, str(self._run.phase), self._run.environment.environment)

    def open(self, folder: Path, limits_digest: str, under_way: Sequence[str] = ()) -> None:
        """Enter that the run opens, and which others of its phase are under way. Raises OSError."""
        if self._run.replay:
            return
        self._facts = {
            "phase": str(self._run.phase),
            "target": self._run.environment.target.url,
            "started_at": self._run.started_at.isoformat(),
            "limits_digest": limits_digest,
            "invocation": self._run.invocation,
            "binding": self._run.binding.digest if self._run.binding else "",
        }
        if has_passed(self._run.moment, self._run.started_at) or is_ahead(self._run.moment, self._run.started_at):
            self._facts = {**self._facts, "as_of": self._run.moment.isoformat()}
        self._folder = folder
        self._ledger = Ledger(folder.parent, self.signer)
        beside = {"beside": self._run.lying_beside} if self._run.lying_beside else {}
        others = {"under_way": under_way} if under_way else {}
        self._ledger.open(folder, **self._masked_facts(), **beside, **others)

    def refuse(self, reason: str) -> None:
        """Enter that the run was refused after it had opened, before it looked at anything. Raises OSError."""
        if self._ledger is None or self._folder is None:
            return
        self._ledger.refuse(self._folder.name, **self._masked_facts(), reason=shown_reason(reason))

    def seal(self, run: RecordedRun, *, whole: bool) -> None:
        """Enter how a run ended, as its journal was read back; `whole` says that it left nothing out.

        Raises OSError, NotSealed.
        """
        if self._ledger is None or run.finish is None:
            return
        if self.signer:
            write_test_result(run, self.signer)
        end = {"verdict": str(run.finish.verdict), "exit": run.finish.exit, "head": run.head}
        red_beside = bool(run.finish.failed_beside)
        is_good = run.finish.verdict == GOOD[run.start.phase] and not red_beside
        # Before the good word is known it is to be known that nobody has said yet how pytest ends.
        if is_good:
            self._ending = EndMarker(run.folder.parent, run.folder.name)
        standing = [state.model_dump(mode="json") for state in run.finish.standing or ()]
        left = {"whole": whole, "red_beside": red_beside, "standing": standing}
        self._facts = {**self._facts, "revision": self.revision, **left}
        self.head = self._ledger.seal(run.folder, **self._masked_facts(), **end)

    def anchor(self, root: Path) -> Iterator[str]:
        """Keep the head of the ledger where the environment states it; yield why a place did not."""
        places = stated_places(self._run.environment.evidence.anchor, root)
        if self._ledger is None or not self.head or not places:
            return
        try:
            ledger = read(self._ledger.path, {})
        except BadRun as error:
            yield str(error)
            return
        for place in places:
            try:
                keep(place, ledger)
            except NotAnchored as error:
                yield shown(str(error))
            else:
                self._anchored.append(place.shown)

    def end_red(self, reason: str, code: int) -> None:
        """Enter that pytest ended red after a good run was sealed. Raises OSError.

        A gate that started the run enters it by itself; where it has died, the file of the end stays.
        """
        if self._ending is None or self._run.invocation:
            return
        if self._ledger and self._folder and self.head:
            self.head = self._ledger.end_red(self._folder, exit=code, reason=reason)
        self.end()

    def end(self) -> None:
        """Forget that pytest is still to end: it has, and how is known. Raises OSError."""
        if self._ending:
            self._ending.remove()
            self._ending = None

    @property
    def writes_summary(self) -> bool:
        """Whether this process writes the summary for release gates: of what is sealed, signed and no gate's.

        A gate that started the run writes it by itself: it knows what else is demanded.
        """
        return self.signer is not None and bool(self.head) and not self._run.invocation

    def summarise(self, run: RecordedRun, *, is_accepted: bool) -> None:
        """Write the summary for release gates, where that is for this process to do. Raises OSError."""
        if self.signer is None or not self.writes_summary:
            return
        write_summary(run, self.signer, is_accepted=is_accepted and self._key_counts(self.signer))

    def _masked_facts(self) -> Mapping[str, object]:
        """Return the facts without the secrets that are known by now; there are more of them at the end."""
        facts = REDACTOR.plain(self._facts)
        assert isinstance(facts, dict)  # what a mapping becomes
        return facts
