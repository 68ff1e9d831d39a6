"""Which faults are planted together, and what is looked at while they are.

A fault is planted once for all the phases that one sandbox shows. Faults that show in the same looks, turn different
lines and break different things are planted eight at a time, and each of them in two groups with different partners:
what a fault turns beyond its own shows in the one group or the other. What does not go together is found by planting
it: a group that is not exactly the sum of its faults is planted again one by one.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from readiness.outcomes import Outcome
from readiness.sandbox.faults import FAULTS, Fault
from tests.matrix.expected import STEPS, VERDICTS
from tests.matrix.judging import KINDS, LINES, PARTS, Look

TOGETHER, COVERS = 8, 2
LINES_AT_MOST = 10
"""A fault that turns more takes a whole system away, and would hide what others do."""
SHARES = 2
"""Of what is planted after the launch. A worker waits for half of what it does here, and others have work meanwhile; a
third share would cost a sandbox more, and twelve looks at it in its health."""
LOOK_SECONDS = 2.0
"""How long a look takes with all that belongs to it."""
APART = {"signoff", "slo"}
"""The areas whose faults break each a thing of its own: a paper, a decision, a week's share."""
MORE_SECONDS = {
    "health-too-late": 20.0,  # each look waits until it gives up
    "promotion-stalled": 62.0,  # the check waits as long as an upload may take
    "front-was-away-today": 20.0,  # until that is a share of the day's samples
    "front-was-away": 8.0,  # and stays away for so long
    "requests-frozen": 5.0,
    "statements-take-seconds": 9.0,  # until there are enough of them for a mean
}
"""How much longer it takes with some faults."""
SEED = "which faults are planted together"


@dataclass(frozen=True)
class Planting:
    """Faults that are planted at the same time, and the looks in which they show."""

    kind: str
    faults: tuple[str, ...]
    looks: tuple[Look, ...]

    def __str__(self) -> str:
        return f"{self.kind}: {' + '.join(self.faults)}"

    def of(self, fault: str) -> Planting:
        """Return the same with one fault only."""
        return Planting(self.kind, (fault,), self.looks)


def line_of(key: str) -> str:
    """Return the `runbook/line` of what a fault turns."""
    name = key.partition("[")[2].rstrip("]").partition(":")[0]
    return name if "/" in name else f"ingestion/{name}"


def part_of(key: str) -> str:
    """Return among whose lines something turns: the sandbox's own runbook's, or the others'."""
    return "own" if line_of(key).startswith("ingestion/") else "others"


def parts_of(fault: Fault, phase: str) -> set[str]:
    """Return among whose lines of a phase a fault turns some."""
    return {part_of(key) for key in fault.turns if phase in LINES[line_of(key)].phase}


def looks_of(fault: Fault, kind: str) -> tuple[Look, ...]:
    """Return the looks on one kind of sandbox in which a fault shows."""
    return tuple(
        (phase, part)
        for phase in KINDS[kind]
        if phase in fault.phases
        for part in PARTS
        if part in parts_of(fault, phase)
    )


def goes_with_others(name: str) -> bool:
    """Tell whether a fault may be planted beside others; what is said of a verdict or a step is said of it alone."""
    return len(FAULTS[name].turns) <= LINES_AT_MOST and name not in VERDICTS and name not in STEPS


def plantings() -> list[Planting]:
    """Return all that is planted: the same in every process and at any time."""
    found: list[Planting] = []
    for kind in KINDS:
        alike: dict[tuple[Look, ...], list[str]] = defaultdict(list)
        for name, fault in FAULTS.items():
            looks = looks_of(fault, kind)
            if looks and goes_with_others(name):
                alike[looks].append(name)
            elif looks:
                found.append(Planting(kind, (name,), looks))
        for looks, names in alike.items():
            found += [Planting(kind, group, looks) for group in grouped(names)]
    return found


def grouped(names: list[str]) -> list[tuple[str, ...]]:
    """Return groups in which each name is twice, with different partners, or once alone."""
    found: list[tuple[str, ...]] = []
    partners: dict[str, set[str]] = {name: {name} for name in names}
    chance = random.Random(SEED)
    for _ in range(COVERS):
        groups: list[list[str]] = []
        for name in chance.sample(names, len(names)):
            fitting = (one for one in groups if len(one) < TOGETHER and _fits(name, one, partners[name]))
            group = next(fitting, None)
            if group is None:
                groups.append([name])
            else:
                group.append(name)
        for group in groups:
            for name in group:
                partners[name].update(group)
        found += [tuple(group) for group in groups]
    return _without_needless(found)


def _fits(name: str, group: list[str], partners: set[str]) -> bool:
    fault = FAULTS[name]
    others = [FAULTS[one] for one in group]
    is_new = not partners & set(group)
    is_elsewhere = all(fault.area != other.area or _stand_apart(fault, other) for other in others)
    return is_new and is_elsewhere and all(fault.turns.keys().isdisjoint(other.turns) for other in others)


def _stand_apart(*faults: Fault) -> bool:
    """Return whether faults of one area break things of their own there; what lets lines pass changes all of them."""
    return all(fault.area in APART and Outcome.PASS not in fault.turns.values() for fault in faults)


def _without_needless(groups: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Leave a fault that is alone in one group out of the other, until no more are alone by that."""
    alone = {group[0] for group in groups if len(group) == 1}
    left = [tuple(name for name in group if len(group) == 1 or name not in alone) for group in groups]
    left = list(dict.fromkeys(group for group in left if group))
    return left if left == groups else _without_needless(left)


Pair = tuple[str, str, str, str, str]
"""A fault, the phase and part of a look, what turns in it, and to what."""


def pairs(name: str, looks: Iterable[Look]) -> set[Pair]:
    """Return what a fault turns in these looks: what its planting proves."""
    return {
        (name, str(phase), part, key, str(outcome))
        for phase, part in looks
        for key, outcome in FAULTS[name].turns.items()
        if phase in LINES[line_of(key)].phase and part == part_of(key)
    }


def named() -> list[tuple[str, Planting]]:
    """Return all that is planted with the names of the tests, those of a unit one after the other.

    Before the colon is what one worker does as a whole, see `tests.tiers.ByUnit`: what is planted before the launch, or
    a share of what is planted after it. A worker keeps its sandbox when it goes from one share to the next.
    """
    everything = plantings()
    before = [("before", planting) for planting in everything if planting.kind == "before"]
    shares = shared([planting for planting in everything if planting.kind == "after"])
    after = [(f"after-{number}", planting) for number, share in enumerate(shares) for planting in share]
    return [(f"{unit}:{'+'.join(planting.faults)}", planting) for unit, planting in (*before, *after)]


def shared(found: list[Planting]) -> list[list[Planting]]:
    """Return shares that take about as long, the one with the longest planting first."""
    shares: list[list[Planting]] = [[] for _ in range(SHARES)]
    for planting in sorted(found, key=seconds_of, reverse=True):
        min(shares, key=lambda share: sum(map(seconds_of, share))).append(planting)
    return shares


def seconds_of(planting: Planting) -> float:
    """Return about how long it takes to plant, to look and to mend."""
    return len(planting.looks) * LOOK_SECONDS + sum(MORE_SECONDS.get(name, 0.0) for name in planting.faults)


if __name__ == "__main__":  # what is proven, a line each: to compare before and after a change
    for pair in sorted({pair for one in plantings() for name in one.faults for pair in pairs(name, one.looks)}):
        print("\t".join(pair))
