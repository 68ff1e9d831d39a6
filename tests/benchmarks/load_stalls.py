"""Cases of the table of `open_arrivals`, rehearsed for real in half of their time, with a limit that decides.

    python tests/benchmarks/load_stalls.py [a] [b2] [c2] [calm]

Each line: the case, what open arrivals would find, the bounds that the rehearsal found, and `ok` or `MISSED`. A verdict
is missed that contradicts open arrivals; one that is left open is told. About 80 s a case.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from loadtests.trial import Finding, Trial, truth_server  # noqa: E402
from loadtests.truth import Law  # noqa: E402
from readiness.rehearsal.figures import Figures  # noqa: E402
from readiness.rehearsal.verdict import Conclusion  # noqa: E402

BARS_MISSED = 3
"""The exit code of a benchmark that worked and whose figures are worse than its bars."""
LIMIT = 0.3
STAGE = {
    "users": 100,
    "users_per_second": 100,
    "hold_minutes": 1,
    "settle_seconds": 5,
    "drain_seconds": 10,
    "think_seconds": [0.5, 1.5],
    "p95_seconds_below": LIMIT,
}


@dataclass(frozen=True)
class Case:
    """A target, and the p95 that users find who come when they want."""

    law: Law
    open_p95: float

    @property
    def right(self) -> Conclusion:
        """The verdict of open arrivals."""
        return Conclusion.PASS if self.open_p95 < LIMIT else Conclusion.FAIL


def law(**other: float) -> Law:
    """Return the usual law, and what else is wrong with the target."""
    return Law(median=0.05, p95=0.08, **other)


CASES = {
    "a": Case(law(slow=0.04, slow_seconds=2.5), 0.098),
    "b2": Case(law(freeze_seconds=2, freeze_every=30), 0.55),
    "c2": Case(law(phase_seconds=2.5, phase_every=30, phase_longer=1.5), 1.547),
    "calm": Case(law(), 0.08),
}


def tell(name: str) -> bool:
    """Rehearse a case and print its line; return whether the verdict contradicts open arrivals."""
    case = CASES[name]
    with tempfile.TemporaryDirectory() as folder, truth_server(case.law) as url:
        finding = Finding.of(Trial(Path(folder), url, STAGE).run())

    bounds = Figures.of(finding.evidence).p95_open
    word = finding.judgement.word
    is_wrong = word not in {case.right, Conclusion.INCONCLUSIVE}
    says = "; ".join(reason.says for reason in finding.judgement.reasons)
    figures = f"open {case.open_p95:.3f}, found {bounds.low:.3f} to {bounds.high:.3f} s: {word} {says}"
    print(f"{'MISSED' if is_wrong else 'ok    '} {name}: {figures}", flush=True)
    return is_wrong


def main() -> int:
    """Rehearse the cases that are named, or all of them."""
    missed = [name for name in sys.argv[1:] or list(CASES) if tell(name)]
    return BARS_MISSED if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
