"""Why `readiness verify` ends as it does: each reason has a word and an exit code, and only a good word has 0."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from readiness.verdict import INCOMPLETE_EXIT

BAD_EXIT = 1


class Reason(StrEnum):
    """A reason by its word, the gravest last: a bad verdict needs no proof, and what was altered proves nothing."""

    GOOD = "good"
    INCOMPLETE = "incomplete"
    """Its own verdict: something is unknown, or was not run."""
    NOT_EVIDENCE = "not-evidence"
    """It was never sealed, is a replay, its history is not here, or it was judged as of another moment."""
    LOOSENED = "loosened"
    """It demands less than the run before it, or judged another target, and nobody has accepted that."""
    NOT_ANCHORED = "not-anchored"
    """An anchor is demanded, and none covers it."""
    NOT_SIGNED = "not-signed"
    KEY_SCOPE = "key-scope"
    """A trusted key signed it that may not sign this, or not at that time."""
    REVOKED = "revoked"
    """Its key was revoked, and nothing else shows that it signed before that."""
    TOO_OLD = "too-old"
    """It began too long ago, its good word has lapsed, or by this clock it has not begun."""
    NO_RUN = "no-run"
    NOT_TODAY = "not-today"
    """It judged another target, runbook or environment file than is stated today, or a phase before it turned bad."""
    OTHER_PROJECT = "other-project"
    BAD = "bad"
    LEDGER_GONE = "ledger-gone"
    """There is no ledger, and an anchor says that there was one."""
    LEDGER_CUT = "ledger-cut"
    LEDGER_REWRITTEN = "ledger-rewritten"
    ALTERED = "altered"
    """A journal, a file or the ledger is not as it was recorded."""

    @property
    def code(self) -> int:
        """The exit code of `readiness verify`."""
        return _CODES[self]

    @property
    def gate_code(self) -> int:
        """The exit code of `readiness gate`, which knows good, bad and undecided."""
        if self in {Reason.BAD, Reason.ALTERED, Reason.LEDGER_GONE, Reason.LEDGER_CUT, Reason.LEDGER_REWRITTEN}:
            return BAD_EXIT
        return 0 if self is Reason.GOOD else INCOMPLETE_EXIT

    @property
    def says(self) -> str:
        """What it means, for the table of the documentation and the help."""
        return _MEANINGS[self]


_CODES = {
    Reason.GOOD: 0,
    Reason.BAD: BAD_EXIT,
    Reason.INCOMPLETE: INCOMPLETE_EXIT,
    Reason.ALTERED: 11,
    Reason.NO_RUN: 12,
    Reason.TOO_OLD: 13,
    Reason.NOT_SIGNED: 14,
    Reason.NOT_TODAY: 15,
    Reason.OTHER_PROJECT: 16,
    Reason.NOT_EVIDENCE: 17,
    Reason.LOOSENED: 18,
    Reason.KEY_SCOPE: 19,
    Reason.REVOKED: 20,
    Reason.NOT_ANCHORED: 21,
    Reason.LEDGER_GONE: 22,
    Reason.LEDGER_CUT: 23,
    Reason.LEDGER_REWRITTEN: 24,
}
_MEANINGS = {
    Reason.GOOD: "GO, OK or APPROVED; with --all: everything holds",
    Reason.BAD: "the verdict is bad, or a test failed that decides no line",
    Reason.INCOMPLETE: "the verdict is INCOMPLETE: something is unknown or was not run",
    Reason.ALTERED: "a journal, a file or the ledger was altered, or is missing",
    Reason.NO_RUN: "there is no such run, or its newest start never became one",
    Reason.TOO_OLD: "it began too long ago, its good word has lapsed, or it is of the future",
    Reason.NOT_SIGNED: "no trusted key signed it, and one must",
    Reason.NOT_TODAY: "it judged another target, runbook or environment file than is stated today,"
    " or a phase before it has turned bad",
    Reason.OTHER_PROJECT: "it is a run of another project",
    Reason.NOT_EVIDENCE: "never sealed, a replay, judged as of another moment, or its history is not here",
    Reason.LOOSENED: "with --all: limits became looser or the target changed, and nobody has accepted that",
    Reason.KEY_SCOPE: "a trusted key signed it that may not sign this, or not at that time",
    Reason.REVOKED: "its key was revoked, and nothing but that key shows that it signed before",
    Reason.NOT_ANCHORED: "an anchor is demanded, and none covers it, or its place cannot be read",
    Reason.LEDGER_GONE: "there is no ledger, and an anchor says that there was one",
    Reason.LEDGER_CUT: "the ledger is shorter than an anchor says that it was",
    Reason.LEDGER_REWRITTEN: "the ledger has another entry where an anchor has kept one",
}


def gravest(reasons: Iterable[Reason]) -> Reason:
    """Return the reason that outweighs all others; good where there is none.

    >>> gravest([Reason.NOT_SIGNED, Reason.ALTERED, Reason.TOO_OLD])
    <Reason.ALTERED: 'altered'>
    """
    order = list(Reason)
    return max(reasons, key=order.index, default=Reason.GOOD)
