"""Judge a recorded run again from its journal alone: every comparison, every outcome, every step, the verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from readiness.evidence.attested import contradictions, expiries, is_waived, lacks_a_word
from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_ahead import contradicted
from readiness.evidence.recorded_ladder import RecordedState, states_after
from readiness.evidence.recorded_measurement import RecordedMeasurement
from readiness.evidence.recorded_step import refuted_step
from readiness.evidence.records import Finish, PlannedItem, PlannedLine, Result
from readiness.evidence.rests_on import GOOD, unborne
from readiness.files.canonical_json import to_json
from readiness.ladder import INITIAL, EscalationState, Ladder, advance, decided
from readiness.measurements import holds
from readiness.outcomes import DecisionKey, Outcome, Phase, Unknown
from readiness.runbook.consent import LaunchRecord
from readiness.runbook.waivers import waived_among
from readiness.timeline import due_at, is_due
from readiness.verdict import RANK, SIGN_OFF, Expected, Verdict, VerdictStatus, decide


@dataclass(frozen=True)
class Judged:
    """What a journal is worth."""

    verdict: Verdict
    """As it follows from the measurements, whatever the journal says of itself."""
    refuted: tuple[str, ...]
    """Where the journal contradicts itself. An honest run has none."""
    missing: tuple[Result, ...]
    """The demanded decisions without a result, as results that say so."""
    decided: int
    """The number of due decisions with a result."""
    demanded: int
    """The number of due decisions."""
    states: Mapping[DecisionKey, EscalationState]
    """The escalation state of each decision after this run."""
    outcomes: Mapping[DecisionKey, Outcome]
    """What the record proves of each decision, the worst where it has several results."""


States = Mapping[DecisionKey, EscalationState]
Proven = list[tuple[Result, Outcome]]
"""The results of a run, each with the outcome that its record proves."""


def judge(run: RecordedRun, before: States | None = None) -> Judged:
    """Return what a recorded run is worth; `before` are the states to begin with, where not those that it recorded."""
    due = _due_keys(run)
    demanded = {item.key for item in run.plan.items} if run.plan else None
    proven = [(result, _outcome(run, result, due)) for result in run.results]
    stood = states_before(run) if before is None else before
    states = _states(run, proven, stood)
    verdict = _verdict(run, proven, states)

    refuted = [*_refuted_plan(run)]
    for result, outcome in proven:
        refuted += _refuted_result(run, result, outcome, demanded)
        refuted += refuted_step(run, result, outcome, stood.get(result.key, INITIAL))
    refuted += _refuted_finish(run, verdict)
    refuted += _refuted_states(run, states)
    refuted += unborne(run)

    answered = due & {result.key for result in run.results}
    return Judged(
        verdict=verdict,
        refuted=tuple(refuted),
        missing=tuple(missing_of(run)),
        decided=len(answered),
        demanded=len(due),
        states=states,
        outcomes=_worst_outcomes(proven),
    )


def limits_digest(lines: Iterable[object]) -> str:
    """Return the digest of all that a plan demands: a changed limit, gate or due time changes it."""
    # What a line does not state is left out, so that a field which comes later leaves older digests as they are.
    plain = [PlannedLine.model_validate(line).model_dump(mode="json", exclude_unset=True) for line in lines]
    return hashlib.sha256(to_json(plain).encode()).hexdigest()


def missing_of(run: RecordedRun) -> Iterator[Result]:
    """Yield the demanded decisions that have no result, as results that say so."""
    answered = {result.key for result in run.results}
    for item, line in _planned(run):
        if item.key not in answered:
            yield _missing(item, line)


def _missing(item: PlannedItem, line: PlannedLine) -> Result:
    if item.due:
        outcome, reason, remedy = Outcome.NOT_RUN, "the run ended without it", "run the whole phase"
    else:
        outcome, reason, remedy = Outcome.NOT_DUE, f"due {line.due}", ""

    return Result(
        line=item.line,
        check=item.check,
        subject=item.subject,
        nodeid="",
        outcome=outcome,
        measurements=(),
        reason=reason,
        remedy=remedy,
        seconds=0.0,
        gate=line.gate,
        says=line.says,
        ref=line.ref,
    )


def _planned(run: RecordedRun) -> Iterator[tuple[PlannedItem, PlannedLine]]:
    """Yield the planned decisions, each with its line; one without a line is a contradiction of the plan."""
    if run.plan is None:
        return

    lines = {line.id: line for line in run.plan.lines}
    for item in run.plan.items:
        if item.line in lines:
            yield item, lines[item.line]


def _verdict(run: RecordedRun, proven: Proven, states: States) -> Verdict:
    of_checks = [_expected(run, item, line) for item, line in _planned(run)]
    expected = [*of_checks, *_signed_lines(run)]
    results = decided([(result.key, outcome) for result, outcome in proven], states)
    waived = waived_among((result.key, is_waived(run, result, outcome)) for result, outcome in proven)
    ended = bool(run.finish and run.finish.ended)
    return decide(
        run.start.phase,
        expected,
        results,
        ended=ended,
        waived=waived,
        sign_off=run.start.sign_off,
        launch=_launch(run),
        expiring=expiries(result for result, _ in proven),
    )


def _launch(run: RecordedRun) -> LaunchRecord | None:
    """Return what was known of the launch; None where nobody asked: before the last phase, and in earlier versions."""
    earlier = run.start.earlier_phases
    if run.start.phase is not Phase.GA or earlier is None:
        return None
    return LaunchRecord(run.start.as_of, run.start.launch_at, tuple(phase.standing() for phase in earlier))


def _expected(run: RecordedRun, item: PlannedItem, line: PlannedLine) -> Expected:
    due = due_at(line.due, run.start.launch_at, _signed_at(run))
    return Expected(item.key, line.gate, due=_is_due(run, item, line), due_at=due)


def _signed_lines(run: RecordedRun) -> Iterator[Expected]:
    """Yield the deciding lines that the sign-off decides: no check answers them, so the plan has no decision of it."""
    # Earlier versions did not count them.
    if run.plan is None or (run.finish and not _says_until(run.finish)):
        return

    for line in run.plan.lines:
        if line.rendered_as != SIGN_OFF:
            continue
        due = is_due(line.due, run.start.as_of, run.start.launch_at, _signed_at(run))
        when = due_at(line.due, run.start.launch_at, _signed_at(run))
        decision = Expected(DecisionKey(line.id, SIGN_OFF, None), line.gate, due=due, due_at=when)
        if decision.decides:
            yield decision


def _signed_at(run: RecordedRun) -> datetime | None:
    return run.start.sign_off.signed_at if run.start.sign_off else None


def by_earlier_rules(run: RecordedRun, verdict: Verdict) -> bool:
    """Check whether an earlier version called a run good that is undecided today, though its record holds.

    It asked neither for a deciding line that was judged nor for a decision in the sign-off, and let people approve
    before all had fallen due.
    """
    if run.finish is None or run.finish.exit != 0:
        return False
    is_approved_early = run.start.phase is Phase.GA and bool(verdict.later)
    if _says_until(run.finish) and not is_approved_early:
        return False

    is_undecided = verdict.word is VerdictStatus.INCOMPLETE and verdict.ended
    return is_undecided and not verdict.holding


def _states(run: RecordedRun, proven: Proven, before: States) -> dict[DecisionKey, EscalationState]:
    """Return the escalation state of each decision after the run."""
    # Only the hours after the launch have a ladder.
    if run.start.phase is not Phase.POSTLAUNCH:
        return {}

    hysteresis = run.start.hysteresis.hysteresis()
    ladders = {item.key: Ladder(line.ladder, line.consecutive, hysteresis) for item, line in _planned(run)}
    return advance(ladders, before, [(result.key, outcome, result.measured()) for result, outcome in proven])


def states_before(run: RecordedRun) -> dict[DecisionKey, EscalationState]:
    """Return the escalation states that a run began with."""
    if run.start.before is None:
        return {}
    return states_after([run.start.before, *run.start.also_before])


def _is_due(run: RecordedRun, item: PlannedItem, line: PlannedLine) -> bool:
    """Check whether a decision is due: also where its time says so and the plan says that it is not."""
    return item.due or is_due(line.due, run.start.as_of, run.start.launch_at, _signed_at(run))


def _due_keys(run: RecordedRun) -> set[DecisionKey]:
    return {item.key for item, line in _planned(run) if _is_due(run, item, line)}


def _outcome(run: RecordedRun, result: Result, due: set[DecisionKey]) -> Outcome:
    """Return the outcome that the record can prove: the stated one, or a worse one."""
    if result.outcome in GOOD:
        return _good_outcome(run, result)

    # What a run may leave out stands in its start and in its plan.
    if result.outcome is Outcome.NOT_APPLICABLE and result.line not in run.start.not_applicable:
        return Outcome.UNKNOWN
    if result.outcome is Outcome.NOT_DUE and result.key in due:
        return Outcome.NOT_RUN
    return result.outcome


def _good_outcome(run: RecordedRun, result: Result) -> Outcome:
    """Return the outcome that is left of a good one: it needs measurements, all of them within their limits."""
    if lacks_a_word(run, result):
        return Outcome.UNKNOWN

    compared = [_compared(measurement) for measurement in result.measurements]
    if False in compared:
        return Outcome.FAIL
    if not compared or None in compared:
        return Outcome.UNKNOWN
    return result.outcome


def _compared(measurement: RecordedMeasurement) -> bool | None:
    """Compare a value with its limit again; return None where it cannot be compared."""
    try:
        return holds(measurement.value, measurement.comparator, measurement.limit, measurement.known)
    except Unknown:
        return None


_COMPARED = {True: "met", False: "not met", None: "not comparable"}


def _refuted_result(
    run: RecordedRun, result: Result, outcome: Outcome, demanded: set[DecisionKey] | None
) -> Iterator[str]:
    """Yield where a result contradicts its own measurements, the plan, or the entries that it carries."""
    where = f"{result.key.name} ({result.check})"
    if demanded is not None and result.key not in demanded:
        yield f"{where}: the plan does not demand it"

    for measurement in result.measurements:
        compared = _compared(measurement)
        if compared is not measurement.ok:
            again = f"recorded as {_COMPARED[measurement.ok]}, compared again it is {_COMPARED[compared]}"
            yield f"{where}: {measurement.measurement()}: {again}"

    if outcome is not result.outcome:
        yield f"{where}: recorded as {result.outcome}, its record proves {outcome}"
    for contradiction in contradictions(run, result, outcome):
        yield f"{where}: {contradiction}"

    line = run.plan.line(result.line) if run.plan else None
    planned = line.ahead.get(result.check, ()) if line else ()
    is_judged = outcome in GOOD and not result.attested
    for contradiction in contradicted(planned, result.ahead or (), is_judged=is_judged):
        yield f"{where}: {contradiction}"


def _worst_outcomes(proven: Proven) -> dict[DecisionKey, Outcome]:
    """Return the outcome of each decision, the worst where it has several."""
    worst_last = sorted(((result.key, outcome) for result, outcome in proven), key=lambda pair: RANK.index(pair[1]))
    return dict(worst_last)


def recorded_states(states: States, outcomes: Mapping[DecisionKey, Outcome]) -> Iterator[RecordedState]:
    """Yield the record of each decision: its outcome, and its escalation state after the run."""
    for key in dict.fromkeys((*outcomes, *states)):
        line, check, subject = key
        state = states.get(key, INITIAL)
        yield RecordedState(
            line=line,
            check=check,
            subject=subject,
            outcome=outcomes.get(key, Outcome.NOT_RUN),
            step=state.step,
            runs=state.runs,
            failures=state.failures,
            calm=state.recovery_credit,
            below=state.recovers_to,
        )


def on_ladder(states: States, outcomes: Mapping[DecisionKey, Outcome]) -> tuple[RecordedState, ...]:
    """Return the records of the decisions at a step of their ladder, or on the way to one or off it."""
    return tuple(record for record in recorded_states(states, outcomes) if record.state() != INITIAL)


def _refuted_states(run: RecordedRun, states: States) -> Iterator[str]:
    # Older journals do not say where they left the ladders.
    if run.finish is None or run.finish.standing is None:
        return

    recorded = {record.key: record.state() for record in run.finish.standing}
    for key in {**recorded, **states}:
        stated = recorded.get(key, INITIAL)
        derived = states.get(key, INITIAL)
        if stated != derived:
            where = f"{key.name} ({key.check})"
            yield f"{where}: recorded as standing at {_at(stated)}, its measurements leave it at {_at(derived)}"


def _at(state: EscalationState) -> str:
    return f"{state.step or 'no step'} ({state.failures} failures, {state.recovery_credit} calm runs)"


def _refuted_plan(run: RecordedRun) -> Iterator[str]:
    """Yield where the plan contradicts the start, itself, or the time that was judged."""
    if run.plan is None:
        return

    if limits_digest(run.plan.lines) != run.start.limits_digest:
        yield "the plan is not the one that the start names: a line, a gate, a due time or a limit was changed"

    # Who takes out a decision or its line takes out a failure.
    decided_lines = {item.line for item in run.plan.items}
    for line in run.plan.lines:
        if line.checks and line.id not in decided_lines:
            yield f"{line.id}: the plan has the line, and no decision of it"
    for name in sorted(decided_lines - {line.id for line in run.plan.lines}):
        yield f"{name}: the plan has a decision of it, and not the line"

    for item, line in _planned(run):
        if _is_due(run, item, line) is not item.due:
            yield f"{item.line}: planned as not due, and its time ({line.due}) had come"


def _refuted_finish(run: RecordedRun, verdict: Verdict) -> Iterator[str]:
    # A run that died has not said what it came to.
    if run.finish is None:
        return

    # What an earlier version called good by its own rules was not changed since.
    if by_earlier_rules(run, verdict):
        return

    if _says_until(run.finish) and run.finish.holds_until != verdict.holds_until:
        stated, derived = _until(run.finish.holds_until), _until(verdict.holds_until)
        yield f"recorded to hold {stated}, its plan and its entries let it hold {derived}"

    if (run.finish.verdict, run.finish.exit) != (verdict.word, verdict.exit):
        stated = f"{run.finish.verdict} (exit {run.finish.exit})"
        yield f"recorded as {stated}, the results add up to {verdict.word} (exit {verdict.exit})"
    elif run.finish.counts != verdict.counts and verdict.word is not VerdictStatus.INCOMPLETE:
        yield "the counts at the end are not those of the results"


def _says_until(finish: Finish) -> bool:
    """Check whether a run was written by a version that says until when a good verdict holds."""
    return "holds_until" in finish.model_fields_set


def _until(instant: datetime | None) -> str:
    return f"until {instant:%Y-%m-%d %H:%M:%S}Z" if instant else "with no end"
