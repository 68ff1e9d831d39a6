"""What is found about a run or a whole ledger: what was changed, what is no evidence and why, what else to know."""

from __future__ import annotations

from dataclasses import dataclass, field

from readiness.evidence.reasons import Reason, gravest


@dataclass(frozen=True)
class Gap:
    """Why something is no evidence."""

    reason: Reason
    says: str


@dataclass
class Audit:
    """The findings about a run, or about a whole ledger."""

    tampered: list[str] = field(default_factory=list)
    """What was changed."""
    gaps: list[Gap] = field(default_factory=list)
    """What is no evidence."""
    notes: list[str] = field(default_factory=list)
    """What a reader should know."""

    def lacks(self, reason: Reason, *sentences: str) -> None:
        """Add why something is no evidence."""
        self.gaps += [Gap(reason, says) for says in sentences]

    @property
    def unproven(self) -> list[str]:
        """What is no evidence, in sentences."""
        return [gap.says for gap in self.gaps]

    @property
    def reason(self) -> Reason:
        """The gravest of all that was found: what was changed outweighs what merely proves nothing."""
        return Reason.ALTERED if self.tampered else gravest(gap.reason for gap in self.gaps)
