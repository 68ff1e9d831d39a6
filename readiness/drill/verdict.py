"""What a drill proves: pass, fail, or inconclusive with the reasons. Pure: the same evidence, the same word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from readiness.drill.evidence import Broken, Evidence, FellBack, Incident, Restored, RolledBack, Switched, Table
from readiness.rehearsal.verdict import Judgement, Reason, Word

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


def judge(evidence: Evidence) -> Judgement:
    """Judge a drill by the runbooks' limits.

    What the target was seen to fail in stands, also where the drill was cut short after it; a drill that was cut short
    before it proves nothing.
    """
    if evidence.ended != "whole":
        why = evidence.ended_because or "it did not end: was the process killed?"
        cut = Reason(Word.INCONCLUSIVE, f"it was cut short: {why}", _again(evidence))
        seen = (*_failed(faults(evidence), evidence), *_left(evidence))
        return Judgement(Word.FAIL if seen else Word.INCONCLUSIVE, (*seen, cut), ())
    open_ = [Reason(Word.INCONCLUSIVE, says, _again(evidence)) for says in gaps(evidence)]
    failed = (*_failed((*faults(evidence), *slow(evidence)), evidence), *_left(evidence))
    if failed:
        return Judgement(Word.FAIL, (*failed, *open_), ())
    return Judgement(Word.INCONCLUSIVE if open_ else Word.PASS, tuple(open_), ())


def _again(evidence: Evidence) -> str:
    return f"readiness drill {evidence.drill} --env {evidence.environment}"


def _failed(faults: Iterable[str], evidence: Evidence) -> Iterator[Reason]:
    for says in faults:
        yield Reason(Word.FAIL, says, f"mend it, then: {_again(evidence)}")


def _left(evidence: Evidence) -> Iterator[Reason]:
    for what in evidence.left:
        yield Reason(Word.FAIL, f"it was not put back: {what}", "do it by hand, now")


def gaps(evidence: Evidence) -> Iterator[str]:
    """Tell what the drill set out to see and could not, through no fault of the target."""
    facts = evidence.facts
    if isinstance(facts, Switched):
        if not facts.accepted_before:
            yield "uploads were refused before the switch was touched"
        elif not facts.in_flight:
            yield "no upload was in flight when the switch was turned: raise drills.kill_switch.in_flight_rows"
    elif isinstance(facts, RolledBack) and facts.before == facts.wanted:
        yield f"{facts.wanted} was served already"
    elif isinstance(facts, Broken) and facts.before != "closed":
        yield f"the breaker {facts.breaker} was {facts.before or 'not there'} before anything was broken"
    elif isinstance(facts, FellBack) and not facts.before_itself:
        yield f"the dependency did not serve before it was broken: {facts.before}"
    elif isinstance(facts, Incident) and facts.firing_before:
        yield f"the alert {facts.alert} was firing before anything was simulated"


def faults(evidence: Evidence) -> list[str]:
    """Tell what the target failed in. How long it may take is for `slow`, or for the line.

    The facts of a drill that was cut short do not tell what was not seen from what was not reached; its steps do.
    """
    if evidence.ended != "whole":
        return [f"step '{step.name}' failed ({step.says}): {step.found}" for step in evidence.steps if step.failed]
    return list(_of_facts(evidence))


def slow(evidence: Evidence) -> Iterator[str]:
    """Tell what took longer than the runbooks allow."""
    facts = evidence.facts
    if isinstance(facts, Restored) and facts.seconds is not None and facts.seconds >= HOURS_TO_RESTORE * 3600:
        yield f"the restore took {facts.seconds / 3600:.1f} h, allowed are less than {HOURS_TO_RESTORE:g}"
    if isinstance(facts, Restored) and (age := backup_hours(evidence)) is not None and age > BACKUP_HOURS:
        yield f"the backup was {age:.1f} h old, allowed are {BACKUP_HOURS:g}"
    if isinstance(facts, RolledBack) and facts.seconds is not None and facts.seconds > MINUTES_TO_ROLL_BACK * 60:
        yield f"the rollback took {facts.seconds / 60:.1f} min, allowed are {MINUTES_TO_ROLL_BACK:g}"


def backup_hours(evidence: Evidence) -> float | None:
    """Return how old the restored backup was when the drill began; None where the archive does not say."""
    facts = evidence.facts
    if not isinstance(facts, Restored) or facts.taken_at is None:
        return None
    return max(evidence.started_at - facts.taken_at, timedelta(0)) / timedelta(hours=1)


def _of_facts(evidence: Evidence) -> Iterator[str]:
    facts = evidence.facts
    if isinstance(facts, Restored):
        yield from _of_restored(facts, evidence)
    elif isinstance(facts, Switched):
        yield from _of_switched(facts)
    elif isinstance(facts, RolledBack):
        yield from _of_rolled_back(facts)
    elif isinstance(facts, Broken):
        yield from _of_broken(facts)
    elif isinstance(facts, FellBack):
        yield from _of_fallen_back(facts)
    else:
        yield from _of_incident(facts, evidence)


def _of_restored(facts: Restored, evidence: Evidence) -> Iterator[str]:
    if facts.size == 0:
        yield f"the backup {facts.backup} is an empty file"
    elif facts.refused:
        yield f"the backup {facts.backup} cannot be restored: {facts.refused}"
    elif not facts.tables:
        yield f"there was no table to compare with {facts.backup}"
    elif facts.taken_at is None or facts.taken_at - evidence.started_at > timedelta(hours=1):
        yield f"the backup {facts.backup} does not say credibly when it was made"
    else:
        yield from (found for table in facts.tables if (found := _of_table(table)))
    if facts.scratch and not facts.dropped:
        yield "the scratch database was not dropped"


def _of_table(table: Table) -> str:
    if table.restored is None:
        return f"{table.name} did not come back"
    if table.rows_after is not None:
        still = (table.rows, table.checksum) == (table.rows_after, table.checksum_after)
        least, most = sorted((table.rows, table.rows_after))
        if not least <= table.restored <= most:
            return f"{table.name} came back with {table.restored:,} rows of {table.rows:,}"
        if still and table.restored_checksum != table.checksum:
            return f"{table.name} came back with other contents"
        return ""
    return "" if table.changing else _against_live(table)


def _against_live(table: Table) -> str:
    """Compare with what is live by now: a backup that was made elsewhere is a little behind."""
    if table.restored is None or (table.rows and not table.restored):
        return f"{table.name} came back empty; it has {table.rows:,} rows"
    if max(table.rows, table.restored) >= FEW_ROWS and abs(table.restored - table.rows) > ROWS_SHARE * table.rows:
        return f"{table.name} came back with {table.restored:,} rows; it has {table.rows:,}"
    return ""


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
        yield f"{facts.served or 'nothing'} was served, {facts.wanted} was wanted"
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


def _of_incident(facts: Incident, evidence: Evidence) -> Iterator[str]:
    if facts.firing_before:
        return
    if facts.detected_seconds is None:
        yield f"the alert {facts.alert} never fired"
    elif facts.resolved_seconds is None:
        yield f"the alert {facts.alert} did not end after the mitigation"
    missing = [name for name in STEPS if name not in done_steps(evidence)]
    if missing:
        yield f"steps that were not done: {', '.join(missing)}"


def done_steps(evidence: Evidence) -> list[str]:
    """Name the steps that were done, in the order in which they were done."""
    return [step.name for step in sorted(evidence.steps, key=lambda step: step.began) if step.done]
