"""Where a waiver counts: the outcome stays what it is, and no longer decides the verdict."""

from __future__ import annotations

from typing import Any

from readiness.evidence.attested import EXPIRED, UNUSED, WAIVES
from readiness.outcomes import Outcome
from readiness.plugin.run import Run
from readiness.runbook.lines import Item
from readiness.runbook.waivers import WAIVABLE

LEFT_OUT = {Outcome.NOT_DUE, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN}


def waive(run: Run, item: Item, record: dict[str, Any]) -> None:
    """Put the waiver of a line into its `result` record, and say there what it was good for."""
    name, outcome = run.waivers.name_for(item.name), Outcome(record["outcome"])
    if name is None or outcome in LEFT_OUT or not run.waivers.waivers[name].covers(run.phase):
        return
    entry = run.waivers.waivers[name]
    lapsed = entry.lapsed(run.moment)
    record["waived"] = outcome in WAIVABLE and not lapsed
    state = EXPIRED if lapsed else WAIVES if record["waived"] else UNUSED
    record["waiver"] = {"entry": name, "state": state, **entry.model_dump(mode="json")}
    if lapsed and outcome in WAIVABLE:
        record["reason"] += f"; {lapsed}"
