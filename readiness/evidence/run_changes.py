"""What is different between a run and the one before it of its phase: what it demands, of whom, and on what ground."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from readiness.evidence.findings import Gap
from readiness.evidence.journal import RecordedRun
from readiness.evidence.judged_by import as_judged
from readiness.evidence.limit_changes import Change, Direction, as_it_decides, changes
from readiness.evidence.reasons import Reason
from readiness.evidence.records import Plan
from readiness.evidence.signing import SHOWN
from readiness.outcomes import STATES_NO


@dataclass(frozen=True)
class RunChange:
    """One difference, and the digest by which somebody accepts it; one that can only be told has neither."""

    says: str
    reason: Reason = Reason.GOOD
    accepted_by: str = ""

    def gap(self, approved: Collection[str]) -> Gap | None:
        """Return why it is no evidence; None where it takes nothing away, or somebody has accepted it."""
        is_accepted = any(self.accepted_by.startswith(digest) for digest in approved)
        return None if self.reason is Reason.GOOD or is_accepted else Gap(self.reason, self.says)


def between(before: RecordedRun, now: RecordedRun) -> Iterator[RunChange]:
    """Yield all that is different of a run."""
    yield from _of_target(before, now)
    yield from _of_plan(before, now)
    yield from _of_binding(before, now)
    yield from _of_key(before, now)


def target_digest(url: str) -> str:
    """Return the digest by which somebody accepts that runs judge this address from now on."""
    return hashlib.sha256(f"target {url}".encode()).hexdigest()


def _of_target(before: RecordedRun, now: RecordedRun) -> Iterator[RunChange]:
    was, is_now = before.start.target.url, now.start.target.url
    if was != is_now:
        digest = target_digest(is_now)
        says = f"TARGET {was} -> {is_now} (accept it with --limits {digest[:SHOWN]})"
        yield RunChange(says, Reason.LOOSENED, digest)


def _of_plan(before: RecordedRun, now: RecordedRun) -> Iterator[RunChange]:
    # Most runs demand what the one before them did.
    if before.plan is None or now.plan is None or before.start.limits_digest == now.start.limits_digest:
        return
    judged = as_judged(before, now.plan, now.results) or before.plan
    was, is_now = (as_it_decides(plan, now.start.phase) for plan in (judged, now.plan))
    filled_in = tuple(_filled_in(before, is_now))
    for change in changes(was, is_now):
        if str(change).startswith(filled_in):
            yield RunChange(f"{Direction.TIGHTER} {change}")
        else:
            yield _of_line(change, now.start.limits_digest)


def _filled_in(before: RecordedRun, now: Plan) -> Iterator[str]:
    """Yield each limit that is stated since and without which nothing could decide its line, as a change begins.

    What was unknown for want of it is no looser by it.
    """
    for result in before.results:
        line, line_before = now.line(result.line), before.plan.line(result.line) if before.plan else None
        reason = str((result.instead_of or {}).get("reason", result.reason))
        if line is None or line_before is None or not reason.startswith(STATES_NO):
            continue
        stated, stated_before = (of_run.limits.get(result.check, {}) for of_run in (line, line_before))
        for name in reason.removeprefix(STATES_NO).split(", "):
            if name in stated and name not in stated_before:
                yield f"{line.id}: {result.check}.{name} "


def _of_line(change: Change, digest: str) -> RunChange:
    says = f"{change.direction} {change}"
    if change.direction is Direction.NEWLY:
        says += ", which is not on record: it may have been stricter"
    if change.direction.may_demand_less:
        return RunChange(says, Reason.LOOSENED, digest)
    return RunChange(says)


def _of_binding(before: RecordedRun, now: RecordedRun) -> Iterator[RunChange]:
    """Yield what it is evidence about otherwise. What the run before said, this one must say too."""
    if before.start.binds_results and not now.start.binds_results:
        yield RunChange("its results do not say what they rest on, and those before did", Reason.NOT_EVIDENCE)

    was, is_now = before.start.binding, now.start.binding
    if was and is_now is None:
        yield RunChange("it does not say what it is evidence about, and the run before did", Reason.NOT_EVIDENCE)
    if was is None or is_now is None:
        return

    if was.project.same_as(is_now.project) is False:
        yield RunChange(f"PROJECT {was.project.shown} -> {is_now.project.shown}", Reason.OTHER_PROJECT)
    if set(was.environment.keys) != set(is_now.environment.keys):
        yield RunChange("the environment file says something else")
    if is_now.commit and is_now.commit.dirty and not (was.commit and was.commit.dirty):
        yield RunChange("it ran with uncommitted changes")


def _of_key(before: RecordedRun, now: RecordedRun) -> Iterator[RunChange]:
    was, is_now = before.start.key_id, now.start.key_id
    if was != is_now:
        shown = [key[:SHOWN] if key else "none" for key in (was, is_now)]
        yield RunChange(f"KEY {shown[0]} -> {shown[1]}")
