"""Cases of the table of `open_arrivals`, rehearsed for real in half of their time, with a limit that decides.

    python tests/benchmarks/load_stalls.py [a] [b2] [c2] ...

Each line: the case, what open arrivals would find, the bounds that the rehearsal found, and `ok` or `MISSED`. A verdict
is missed that contradicts open arrivals, unless they find a p95 within a tenth of the limit; one that is left open is
told. About 80 s a case.
"""

from __future__ import annotations

import random
import sys
import tempfile
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


ARRIVALS = 20_000
HOLD_SECONDS = 60
NEAR = 0.1
"""A limit nearer than this share to the truth is no matter of right and wrong."""


def open_p95(law: Law) -> float:
    """Return the p95 of users who come when they want, evenly over the hold: in seconds, from the law alone."""
    chance = random.Random(3)
    step = HOLD_SECONDS / ARRIVALS
    times = sorted(law.seconds(number * step, chance) for number in range(ARRIVALS))
    return times[int(0.95 * ARRIVALS)]


def law(**other: float) -> Law:
    """Return the usual law, and what else is wrong with the target."""
    return Law(median=0.05, p95=0.08, **other)


CASES = {
    "calm": law(),
    "a": law(slow=0.04, slow_seconds=2.5),
    # Not 10 s: an answer that takes so long is given up, and has failed.
    "a2": law(slow=0.04, slow_seconds=8),
    "a3": law(slow=0.06, slow_seconds=2.5),
    "b": law(freeze_seconds=2.5, freeze_every=30),
    "b2": law(freeze_seconds=2, freeze_every=30),
    "b3": law(freeze_seconds=1.75, freeze_every=30),
    "b5": law(freeze_seconds=30, freeze_every=60),
    "b6": law(freeze_seconds=1.25, freeze_every=30),
    "c": law(phase_seconds=5, phase_every=30, phase_longer=1.5),
    "c2": law(phase_seconds=2.5, phase_every=30, phase_longer=1.5),
    "c3": law(phase_seconds=2, phase_every=30, phase_longer=1),
    "c4": law(phase_seconds=1, phase_every=30, phase_longer=1.5),
    "d2": law(slow=0.1, slow_seconds=2.5),
    "d3": law(freeze_seconds=2.5, freeze_every=30, freeze_share=0.25),
    "d4": law(freeze_seconds=7.5, freeze_every=30, freeze_share=0.25),
}
"""The names are those of `tests.rehearsal.simulated_users`; `d` is `a` for a server that has one endpoint."""


def tell(name: str) -> bool:
    """Rehearse a case and print its line; return whether the verdict contradicts open arrivals."""
    truth = open_p95(CASES[name])
    with tempfile.TemporaryDirectory() as folder, truth_server(CASES[name]) as url:
        finding = Finding.of(Trial(Path(folder), url, STAGE).run())

    bounds = Figures.of(finding.evidence).p95_open
    word = finding.judgement.word
    right = Conclusion.PASS if truth < LIMIT else Conclusion.FAIL
    is_near = abs(truth - LIMIT) <= NEAR * LIMIT
    is_wrong = word not in {right, Conclusion.INCONCLUSIVE} and not is_near
    says = "; ".join(reason.says for reason in finding.judgement.reasons)
    figures = f"open {truth:.3f}, found {bounds.low:.3f} to {bounds.high:.3f} s: {word} {says}"
    print(f"{'MISSED' if is_wrong else 'ok    '} {name}: {figures}", flush=True)
    return is_wrong


def main() -> int:
    """Rehearse the cases that are named, or all of them."""
    missed = [name for name in sys.argv[1:] or list(CASES) if tell(name)]
    return BARS_MISSED if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
