"""What a drill proves: pass, fail, or inconclusive with the reasons. Pure: the same evidence, the same word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from readiness.drill.evidence import Broken, DrillEvidence, FellBack, Incident, Restored, RolledBack, Switched, Table
from readiness.rehearsal.verdict import Conclusion, Judgement, Reason

HOURS_TO_RESTORE = 4.0
MINUTES_TO_ROLL_BACK = 3.0
BACKUP_HOURS = 24.0
"""The limits of the runbooks; a line may say others."""
ROWS_SHARE = 0.2
"""A table of a backup that was made elsewhere may have so many more or fewer rows than the live one has by now."""
FEW_ROWS = 50
"""Below so many, the share of rows proves nothing."""
STEPS = ("simulate", "detect", "publish", "mitigate", "resolve", "document")
"""Of an incident, in this order."""


def judge(evidence: DrillEvidence) -> Judgement:
    """Return the verdict on a drill by the runbooks' limits.

    What the target was seen to fail in stands, also where the drill was cut short after it; a drill that was cut short
    before it proves nothing.
    """
    if evidence.ended != "whole":
        return _judge_cut_short(evidence)

    undecided = tuple(Reason(Conclusion.INCONCLUSIVE, gap, _again(evidence)) for gap in gaps(evidence))
    failed = (*_failed((*faults(evidence), *slow(evidence)), evidence), *_left(evidence))

    # What was seen to fail stands, whatever else could not be seen.
    if failed:
        return Judgement(Conclusion.FAIL, (*failed, *undecided), ())

    if undecided:
        return Judgement(Conclusion.INCONCLUSIVE, undecided, ())
    return Judgement(Conclusion.PASS, (), ())


def _judge_cut_short(evidence: DrillEvidence) -> Judgement:
    """Return the verdict on a drill that did not come to its end: it can fail, and cannot pass."""
    why = evidence.ended_because or "it did not end: was the process killed?"
    cut_short = Reason(Conclusion.INCONCLUSIVE, f"it was cut short: {why}", _again(evidence))

    failed = (*_failed(faults(evidence), evidence), *_left(evidence))
    if failed:
        return Judgement(Conclusion.FAIL, (*failed, cut_short), ())
    return Judgement(Conclusion.INCONCLUSIVE, (cut_short,), ())


def _again(evidence: DrillEvidence) -> str:
    return f"readiness drill {evidence.drill} --env {evidence.environment}"


def _failed(faults: Iterable[str], evidence: DrillEvidence) -> Iterator[Reason]:
    for fault in faults:
        yield Reason(Conclusion.FAIL, fault, f"mend it, then: {_again(evidence)}")


def _left(evidence: DrillEvidence) -> Iterator[Reason]:
    for left in evidence.left:
        yield Reason(Conclusion.FAIL, f"it was not put back: {left}", "do it by hand, now")


def gaps(evidence: DrillEvidence) -> Iterator[str]:
    """Yield what the drill set out to see and could not, through no fault of the target."""
    match evidence.facts:
        case Switched(accepted_before=False):
            yield "uploads were refused before the switch was touched"
        case Switched(in_flight=0):
            yield "no upload was in flight when the switch was turned: raise drills.kill_switch.in_flight_rows"
        case RolledBack(before=before, wanted=wanted) if before == wanted:
            yield f"{wanted} was served already"
        case Broken(breaker=breaker, before=before) if before != "closed":
            yield f"the breaker {breaker} was {before or 'not there'} before anything was broken"
        case FellBack(before=before, before_itself=False):
            yield f"the dependency did not serve before it was broken: {before}"
        case Incident(alert=alert, firing_before=True):
            yield f"the alert {alert} was firing before anything was simulated"


def faults(evidence: DrillEvidence) -> list[str]:
    """Return what the target failed in. How long it may take is for `slow`, or for the line.

    The facts of a drill that was cut short do not tell what was not seen from what was not reached; its steps do.
    """
    if evidence.ended != "whole":
        return [f"step '{step.name}' failed ({step.says}): {step.found}" for step in evidence.steps if step.failed]
    return list(_of_facts(evidence))


def slow(evidence: DrillEvidence) -> Iterator[str]:
    """Yield what took longer than the runbooks allow, or was older."""
    match evidence.facts:
        case Restored(seconds=seconds) if seconds is not None and seconds >= HOURS_TO_RESTORE * 3600:
            yield f"the restore took {seconds / 3600:.1f} h, allowed are less than {HOURS_TO_RESTORE:g}"
        case RolledBack(seconds=seconds) if seconds is not None and seconds > MINUTES_TO_ROLL_BACK * 60:
            yield f"the rollback took {seconds / 60:.1f} min, allowed are {MINUTES_TO_ROLL_BACK:g}"

    # A restore may be quick and of an old backup, or both.
    age = backup_hours(evidence)
    if age is not None and age > BACKUP_HOURS:
        yield f"the backup was {age:.1f} h old, allowed are {BACKUP_HOURS:g}"


def backup_hours(evidence: DrillEvidence) -> float | None:
    """Return how old the restored backup was when the drill began; None where the archive does not say."""
    facts = evidence.facts
    if not isinstance(facts, Restored) or facts.taken_at is None:
        return None

    # The clocks of two machines may differ: a dump made now is not from the future.
    age = max(evidence.started_at - facts.taken_at, timedelta(0))
    return age / timedelta(hours=1)


def _of_facts(evidence: DrillEvidence) -> Iterator[str]:
    match evidence.facts:
        case Restored() as facts:
            yield from _of_restored(facts, evidence)
        case Switched() as facts:
            yield from _of_switched(facts)
        case RolledBack() as facts:
            yield from _of_rolled_back(facts)
        case Broken() as facts:
            yield from _of_broken(facts)
        case FellBack() as facts:
            yield from _of_fallen_back(facts)
        case Incident() as facts:
            yield from _of_incident(facts, evidence)


def _of_restored(facts: Restored, evidence: DrillEvidence) -> Iterator[str]:
    if facts.size == 0:
        yield f"the backup {facts.backup} is an empty file"
    elif facts.refused:
        yield f"the backup {facts.backup} cannot be restored: {facts.refused}"
    elif not facts.tables:
        yield f"there was no table to compare with {facts.backup}"
    elif facts.taken_at is None or facts.taken_at - evidence.started_at > timedelta(hours=1):
        yield f"the backup {facts.backup} does not say credibly when it was made"
    else:
        yield from filter(None, map(_of_table, facts.tables))

    if facts.scratch and not facts.dropped:
        yield "the scratch database was not dropped"


def _of_table(table: Table) -> str:
    """Return what is wrong with a table that came back, or the empty string."""
    if table.restored is None:
        return f"{table.name} did not come back"

    # Made here, between two looks at the table.
    if table.rows_after is not None:
        return _against_dumped(table, table.restored, table.rows_after)

    # Nobody can say how many rows it had then.
    if table.changing:
        return ""
    return _against_live(table, table.restored)


def _against_dumped(table: Table, restored: int, rows_after: int) -> str:
    """Compare with what was dumped: of a table that was written to meanwhile, only the range of its rows is known."""
    least, most = sorted((table.rows, rows_after))
    if not least <= restored <= most:
        return f"{table.name} came back with {restored:,} rows of {table.rows:,}"

    untouched = (table.rows, table.checksum) == (rows_after, table.checksum_after)
    if untouched and table.restored_checksum != table.checksum:
        return f"{table.name} came back with other contents"
    return ""


def _against_live(table: Table, restored: int) -> str:
    """Compare with what is live by now: a backup that was made elsewhere is a little behind."""
    if table.rows and not restored:
        return f"{table.name} came back empty; it has {table.rows:,} rows"

    is_enough_to_compare = max(table.rows, restored) >= FEW_ROWS
    if is_enough_to_compare and abs(restored - table.rows) > ROWS_SHARE * table.rows:
        return f"{table.name} came back with {restored:,} rows; it has {table.rows:,}"
    return ""


# Where the drill began in a state that proves nothing, it ended there: `gaps` says so, and there is no fault to see.


def _of_switched(facts: Switched) -> Iterator[str]:
    if not facts.accepted_before:
        return
    if facts.refused_seconds is None:
        yield f"a new upload was not refused while it was off: {facts.told}"
    if facts.completed < facts.in_flight:
        yield f"{facts.in_flight - facts.completed} of {facts.in_flight} uploads in flight did not complete"
    if not facts.accepted_after:
        yield "no upload was accepted after it was switched on again"


def _of_rolled_back(facts: RolledBack) -> Iterator[str]:
    if facts.before == facts.wanted:
        return
    if facts.seconds is None and facts.served != facts.wanted:
        served = f"{facts.served} was served" if facts.served else "the target did not say which version it serves"
        yield f"{served}, {facts.wanted} was wanted"
    elif facts.seconds is None:
        yield f"{facts.wanted} was served and not healthy"
    if facts.forward_seconds is None:
        yield f"{facts.before} was not served again afterwards"


def _of_broken(facts: Broken) -> Iterator[str]:
    if facts.before != "closed":
        return
    if facts.opened_seconds is None:
        yield f"the breaker {facts.breaker} never opened"
    if facts.closed_seconds is None:
        yield f"the breaker {facts.breaker} did not close after the dependency was mended"


def _of_fallen_back(facts: FellBack) -> Iterator[str]:
    if not facts.before_itself:
        return
    if facts.served_seconds is None:
        yield f"the fallback never served: {facts.during}"
    if facts.recovered_seconds is None:
        yield f"the dependency did not serve again after it was mended: {facts.after}"


def _of_incident(facts: Incident, evidence: DrillEvidence) -> Iterator[str]:
    if facts.firing_before:
        return
    if facts.detected_seconds is None:
        yield f"the alert {facts.alert} never fired"
    elif facts.resolved_seconds is None:
        yield f"the alert {facts.alert} did not end after the mitigation"

    done = done_steps(evidence)
    missing = [name for name in STEPS if name not in done]
    if missing:
        yield f"steps that were not done: {', '.join(missing)}"


def done_steps(evidence: DrillEvidence) -> list[str]:
    """Return the names of the steps that were done, in the order in which they were begun."""
    in_order = sorted(evidence.steps, key=lambda step: step.began)
    return [step.name for step in in_order if step.done]
