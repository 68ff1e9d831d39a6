"""A recorded run, judged again from its journal alone: every comparison, every outcome, every step, the verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from readiness.evidence.attested import contradictions, is_attested, is_waived
from readiness.evidence.journal import RecordedRun
from readiness.evidence.records import PlannedItem, PlannedLine, RecordedMeasurement, Result, Stood
from readiness.files.canonical_json import to_json
from readiness.ladder import INITIAL, EscalationState, Ladder, advance, decided, reached
from readiness.measurements import holds
from readiness.outcomes import DecisionKey, Outcome, Phase, Step, Unknown
from readiness.timeline import is_due
from readiness.verdict import RANK, Expected, Verdict, Word, decide, waived_among

GOOD = {Outcome.PASS, Outcome.WARN}


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
    demanded: int
    standing: Mapping[DecisionKey, EscalationState]
    """The step of each decision after this run."""
    outcomes: Mapping[DecisionKey, Outcome]
    """What the record proves of each decision."""


def judge(run: RecordedRun, before: Mapping[DecisionKey, EscalationState] | None = None) -> Judged:
    """Judge a recorded run again; `before` are the steps that stood, where not those that it recorded."""
    proven = [(result, _outcome(run, result)) for result in run.results]
    standing = _standing(run, proven, standing_before(run) if before is None else before)
    verdict = _verdict(run, proven, standing)
    refuted = [
        *_refuted_plan(run),
        *(sentence for result, outcome in proven for sentence in _refuted(run, result, outcome)),
        *_refuted_finish(run, verdict),
        *_refuted_standing(run, standing),
    ]
    due = _due_keys(run)
    answered = len(due & {result.key for result in run.results})
    return Judged(verdict, tuple(refuted), tuple(missing_of(run)), answered, len(due), standing, dict(_last(proven)))


def limits_digest(lines: Iterable[object]) -> str:
    """Give the digest of all that a plan demands: a changed limit, gate or due time changes it."""
    # What a line does not state is left out, so that a field which comes later leaves older digests as they are.
    plain = [PlannedLine.model_validate(line).model_dump(mode="json", exclude_unset=True) for line in lines]
    return hashlib.sha256(to_json(plain).encode()).hexdigest()


def missing_of(run: RecordedRun) -> Iterator[Result]:
    """Give the demanded decisions that have no result, as results that say so."""
    known = {result.key for result in run.results}
    for item, line in _planned(run):
        if item.key not in known:
            yield Result(
                line=item.line,
                check=item.check,
                subject=item.subject,
                nodeid="",
                outcome=Outcome.NOT_RUN if item.due else Outcome.NOT_DUE,
                measurements=(),
                reason="the run ended without it" if item.due else f"due {line.due}",
                remedy="run the whole phase" if item.due else "",
                seconds=0.0,
                gate=line.gate,
                says=line.says,
                ref=line.ref,
            )


def _planned(run: RecordedRun) -> Iterator[tuple[PlannedItem, PlannedLine]]:
    lines = {line.id: line for line in run.plan.lines} if run.plan else {}
    for item in run.plan.items if run.plan else ():
        if item.line in lines:
            yield item, lines[item.line]


def _verdict(
    run: RecordedRun, proven: list[tuple[Result, Outcome]], standing: Mapping[DecisionKey, EscalationState]
) -> Verdict:
    expected = [Expected(item.key, line.gate, due=_due(run, item, line)) for item, line in _planned(run)]
    results = decided([(result.key, outcome) for result, outcome in proven], standing)
    waived = waived_among((result.key, is_waived(run, result, outcome)) for result, outcome in proven)
    ended = bool(run.finish and run.finish.ended)
    return decide(run.start.phase, expected, results, ended=ended, waived=waived, sign_off=run.start.sign_off)


def _standing(
    run: RecordedRun, proven: list[tuple[Result, Outcome]], before: Mapping[DecisionKey, EscalationState]
) -> dict[DecisionKey, EscalationState]:
    if run.start.phase is not Phase.POSTLAUNCH:
        return {}
    eased = run.start.hysteresis.hysteresis()
    ladders = {item.key: Ladder(line.ladder, line.consecutive, eased) for item, line in _planned(run)}
    taken = [(result.key, outcome, [one.measurement() for one in result.measurements]) for result, outcome in proven]
    return advance(ladders, before, taken)


def standing_before(run: RecordedRun) -> dict[DecisionKey, EscalationState]:
    """Give the steps that a run found standing."""
    return {one.key: one.standing() for one in (run.start.before.decisions if run.start.before else ())}


def _due(run: RecordedRun, item: PlannedItem, line: PlannedLine) -> bool:
    """Count an item as due where its time says so, also where the plan says it is not."""
    signed_at = run.start.sign_off.signed_at if run.start.sign_off else None
    return item.due or is_due(line.due, run.start.as_of, run.start.launch_at, signed_at)


def _due_keys(run: RecordedRun) -> set[DecisionKey]:
    return {item.key for item, line in _planned(run) if _due(run, item, line)}


def _step(run: RecordedRun, result: Result) -> Step | None:
    line = run.plan.line(result.line) if run.plan else None
    if run.start.phase is not Phase.POSTLAUNCH or line is None:
        return None
    return reached(line.ladder, result.measured())


def _outcome(run: RecordedRun, result: Result) -> Outcome:
    """Give the outcome that the record can prove: the stated one, or a worse one."""
    if result.outcome in GOOD:
        if result.attested and not is_attested(run, result):
            return Outcome.UNKNOWN
        met = [_met(one) for one in result.measurements]
        if False in met:
            return Outcome.FAIL
        return result.outcome if met and None not in met else Outcome.UNKNOWN
    if result.outcome is Outcome.NOT_APPLICABLE and result.line not in run.start.not_applicable:
        return Outcome.UNKNOWN
    if result.outcome is Outcome.NOT_DUE and result.key in _due_keys(run):
        return Outcome.NOT_RUN
    return result.outcome


def _met(one: RecordedMeasurement) -> bool | None:
    """Compare again; None where the value cannot be compared."""
    try:
        return holds(one.value, one.comparator, one.limit)
    except Unknown:
        return None


def _refuted(run: RecordedRun, result: Result, outcome: Outcome) -> Iterator[str]:
    where = f"{result.key.name} ({result.check})"
    if run.plan and result.key not in {item.key for item in run.plan.items}:
        yield f"{where}: the plan does not demand it"
    for one in result.measurements:
        met = _met(one)
        if met is not one.ok:
            stated = "met" if one.ok else "not met"
            again = {True: "met", False: "not met", None: "not comparable"}[met]
            yield f"{where}: {one.measurement()}: recorded as {stated}, compared again it is {again}"
    if outcome is not result.outcome:
        yield f"{where}: recorded as {result.outcome}, its record proves {outcome}"
    yield from (f"{where}: {sentence}" for sentence in contradictions(run, result, outcome))
    step = _step(run, result)
    if step is not result.step:
        yield f"{where}: recorded at the step {result.step or 'none'}, its measurements reach {step or 'none'}"


def _last(proven: list[tuple[Result, Outcome]]) -> Iterator[tuple[DecisionKey, Outcome]]:
    """Give the outcome of each decision, the worst where it has several."""
    yield from sorted(((result.key, outcome) for result, outcome in proven), key=lambda one: RANK.index(one[1]))


def stood(standing: Mapping[DecisionKey, EscalationState], outcomes: Mapping[DecisionKey, Outcome]) -> Iterator[Stood]:
    """Write down how a run left each decision."""
    for key in dict.fromkeys((*outcomes, *standing)):
        line, check, subject = key
        state = standing.get(key, INITIAL)
        yield Stood(
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


def on_ladder(
    standing: Mapping[DecisionKey, EscalationState], outcomes: Mapping[DecisionKey, Outcome]
) -> tuple[Stood, ...]:
    """Write down those that are not on the ground."""
    return tuple(one for one in stood(standing, outcomes) if one.standing() != INITIAL)


def _refuted_standing(run: RecordedRun, standing: Mapping[DecisionKey, EscalationState]) -> Iterator[str]:
    if run.finish is None or run.finish.standing is None:
        return
    told = {one.key: one.standing() for one in run.finish.standing}
    for key in {**told, **standing}:
        one, other = told.get(key, INITIAL), standing.get(key, INITIAL)
        if one != other:
            where = f"{key.name} ({key.check})"
            yield f"{where}: recorded as standing at {_at(one)}, its measurements leave it at {_at(other)}"


def _at(standing: EscalationState) -> str:
    return f"{standing.step or 'no step'} ({standing.failures} failures, {standing.recovery_credit} calm runs)"


def _refuted_plan(run: RecordedRun) -> Iterator[str]:
    if run.plan is None:
        return
    if limits_digest(run.plan.lines) != run.start.limits_digest:
        yield "the plan is not the one that the start names: a line, a gate, a due time or a limit was changed"
    named, known = {item.line for item in run.plan.items}, {line.id for line in run.plan.lines}
    yield from (
        f"{line.id}: the plan has the line, and no decision of it"
        for line in run.plan.lines
        if line.checks and line.id not in named
    )
    yield from (f"{name}: the plan has a decision of it, and not the line" for name in sorted(named - known))
    for item, line in _planned(run):
        if _due(run, item, line) is not item.due:
            yield f"{item.line}: planned as not due, and its time ({line.due}) had come"


def _refuted_finish(run: RecordedRun, verdict: Verdict) -> Iterator[str]:
    if run.finish is None:
        return
    if (run.finish.verdict, run.finish.exit) != (verdict.word, verdict.exit):
        stated = f"{run.finish.verdict} (exit {run.finish.exit})"
        yield f"recorded as {stated}, the results add up to {verdict.word} (exit {verdict.exit})"
    elif run.finish.counts != verdict.counts and verdict.word is not Word.INCOMPLETE:
        yield "the counts at the end are not those of the results"
