"""How the phases before the last one stood, as the record of a run of the last phase has it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from readiness.outcomes import Phase
from readiness.runbook.consent import PhaseStanding
from readiness.verdict import GOOD


class EarlierPhase(BaseModel):
    """How a phase before the last one stood on the target when that was judged."""

    model_config = ConfigDict(extra="allow", frozen=True)

    phase: Phase
    run: str = ""
    """Its newest whole run; empty where there is none."""
    verdict: str = ""
    why: str = ""
    """Why nobody knows, where its newest start came to no verdict."""

    def standing(self) -> PhaseStanding:
        """Return what the approval of the launch is told of it."""
        again = f"pytest -m {self.phase}"
        if self.verdict:
            says = f"is {self.verdict} ({self.run}): mend it, and run {again} again"
        elif self.why:
            says = f"is not known: {self.run} {self.why}; run {again} again".replace(":  ", ": ")
        else:
            says = f"was not judged on this target: run {again}"
        return PhaseStanding(self.phase, self.verdict == GOOD[self.phase], says)
