"""Where a waiver counts: the outcome stays what it is, and no longer decides the verdict."""

from __future__ import annotations

from readiness.evidence.attested import EXPIRED, UNUSED, WAIVES
from readiness.evidence.records import Result
from readiness.outcomes import Outcome
from readiness.plugin.run import Run
from readiness.runbook.lines import Item
from readiness.runbook.waivers import WAIVABLE

LEFT_OUT = {Outcome.NOT_DUE, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN}


def waive(run: Run, item: Item, result: Result) -> Result:
    """Return the result with the waiver of its line, and with what that was good for."""
    name = run.waivers.name_for(item.name)
    if name is None or result.outcome in LEFT_OUT:
        return result
    entry = run.waivers.waivers[name]
    if not entry.covers(run.phase):
        return result

    lapsed = entry.lapsed(run.moment)
    waivable = result.outcome in WAIVABLE
    state, reason = UNUSED, result.reason
    if lapsed:
        state = EXPIRED
        # It would have counted: the reason says why it does not.
        if waivable:
            reason = f"{result.reason}; {lapsed}"
    elif waivable:
        state = WAIVES

    carried = {"entry": name, "state": state, **entry.model_dump(mode="json")}
    return result.model_copy(update={"waived": state == WAIVES, "reason": reason, "waiver": carried})
