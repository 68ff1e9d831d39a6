"""Is a rehearsal on this machine true? A few short ones against the server whose times are known.

python -m loadtests.selfcheck          or: readiness rehearse --self-check
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.trial import Finding, Trial, truth_server
from loadtests.truth import Law
from readiness.rehearsal.verdict import Conclusion

NEAR = 0.01
"""The p95 may be off the server's own by this share."""
STAGE = {
    "users": 100,
    "hold_minutes": 0.2,
    "think_seconds": [0.1, 0.3],
    "settle_seconds": 2,
    "drain_seconds": 15,
    "users_per_second": 100,
}


@dataclass(frozen=True)
class Claim:
    """What must come out."""

    says: str
    law: Law
    holds: Callable[[Finding], bool]
    stage: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the stage's row to set otherwise."""
    stop_after: float | None = None
    """Seconds after which the run is stopped from outside."""


def _is_true(finding: Finding) -> bool:
    error = finding.error(finding.evidence.kernel)
    return not math.isnan(error) and abs(error) <= NEAR


def _is_whole(finding: Finding) -> bool:
    evidence = finding.evidence
    return evidence.sent == evidence.recorded == finding.record["requests"]


def _is(word: Conclusion) -> Callable[[Finding], bool]:
    return lambda finding: finding.judgement.word is word


CLAIMS = (
    Claim("the lower bound of p95 is the server's own within 1 %", Law(), _is_true),
    Claim("every request that was sent is recorded", Law(0.6, 1.2), _is_whole),
    Claim("a target within the limits passes", Law(), _is(Conclusion.PASS)),
    Claim("a slow target fails", Law(0.6, 2.5), _is(Conclusion.FAIL), {"users": 200}),
    Claim("2 % errors fail", Law(errors=0.02), _is(Conclusion.FAIL), {"users": 200}),
    Claim(
        "a target that freezes for 5 s fails",
        Law(freeze_seconds=5, freeze_every=20),
        _is(Conclusion.FAIL),
        {"hold_minutes": 0.5},
    ),
    Claim("a run that is stopped is inconclusive", Law(), _is(Conclusion.INCONCLUSIVE), stop_after=8),
)


def main() -> int:
    """Try each claim; return 0 when all of them hold here, else 1."""
    all_hold = True
    for claim in CLAIMS:
        with tempfile.TemporaryDirectory() as name, truth_server(claim.law) as url:
            trial = Trial(Path(name), url, {**STAGE, **claim.stage})
            finding = Finding.of(trial.run(stop_after=claim.stop_after))
            holds = claim.holds(finding)

        all_hold = all_hold and holds
        word = "holds" if holds else "DOES NOT HOLD"
        sys.stdout.write(f"{word}  {claim.says}\n              {finding}\n")
        sys.stdout.flush()
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
