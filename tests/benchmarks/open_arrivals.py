"""Which p95 is right? What a rehearsal says of stalls and slow requests, beside simulated open arrivals.

    python tests/benchmarks/open_arrivals.py [users] [seeds]

Each line: the case; the p95 of open arrivals, that of the requests on record, the two bounds (medians of the seeds),
and the verdicts by limits around the truth. A verdict is wrong that passes what open arrivals find over the limit, or
fails what they find under it. So is a figure that is more than 10 % off and not told as inconclusive, and
a hold in which nobody stood still and that is called stalled. Nothing waits for a clock; about a minute of CPU for 300
users and five seeds.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from readiness.rehearsal.figures import Figures  # noqa: E402
from readiness.rehearsal.verdict import Conclusion, judge  # noqa: E402
from tests.rehearsal.simulated_users import STEADY, Users, cases  # noqa: E402

BARS_MISSED = 3
"""The exit code of a benchmark that worked and whose figures are worse than its bars."""
SEEDS = 5
LIMITS = (0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0)
SAME = 0.1
"""A limit nearer than this share to the truth is no matter of right and wrong."""
THINK = {"think 1-3 s": (1.0, 3.0), "think 0.5-1.5 s": (0.5, 1.5)}


def is_wrong(word: Conclusion, truth: float, limit: float) -> bool:
    """Return whether a verdict contradicts open arrivals."""
    if abs(truth - limit) <= SAME * limit:
        return False
    return word is (Conclusion.PASS if truth >= limit else Conclusion.FAIL)


def is_untold(figures: Figures, truth: float) -> bool:
    """Return whether a figure is off by more than is right, and the page does not say that it is open."""
    low, high = figures.p95_widest.low, figures.p95_widest.high
    is_near = max(abs(low - truth), abs(high - truth)) <= SAME * truth
    return not is_near and not figures.open_between


def tell(case: str, number: int, think: tuple[float, float], seeds: int) -> int:
    """Print the line of a case; return how many verdicts were wrong, figures untold, and stalls made up."""
    figures_of: list[tuple[float, Figures]] = []
    for seed in range(seeds):
        says, law = cases(first=5 + (seed * 1.37) % 50)[case]
        users = Users(law, number, think, seed=seed)
        figures_of.append((users.open_p95(), Figures.of(users.evidence(p95_seconds_below=1.5))))

    words = Counter[str]()
    wrong = sum(is_untold(figures, truth) for truth, figures in figures_of)
    stalled = sum(figures.stalls.number > 0 for _, figures in figures_of)
    if case in STEADY:
        wrong += stalled
    open_figures = sum(bool(figures.open_between) for _, figures in figures_of)
    for truth, figures in figures_of:
        for limit in LIMITS:
            asked = figures.evidence.asked.model_copy(update={"p95_seconds_below": limit})
            word = judge(figures, asked).word
            words[word] += 1
            wrong += is_wrong(word, truth, limit)

    truth, raw, low, high = (
        median(values)
        for values in zip(
            *((truth, one.p95.low, one.p95_open.low, one.p95_open.high) for truth, one in figures_of), strict=True
        )
    )
    verdicts = f"{words['pass']:2} pass {words['fail']:2} fail {words['inconclusive']:2} open, {wrong} wrong"
    verdicts = f"{verdicts}, {open_figures} of {seeds} figures told as open, {stalled} stalled"
    print(f"{case:5}{says:40}{truth:8.3f}{raw:8.3f}{low:8.3f}{high:8.3f}   {verdicts}", flush=True)
    return wrong


def main() -> int:
    """Print the tables of all thinking times for the number of users that is asked for."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS
    wrong = 0
    for name, think in THINK.items():
        print(f"{number} users, {name}, hold 300 s; limits {', '.join(f'{limit:g}' for limit in LIMITS)} s")
        print(f"{'case':45}{'open':>8}{'raw':>8}{'lower':>8}{'upper':>8}   verdicts")
        wrong += sum(tell(case, number, think, seeds) for case in cases(0))

    print(f"{'ok    ' if not wrong else 'MISSED'} {wrong} wrong verdicts and figures that are neither near nor open")
    return BARS_MISSED if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
