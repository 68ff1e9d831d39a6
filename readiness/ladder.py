"""The step of its ladder that a line has reached in a run, and its escalation state after a sequence of runs. Pure.

>>> ladder = Ladder({EscalationStep.ALERT: 0.05, EscalationStep.PAUSE: 0.2})
>>> state = INITIAL
>>> for share in (0.03, 0.06, 0.25, 0.049, 0.02):
...     measured = Measurement("failed", share, "below", 0.05, "share", share < 0.05)
...     state = next_state(ladder, state, Outcome.PASS if measured.ok else Outcome.FAIL, [measured])
...     print(share, state.step)
0.03 None
0.06 alert
0.25 pause
0.049 alert
0.02 None
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from readiness.measurements import NO_VALUE, Measurement, Plain, holds
from readiness.outcomes import DecisionKey, EscalationStep, Outcome, Unknown
from readiness.runbook.ladder_rules import FAILED, Thresholds
from readiness.verdict import RANK, DecisionOutcome

_BETWEEN_WORDS = re.compile(r"[\s_-]+")

# Comparators of quantities: a step's number is compared by them as the line's own limit is.
_NUMERIC = {"below", "at_most", "at_least", "above"}
_MUST_BE_HIGH = {"at_least", "above"}
_NOT_JUDGED = {Outcome.NOT_DUE, Outcome.NOT_APPLICABLE}
_NOT_SEEN = {Outcome.UNKNOWN, Outcome.NOT_RUN}


def reached(
    thresholds: Thresholds, measurements: Sequence[Measurement], *, again: bool = False
) -> EscalationStep | None:
    """Return the highest step that any measurement has reached.

    Silence alone reaches PAGE at most, until a second failed run in a row confirms it (`again`).

    A number is a limit like the line's own and compared the same way: with `below`, a value at or above it reaches
    the step. It is in the unit of the check's first measurement, and measurements in another unit are not held against
    it. What the other side itself says no to reaches every number: a refused connection, and a quick 500 as well. The
    word `failed` is reached by any measurement out of its limit, another word by such a measurement whose value is that
    word or tells it of a subject: the breakers that are `open`. What a measurement itself is called never counts.
    """
    return highest(
        _at_most_page(step) if measurement.known == "silent" and not again else step
        for step, threshold in thresholds.items()
        for measurement in _concerned(threshold, measurements)
        if _reaches(measurement, threshold)
    )


def _at_most_page(step: EscalationStep) -> EscalationStep:
    return min(step, EscalationStep.PAGE, key=lambda each: each.height)


def highest(steps: Iterable[EscalationStep | None]) -> EscalationStep | None:
    """Return the highest of some steps; None where there is none."""
    return max((step for step in steps if step), key=lambda step: step.height, default=None)


def _concerned(threshold: float | str, measurements: Sequence[Measurement]) -> list[Measurement]:
    """Return the measurements that a threshold is about."""
    if threshold == FAILED:
        return list(measurements)
    if isinstance(threshold, str):
        return [measurement for measurement in measurements if _tells(measurement, threshold)]

    # 0.5 seconds must not be held against the rows that the same check counts; a no has no unit, and passes them all.
    unit = measurements[0].unit if measurements else ""
    return [measurement for measurement in measurements if measurement.unit == unit or measurement.known in NO_VALUE]


def _tells(measurement: Measurement, word: str) -> bool:
    """Check whether a value is a word, or tells it of a subject: `open`, `payments open`. A no tells the worst."""
    if measurement.known in NO_VALUE:
        return True
    wanted = _plain_word(word)
    return any(wanted in _words_of(entry) for entry in _entries(measurement.value))


def _entries(value: Plain) -> Iterator[str]:
    """Yield the texts of a value: itself, those of a list, the states of a mapping."""
    if isinstance(value, dict):
        value = list(value.values())
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, str):
            yield entry


def _words_of(entry: str) -> set[str]:
    """Return what an entry says: all of it, and of a subject with its state each of the two.

    >>> sorted(_words_of("open search HALF-OPEN"))
    ['half_open', 'open_search', 'open_search_half_open']
    """
    subject, _, state = entry.strip().rpartition(" ")
    return {_plain_word(part) for part in (entry, subject, state) if part}


def _plain_word(text: str) -> str:
    """Return a word as it is compared: HALF-OPEN, `half open` and half_open are one."""
    return _BETWEEN_WORDS.sub("_", text.strip()).casefold()


def _reaches(measurement: Measurement, threshold: float | str) -> bool:
    if isinstance(threshold, str) or measurement.known in NO_VALUE:
        return not measurement.ok
    return _is_numeric(measurement) and _is_met(measurement, threshold) is False


def _is_numeric(measurement: Measurement) -> bool:
    return _is_number(measurement.value) and measurement.comparator in _NUMERIC


def _is_met(measurement: Measurement, limit: float) -> bool | None:
    """Check whether a number keeps to a limit; None where only a lower bound is known, which may lie on either side."""
    try:
        return holds(measurement.value, measurement.comparator, limit, measurement.known)
    except Unknown:
        return None


def _is_open(threshold: float | str, measurements: Sequence[Measurement]) -> bool:
    """Check whether a value may lie beyond a threshold: a silence, or a number of which a lower bound is known."""
    if any(measurement.known == "silent" for measurement in measurements):
        return True
    if isinstance(threshold, str):
        return False
    concerned = _concerned(threshold, measurements)
    return any(_is_numeric(measurement) and _is_met(measurement, threshold) is None for measurement in concerned)


def _is_number(value: object) -> TypeGuard[int | float]:
    # True is an int to Python, and no quantity.
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class Hysteresis:
    """How a step is released: the value has come back far, or it has stayed below for some runs in a row."""

    release_share: float = 0.5
    """The step is released at once where the value has come back by this share of the threshold, or of what is missing
    to 1 where a share must be high."""
    margin: float = 0.1
    """The share of the threshold from which a run counts as clearly below."""
    release_runs: int = 3
    """Runs in a row that are clearly below."""
    release_runs_within_margin: int = 6
    """Runs in a row that are below by less than the margin: more of them, since a rate scatters."""

    @property
    def clear_run_credit(self) -> int:
        """The number of runs within the margin that one clearly below stands for."""
        return max(1, self.release_runs_within_margin // self.release_runs)

    def releases(self, recovery_credit: int) -> bool:
        """Check whether the runs below a step suffice to release it."""
        return recovery_credit >= self.release_runs_within_margin

    def left_after(self, recovery_credit: int) -> str:
        """Format what is still needed to release a step."""
        within_margin = max(1, self.release_runs_within_margin - recovery_credit)
        clearly_below = math.ceil(within_margin / self.clear_run_credit)
        return f"it is left after {clearly_below} more by {self.margin:.0%} of it, or {within_margin} nearer"


@dataclass(frozen=True)
class Ladder:
    """The ladder of one line."""

    thresholds: Thresholds = field(default_factory=dict)
    consecutive: int = 1
    """A step is reached by so many failures in a row."""
    hysteresis: Hysteresis = Hysteresis()


@dataclass(frozen=True)
class EscalationState:
    """What one decision carries from run to run."""

    step: EscalationStep | None = None
    """The step that is held."""
    runs: int = 0
    """The runs in a row that have held it."""
    failures: int = 0
    """The failures in a row."""
    recovery_credit: int = 0
    """What the runs in a row below the step count for: 1 each, and `Hysteresis.clear_run_credit` where clearly so."""
    recovers_to: EscalationStep | None = None
    """The highest step that those runs reached: where the line comes to once the held step is released."""


INITIAL = EscalationState()


def next_state(
    ladder: Ladder, before: EscalationState, outcome: Outcome, measurements: Sequence[Measurement]
) -> EscalationState:
    """Return the escalation state after one more run.

    Escalates immediately, once `consecutive` failures in a row are there. De-escalates at once where the value has come
    back by `release_share` of the threshold, else after `release_runs` runs clearly below it or
    `release_runs_within_margin` nearer (hysteresis), so that a value near a threshold does not flap. A run that could
    not look keeps the step: nobody saw that the value came back.
    """
    # What does not apply any more has nothing to escalate.
    if outcome in _NOT_JUDGED:
        return INITIAL

    # A step that the ladder no longer has, after a change of the runbook, is not held.
    held = before.step if before.step in ladder.thresholds else None
    failed = outcome is Outcome.FAIL

    if outcome in _NOT_SEEN or not measurements:
        kept = held or _paged_by_silence(ladder, before)
        return replace(
            before,
            step=kept,
            runs=before.runs + 1 if kept else 0,
            failures=before.failures + 1 if failed else before.failures,
        )

    failures = before.failures + 1 if failed else 0
    step = reached(ladder.thresholds, measurements, again=before.failures > 0)
    if step and failed and failures < ladder.consecutive:
        step = held

    if held is None or (step and step.height >= held.height):
        return _escalate(before, step, failures)
    if _is_open(ladder.thresholds[held], measurements):
        return replace(before, step=held, runs=before.runs + 1, failures=failures)
    return _de_escalate(ladder, replace(before, step=held, failures=failures), held, step, measurements)


def step_of_result(
    ladder: Ladder, before: EscalationState, outcome: Outcome, measurements: Sequence[Measurement]
) -> EscalationStep | None:
    """Return the step that a result carries: of a failure the one that the verdict takes, of a warning its own.

    A first failure of two that it takes has none, and one at a lower step than the line stands at has the higher one.
    """
    if outcome is Outcome.FAIL:
        return next_state(ladder, before, outcome, measurements).step
    return reached(ladder.thresholds, measurements) if outcome is Outcome.WARN else None


def _paged_by_silence(ladder: Ladder, before: EscalationState) -> EscalationStep | None:
    """Return PAGE where a silence may have come to that in place of a higher step of the ladder."""
    is_paged = before.step is EscalationStep.PAGE
    has_higher = any(step.height > EscalationStep.PAGE.height for step in ladder.thresholds)
    return before.step if is_paged and has_higher else None


def _escalate(before: EscalationState, step: EscalationStep | None, failures: int) -> EscalationState:
    """Return the state of a run that has reached the held step, or a higher one; or none, where none was held."""
    if step is None:
        return EscalationState(failures=failures)
    if step is before.step:
        return EscalationState(step, before.runs + 1, failures)
    return EscalationState(step, 1, failures)


def _de_escalate(
    ladder: Ladder,
    before: EscalationState,
    held: EscalationStep,
    step: EscalationStep | None,
    measurements: Sequence[Measurement],
) -> EscalationState:
    """Return the state of a run below the held step: that step still, a lower one, or none."""
    hysteresis = ladder.hysteresis

    # A value that is back far enough releases the held step and each lower one that it is far from.
    not_far_from = [
        candidate
        for candidate, threshold in ladder.thresholds.items()
        if candidate.height <= held.height and not _is_away(hysteresis.release_share, threshold, measurements)
    ]
    stays_at = highest([*not_far_from, step])
    if stays_at is None:
        return EscalationState(failures=before.failures)
    if stays_at is not held:
        # The run itself may be below that lower step: it is then the first one of its release.
        return EscalationState(stays_at, 1, before.failures, int(stays_at is not step), step)

    clearly_below = not _is_near(hysteresis.margin, ladder.thresholds[held], measurements)
    credit = before.recovery_credit + (hysteresis.clear_run_credit if clearly_below else 1)
    recovers_to = highest([before.recovers_to, step])

    if hysteresis.releases(credit):
        return EscalationState(recovers_to, 1 if recovers_to else 0, before.failures)
    return replace(before, runs=before.runs + 1, recovery_credit=credit, recovers_to=recovers_to)


def _is_away(share: float, threshold: float | str, measurements: Sequence[Measurement]) -> bool:
    """Check whether all that could reach a threshold are numbers, and away from it by a share."""
    concerned = _concerned(threshold, measurements)
    return bool(concerned) and all(_keeps_distance(measurement, threshold, share) for measurement in concerned)


def _is_near(share: float, threshold: float | str, measurements: Sequence[Measurement]) -> bool:
    """Check whether a number among them is not away from a threshold by a share."""
    concerned = _concerned(threshold, measurements)
    return any(_keeps_distance(measurement, threshold, share) is False for measurement in concerned)


def _keeps_distance(measurement: Measurement, threshold: float | str, share: float) -> bool | None:
    """Check whether a value is away from a threshold by a share; None where there is no number to compare."""
    limit = _stricter(measurement, threshold, share)
    if limit is None:
        return None
    return _is_met(measurement, limit)


def _stricter(measurement: Measurement, threshold: float | str, share: float) -> float | None:
    """Return the limit that is stricter than a threshold by a share; None where there is no number."""
    limit = measurement.limit if isinstance(threshold, str) else threshold
    if not _is_numeric(measurement) or not _is_number(limit):
        return None

    if measurement.comparator not in _MUST_BE_HIGH:
        return limit - share * abs(limit)

    # A share of 0.99 has its room above it: what is missing to 1.
    room = 1 - limit if 0 < limit < 1 else abs(limit)
    return limit + share * room


def replay(ladder: Ladder, runs: Iterable[tuple[Outcome, Sequence[Measurement]]]) -> Iterator[EscalationState]:
    """Yield the escalation state after each of a sequence of runs."""
    state = INITIAL
    for outcome, measurements in runs:
        state = next_state(ladder, state, outcome, measurements)
        yield state


def advance(
    ladders: Mapping[DecisionKey, Ladder],
    before: Mapping[DecisionKey, EscalationState],
    results: Iterable[tuple[DecisionKey, Outcome, Sequence[Measurement]]],
) -> dict[DecisionKey, EscalationState]:
    """Return the escalation state of each decision that a run demands; the worst result of each counts."""
    worst: dict[DecisionKey, tuple[Outcome, Sequence[Measurement]]] = {}
    for key, outcome, measurements in results:
        earlier = worst.get(key)
        if earlier is None or RANK.index(outcome) > RANK.index(earlier[0]):
            worst[key] = outcome, measurements

    states = {}
    for key, ladder in ladders.items():
        outcome, measurements = worst.get(key, (Outcome.NOT_RUN, ()))
        states[key] = next_state(ladder, before.get(key, INITIAL), outcome, measurements)
    return states


def decided(
    outcomes: Iterable[tuple[DecisionKey, Outcome]], states: Mapping[DecisionKey, EscalationState]
) -> list[DecisionOutcome]:
    """Return the results as the verdict takes them: each with the step that is held, seen again or not."""
    results = []
    answered = set()
    for key, outcome in outcomes:
        answered.add(key)
        step = states.get(key, INITIAL).step
        if outcome is Outcome.FAIL:
            results.append(DecisionOutcome(key, outcome, step=step))
        else:
            results.append(DecisionOutcome(key, outcome, held=step))

    # A step is held, too, where this run was narrowed to other lines.
    for key, state in states.items():
        if key not in answered and state.step:
            results.append(DecisionOutcome(key, Outcome.NOT_RUN, held=state.step))
    return results
