"""Which step of a line's ladder a run has reached, and which one stands after a sequence of runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from readiness.measurements import Measurement, holds
from readiness.outcomes import DecisionKey, Outcome, Step
from readiness.verdict import RANK, Result

FAILED = "failed"
Thresholds = Mapping[Step, float | str]

# The step is reached when the value no longer keeps to the step's own threshold.
_BROKEN = {"below", "at_most", "at_least", "above"}
_MUST_BE_HIGH = {"at_least", "above"}
_NOT_JUDGED = {Outcome.NOT_DUE, Outcome.NOT_APPLICABLE}


def reached(ladder: Thresholds, measurements: Sequence[Measurement]) -> Step | None:
    """Return the highest step that any measurement has reached.

    A number is a limit like the line's own and compared the same way: with `below`, a value at or above it reaches
    the step. It is in the unit of the check's first measurement, and measurements in another unit are not held against
    it. The word `failed` is reached by any measurement out of its limit, another word by such a measurement that
    names it: the breakers that are `open`.
    """
    steps = [
        step
        for step, threshold in ladder.items()
        if any(_reaches(found, threshold) for found in _concerned(threshold, measurements))
    ]
    return highest(steps)


def highest(steps: Iterable[Step | None]) -> Step | None:
    """Return the highest of some steps."""
    return max((step for step in steps if step), key=lambda step: step.height, default=None)


def _concerned(threshold: float | str, measurements: Sequence[Measurement]) -> list[Measurement]:
    """Give the measurements that a threshold is about."""
    if isinstance(threshold, str):
        return [found for found in measurements if threshold == FAILED or threshold in found.name.split()]
    return [found for found in measurements if found.unit == measurements[0].unit]


def _reaches(found: Measurement, threshold: float | str) -> bool:
    if isinstance(threshold, str):
        return not found.ok
    return _is_number(found) and not holds(found.value, found.comparator, threshold)


def _is_number(found: Measurement) -> bool:
    number = isinstance(found.value, int | float) and not isinstance(found.value, bool)
    return number and found.comparator in _BROKEN


@dataclass(frozen=True)
class Hysteresis:
    """How a step is left: the value has come back far, or it has stayed below for some runs in a row."""

    far: float = 0.5
    """It is left at once where the value has come back so far: a share of the threshold, or of what is missing to 1
    where a share must be high."""
    margin: float = 0.1
    runs: int = 3
    """So many runs in a row are below it by the margin."""
    nearer: int = 6
    """So many where they are nearer, since a rate scatters; each that is below by the margin spares others."""

    @property
    def spared(self) -> int:
        """How many nearer runs one that is below by the margin stands for."""
        return max(1, self.nearer // self.runs)

    def left_after(self, calm: int) -> str:
        """Say what it takes to leave a step."""
        more = max(1, self.nearer - calm)
        return f"it is left after {-(-more // self.spared)} more by {self.margin:.0%} of it, or {more} nearer"


@dataclass(frozen=True)
class Rungs:
    """The ladder of one line."""

    steps: Thresholds = field(default_factory=dict)
    consecutive: int = 1
    """A step is reached by so many failures in a row."""
    hysteresis: Hysteresis = Hysteresis()


@dataclass(frozen=True)
class Standing:
    """What one decision carries from run to run."""

    step: Step | None = None
    """The step that stands."""
    runs: int = 0
    """For how many runs in a row it does."""
    failures: int = 0
    """The failures in a row."""
    calm: int = 0
    """What the runs in a row that were below the step count for: see `Hysteresis.spared`."""
    below: Step | None = None
    """The highest step that they reached."""


GROUND = Standing()


def stand(rungs: Rungs, before: Standing, outcome: Outcome, measurements: Sequence[Measurement]) -> Standing:
    """Say which step stands after one more run.

    A run that could not look changes nothing: a step is not left because nobody saw the value.
    """
    if outcome in _NOT_JUDGED:
        return GROUND
    held = before.step if before.step in rungs.steps else None
    failures = before.failures + 1 if outcome is Outcome.FAIL else before.failures
    if outcome in {Outcome.UNKNOWN, Outcome.NOT_RUN} or not measurements:
        return replace(before, step=held, runs=before.runs + 1 if held else 0, failures=failures)
    failures = failures if outcome is Outcome.FAIL else 0
    now = reached(rungs.steps, measurements)
    if now and failures < rungs.consecutive and outcome is Outcome.FAIL:
        now = held
    if held is None or (now and now.height >= held.height):
        return Standing(now, before.runs + 1 if now and now is held else int(now is not None), failures)
    return _fallen(rungs, replace(before, step=held, failures=failures), now, measurements)


def _fallen(rungs: Rungs, before: Standing, now: Step | None, measurements: Sequence[Measurement]) -> Standing:
    """Say what stands where a run is below the step that stood: this one, a lower one, or none."""
    held, eased = before.step, rungs.hysteresis
    near = [
        step
        for step, threshold in rungs.steps.items()
        if held and step.height <= held.height and not _is_far(eased.far, threshold, measurements)
    ]
    stays = highest([*near, now])
    if held is None or stays is not held:
        return Standing(stays, int(stays is not None), before.failures, int(stays is not now), now)
    calm = before.calm + (1 if _is_near(eased.margin, rungs.steps[held], measurements) else eased.spared)
    below = highest([before.below, now])
    if calm >= eased.nearer:
        return Standing(below, int(below is not None), before.failures)
    return replace(before, runs=before.runs + 1, calm=calm, below=below)


def _is_far(share: float, threshold: float | str, measurements: Sequence[Measurement]) -> bool:
    """Tell whether all that could reach a threshold is a number that is away from it by a share."""
    concerned = _concerned(threshold, measurements)
    eased = [_eased(found, threshold, share) for found in concerned]
    return bool(eased) and all(
        limit is not None and holds(found.value, found.comparator, limit)
        for found, limit in zip(concerned, eased, strict=True)
    )


def _is_near(share: float, threshold: float | str, measurements: Sequence[Measurement]) -> bool:
    """Tell whether a number is not away from a threshold by a share."""
    concerned = _concerned(threshold, measurements)
    return any(
        (limit := _eased(found, threshold, share)) is not None and not holds(found.value, found.comparator, limit)
        for found in concerned
    )


def _eased(found: Measurement, threshold: float | str, share: float) -> float | None:
    """Give the limit that is stricter than a threshold by a share; None where there is no number."""
    limit = found.limit if isinstance(threshold, str) else threshold
    if not _is_number(found) or isinstance(limit, bool) or not isinstance(limit, int | float):
        return None
    high = found.comparator in _MUST_BE_HIGH
    room = 1 - limit if high and 0 < limit < 1 else abs(limit)
    return limit + share * room if high else limit - share * room


def course(rungs: Rungs, runs: Iterable[tuple[Outcome, Sequence[Measurement]]]) -> Iterator[Standing]:
    """Say what stands after each of a sequence of runs."""
    standing = GROUND
    for outcome, measurements in runs:
        standing = stand(rungs, standing, outcome, measurements)
        yield standing


def climbed(
    rungs: Mapping[DecisionKey, Rungs],
    before: Mapping[DecisionKey, Standing],
    found: Iterable[tuple[DecisionKey, Outcome, Sequence[Measurement]]],
) -> dict[DecisionKey, Standing]:
    """Say for each decision that a run demands which step stands after it; the worst result of each counts."""
    worst: dict[DecisionKey, tuple[Outcome, Sequence[Measurement]]] = {}
    for key, outcome, measurements in found:
        known = worst.get(key)
        if known is None or RANK.index(outcome) > RANK.index(known[0]):
            worst[key] = outcome, measurements
    return {key: stand(one, before.get(key, GROUND), *worst.get(key, _NOTHING)) for key, one in rungs.items()}


def decided(found: Iterable[tuple[DecisionKey, Outcome]], standing: Mapping[DecisionKey, Standing]) -> list[Result]:
    """Give the results as the verdict takes them: each with the step that stands, seen again or not."""
    results = []
    known = set()
    for key, outcome in found:
        known.add(key)
        step = standing.get(key, GROUND).step
        failed = outcome is Outcome.FAIL
        results.append(Result(key, outcome, step if failed else None, None if failed else step))
    unseen = [Result(key, Outcome.NOT_RUN, None, one.step) for key, one in standing.items() if key not in known]
    return results + [result for result in unseen if result.held]


_NOTHING: tuple[Outcome, Sequence[Measurement]] = (Outcome.NOT_RUN, ())
