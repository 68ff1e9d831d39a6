"""A recorded run, judged again from its journal alone: every comparison, every outcome, every step, the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.evidence.journal import Record, RecordedRun
from readiness.ladder import reached
from readiness.measurements import Measurement, holds
from readiness.outcomes import Gate, Outcome, Phase, Step, Unknown
from readiness.verdict import Expected, Key, Result, Verdict, decide


def expected_of(run: RecordedRun) -> list[Expected]:
    """Give the decisions that the recorded plan demands."""
    return [
        Expected((line["id"], item["check"], item["subject"]), Gate(line["gate"]), due=item["due"])
        for line in run.plan
        for item in line["items"]
    ]


def verdict_of(run: RecordedRun) -> Verdict:
    """Add the recorded results up again. A run without its end is incomplete at best."""
    results = [
        Result(key_of(record), Outcome(record["outcome"]), Step(record["step"]) if record.get("step") else None)
        for record in run.results
    ]
    return decide(Phase(run.start["phase"]), expected_of(run), results, ended=run.finish is not None)


def key_of(record: Record) -> Key:
    """Name what a result decides."""
    return (record["line"], record["check"], record.get("subject"))


def contradictions(run: RecordedRun) -> Iterator[str]:
    """Tell where the journal says something that does not follow from what it measured."""
    ladders = {line["id"]: line.get("ladder", {}) for line in run.plan}
    demanded = {item.key for item in expected_of(run)}
    for record in run.results:
        where = f"{record['line']} by {record['check']}"
        if key_of(record) not in demanded:
            yield f"{where}: the plan does not demand it"
        taken = [Measurement(**one) for one in record["measurements"]]
        yield from (f"{where}: {fault}" for fault in _measurement_faults(taken, record))
        if run.start["phase"] == Phase.POSTLAUNCH:
            ladder = {Step(step): threshold for step, threshold in ladders.get(record["line"], {}).items()}
            step = reached(ladder, taken)
            if (str(step) if step else None) != record.get("step"):
                yield f"{where}: the step is {step}, the journal says {record.get('step')}"
    if run.finish:
        verdict = verdict_of(run)
        if (str(verdict.word), verdict.exit) != (run.finish["verdict"], run.finish["exit"]) and not _withdrawn(run):
            yield f"the results give {verdict.word}, the journal ends with {run.finish['verdict']}"


def _withdrawn(run: RecordedRun) -> bool:
    """A verdict may always be taken back to INCOMPLETE, never the other way."""
    return bool(run.finish) and run.finish["verdict"] == "INCOMPLETE"  # type: ignore[index]  bool() has seen it


def _measurement_faults(taken: list[Measurement], record: Record) -> Iterator[str]:
    for one in taken:
        if _holds(one) is not one.ok:
            yield f"{one} is recorded as {'met' if one.ok else 'not met'}"
    good = record["outcome"] in {Outcome.PASS, Outcome.WARN}
    if good and not taken:
        yield "it passed without a measurement"
    if good and not all(_holds(one) for one in taken):
        yield "it passed with a measurement out of its limit"


def _holds(one: Measurement) -> bool | None:
    try:
        return holds(one.value, one.comparator, one.limit)
    except Unknown:
        return None


def missing_of(run: RecordedRun) -> list[dict[str, Any]]:
    """Give the demanded decisions that have no result, as `result` records with the outcome *not run*."""
    known = {key_of(record) for record in run.results}
    missing = []
    for line in run.plan:
        for item in line["items"]:
            if (line["id"], item["check"], item["subject"]) not in known:
                blank: dict[str, Any] = {"line": line["id"], "measurements": [], "seconds": 0.0, "nodeid": ""}
                blank |= {
                    "says": line["says"],
                    "gate": line["gate"],
                    "ref": line["ref"],
                    "again": "",
                    "remedy": "run it",
                }
                outcome = "not run" if item["due"] else "not due"
                missing.append({**blank, **item, "outcome": outcome, "reason": "the run ended without it"})
    return missing
