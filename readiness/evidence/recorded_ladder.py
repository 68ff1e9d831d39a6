"""The records of a journal that carry escalation states from one run to the next."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import AwareDatetime, BaseModel, ConfigDict

from readiness.ladder import EscalationState, Hysteresis
from readiness.outcomes import DecisionKey, EscalationStep, Outcome
from readiness.verdict import VerdictStatus


class _Record(BaseModel):
    """As `records.Record`, which stands above."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class RecordedState(_Record):
    """The escalation state of one decision after a run. The names are those of the journal's schema."""

    line: str
    check: str
    subject: str | None = None
    outcome: Outcome
    """The last one that a run came to; a narrowed run leaves those of the others as they were."""
    step: EscalationStep | None = None
    runs: int = 0
    failures: int = 0
    calm: int = 0  # EscalationState.recovery_credit
    below: EscalationStep | None = None  # EscalationState.recovers_to

    @property
    def key(self) -> DecisionKey:
        """What makes it unique in a run."""
        return DecisionKey(self.line, self.check, self.subject)

    def state(self) -> EscalationState:
        """Return it as the ladder carries it on."""
        return EscalationState(self.step, self.runs, self.failures, self.calm, self.below)


class Before(_Record):
    """The run of this environment and phase before this one, as it was when this one began."""

    run: str
    head: str
    """The digest of its journal's last line."""
    started_at: AwareDatetime
    verdict: VerdictStatus
    decisions: tuple[RecordedState, ...] = ()


def states_after(runs: Iterable[Before]) -> dict[DecisionKey, EscalationState]:
    """Return the escalation states that some runs leave which were under way together: of each decision the gravest."""
    states: dict[DecisionKey, EscalationState] = {}
    for run in runs:
        for decision in run.decisions:
            state = decision.state()
            states[decision.key] = max(states.get(decision.key, state), state, key=_gravity)
    return states


def _gravity(state: EscalationState) -> tuple[int, int, int]:
    """Return how grave a state is: by its step, by the failures that lead to one, and by what it lacks to be left."""
    return state.step.height if state.step else -1, state.failures, -state.recovery_credit


class RecordedHysteresis(_Record):
    """The hysteresis that this run was judged by; the defaults are those of journals that did not say all of it."""

    far: float = 0.1
    margin: float = 0.1
    runs: int = 3
    nearer: int = 3

    @classmethod
    def of(cls, hysteresis: Hysteresis) -> RecordedHysteresis:
        """Return the record of a hysteresis."""
        return cls(
            far=hysteresis.release_share,
            margin=hysteresis.margin,
            runs=hysteresis.release_runs,
            nearer=hysteresis.release_runs_within_margin,
        )

    def hysteresis(self) -> Hysteresis:
        """Return it as the ladder takes it."""
        return Hysteresis(self.far, self.margin, self.runs, self.nearer)
