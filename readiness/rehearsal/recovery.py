"""Did the target come back when the load had gone? One that stays slow or failing then is caught in its failure.

Such a failure is called metastable: what set it off is over, and retries, full queues, cold caches or lost connections
keep it going (Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.rehearsal.evidence import RehearsalEvidence
from readiness.rehearsal.histogram import Bounds, merged, wilson
from readiness.rehearsal.leaks import Leak
from readiness.rehearsal.stages import Stage

PERCENTILE = 0.95


@dataclass(frozen=True)
class Recovery:
    """How the target answered a few users, in the second half of the time after the hold."""

    requests: int
    """Those with an outcome."""
    unwanted: int
    """The failures that are not the generator's own."""
    worst_error: str
    """The most frequent of them; empty without one."""
    p95: Bounds
    """From the lower end of the kernel's to the upper end of the naive; zeros where nothing was answered.

    At the lower end what leaked counts as answered at once.
    """
    p95_at_least: float
    """The lower end of the 95 % interval of the kernel's p95: of few requests it is uncertain."""
    leaked: int
    """Requests without a known outcome, each of which may belong here."""

    @classmethod
    def of(cls, evidence: RehearsalEvidence, leak: Leak) -> Recovery:
        """Return it from the evidence."""
        endpoints = evidence.recovery.values()
        kernel = merged(endpoint.kernel for endpoint in endpoints)
        naive = merged(endpoint.naive for endpoint in endpoints)
        errors = Counter[str]()
        for endpoint in endpoints:
            errors.update({kind: times for kind, times in endpoint.errors.items() if kind not in endpoint.lacked})

        was_answered = bool(kernel.counts and naive.counts)
        kindest = merged([kernel.counts, leak.answered_at_once])
        return cls(
            requests=sum(endpoint.asked for endpoint in endpoints),
            unwanted=sum(errors.values()),
            worst_error=max(errors, key=lambda kind: errors[kind], default=""),
            p95=Bounds(kindest.percentile(PERCENTILE)[0], naive.percentile(PERCENTILE)[1])
            if was_answered
            else Bounds(),
            p95_at_least=kindest.sure_of(PERCENTILE)[0] if was_answered else 0.0,
            leaked=leak.requests,
        )

    @property
    def share_failed(self) -> float:
        """From 0 to 1; 0 where nothing was asked."""
        return self.unwanted / self.requests if self.requests else 0.0

    def is_failing(self, stage: Stage) -> bool:
        """Check whether too many requests failed, even if all that leaked were answered well."""
        share_at_least, _ = wilson(self.unwanted, self.requests + self.leaked)
        return self.requests > 0 and share_at_least >= stage.share_below

    def is_slow(self, stage: Stage) -> bool:
        """Check whether the p95 is over its limit, even if all that leaked were answered at once."""
        return self.p95_at_least >= stage.p95_seconds_below

    def faults(self, stage: Stage) -> Iterator[str]:
        """Yield what the target still did wrong when the load had gone, as far as it is certain."""
        users = f"with {stage.recovery_users} users in place of {stage.users:,}"
        if self.is_failing(stage):
            failed = f"{self.share_failed:.2%} of {self.requests:,} requests failed"
            allowed = f"allowed below {stage.share_below:.2%}"
            yield f"the target did not recover: {failed} when the load had gone, {users}, {allowed}: {self.worst_error}"

        limit = stage.p95_seconds_below
        if self.is_slow(stage):
            p95 = f"p95 was {self.p95.low:.3f} s at least"
            yield f"the target did not recover: {p95} when the load had gone, {users}, allowed below {limit:g} s"

    def doubts(self, stage: Stage) -> Iterator[str]:
        """Yield why it is open whether the target recovered; nothing where it did not, or the stage does not look."""
        if not stage.recovery_seconds or self.is_failing(stage) or self.is_slow(stage):
            return

        if not self.requests:
            yield "nobody asked the target when the load had gone, so that nobody knows whether it recovered"
        elif self.share_failed >= stage.share_below:
            failed = f"{self.unwanted} of {self.requests:,} requests failed"
            yield f"when the load had gone {failed}: too near the limit to tell"
        elif self.p95.high >= stage.p95_seconds_below:
            between = f"p95 lay between {self.p95_at_least:.3f} and {self.p95.high:.3f} s"
            yield f"when the load had gone {between}, the limit of {stage.p95_seconds_below:g} s between them"
