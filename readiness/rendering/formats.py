"""A recorded run in the formats of others: CTRF for dashboards of tests, in-toto's test-result for policy engines."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from readiness.evidence.journal import FILE, RecordedRun
from readiness.evidence.ledger import file_digest
from readiness.evidence.records import Result
from readiness.evidence.statements import STATEMENT
from readiness.files.canonical_json import to_json
from readiness.outcomes import Outcome
from readiness.rendering.exports import limits_of, results_of, values_of, verdict_in

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
CTRF_VERSION = "0.0.0"
_IN_CTRF = {
    Outcome.PASS: "passed",
    Outcome.WARN: "passed",
    Outcome.FAIL: "failed",
    Outcome.UNKNOWN: "other",
    Outcome.NOT_RUN: "pending",
    Outcome.NOT_DUE: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
}
_STATUSES = ("passed", "failed", "skipped", "pending", "other")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def ctrf(run: RecordedRun) -> str:
    """Write CTRF JSON (ctrf.io): unknown is `other` and not run is `pending`, so that neither is a pass."""
    start, results = run.start, results_of(run)
    statuses = [_IN_CTRF[one.outcome] for one in results]
    began, ended = _milliseconds(start.started_at), _milliseconds(_ended(run))
    verdict, action = verdict_in(run)
    facts: dict[str, Any] = {"verdict": verdict, "action": action, "environment": start.env, "phase": start.phase}
    facts |= {"target": start.target.url, "revision": start.target.revision, "as_of": start.as_of.isoformat()}
    report = {
        "reportFormat": "CTRF",
        "specVersion": CTRF_VERSION,
        "runId": start.run,
        "generatedBy": start.suite,
        "results": {
            "tool": {"name": "production-readiness", "extra": {"suite": start.suite}},
            "summary": {
                "tests": len(results),
                **{status: statuses.count(status) for status in _STATUSES},
                "start": began,
                "stop": ended,
                "extra": facts,
            },
            "tests": [_test(one, status) for one, status in zip(results, statuses, strict=True)],
        },
    }
    return to_json(report) + "\n"


def _test(result: Result, status: str) -> dict[str, Any]:
    told = {"message": result.reason} if result.reason else {}
    return {
        "testId": f"{result.line}:{result.subject or ''}:{result.check}",
        "name": f"{result.key.name}: {result.says}",
        "status": status,
        "rawStatus": result.outcome,
        "duration": round(result.seconds * 1000),
        "suite": [result.line.partition("/")[0], result.ref or "-"],
        "tags": [str(result.gate)] if result.gate else [],
        **told,
        "extra": {
            "check": result.check,
            "remedy": result.remedy,
            "measured": values_of(result),
            "limits": limits_of(result),
            "waived": result.waived,
            "attested": result.attested,
        },
    }


def _ended(run: RecordedRun) -> datetime:
    """Give the time of the last result: a report that is rendered again must come out the same."""
    told = [(one.model_extra or {}).get("at") for one in run.results]
    return max([run.start.started_at, *(datetime.fromisoformat(at) for at in told if isinstance(at, str))])


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def result_statement(run: RecordedRun) -> dict[str, Any]:
    """Make in-toto's test-result of a run that has ended. Anything but a good verdict is FAILED."""
    start, results = run.start, results_of(run)
    good = bool(run.finish and run.finish.exit == 0)

    def named(*wanted: Outcome) -> list[str]:
        return [one.key.name for one in results if one.outcome in wanted and not one.waived]

    warned = [*named(Outcome.WARN), *(one.key.name for one in results if one.waived)]
    revision = start.target.revision or ""
    tested = [{"name": start.target.url, "digest": {"gitCommit": revision}}] if _COMMIT.fullmatch(revision) else []
    recorded = {"name": f"{start.env}/{start.run}/{FILE}", "digest": {"sha256": file_digest(run.folder / FILE)}}
    return {
        "_type": STATEMENT,
        "subject": [*tested, recorded],
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": ("WARNED" if warned else "PASSED") if good else "FAILED",
            "configuration": [{"name": f"{start.env}/{start.phase}/plan", "digest": {"sha256": start.limits_digest}}],
            "passedTests": named(Outcome.PASS),
            "warnedTests": warned,
            "failedTests": named(Outcome.FAIL),
            "readiness": {  # consumers of in-toto pass over what they do not know
                "verdict": verdict_in(run)[0],
                "unknown": named(Outcome.UNKNOWN),
                "notRun": named(Outcome.NOT_RUN),
            },
        },
    }
