"""A recorded run in the formats of others: CTRF for dashboards of tests, in-toto's test-result for policy engines."""

from __future__ import annotations

from datetime import datetime

from readiness.evidence.journal import RecordedRun
from readiness.evidence.recorded_ahead import says_ahead
from readiness.evidence.records import Result
from readiness.evidence.run_subjects import subjects_of
from readiness.evidence.statements import STATEMENT
from readiness.files.canonical_json import JsonObject, to_json
from readiness.outcomes import Outcome
from readiness.provenance import shown_whole
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


def ctrf(run: RecordedRun) -> str:
    """Return CTRF JSON (ctrf.io): unknown is `other` and not run is `pending`, so that neither is a pass."""
    start = run.start
    results = results_of(run)
    statuses = [_IN_CTRF[result.outcome] for result in results]
    verdict, action = verdict_in(run)

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
                "start": _milliseconds(start.started_at),
                "stop": _milliseconds(_last_result_at(run)),
                "extra": {
                    "verdict": verdict,
                    "action": action,
                    "environment": start.env,
                    "phase": start.phase,
                    "target": start.target.url,
                    "revision": start.target.revision,
                    "as_of": start.as_of.isoformat(),
                    **_condition(run),
                },
            },
            "tests": [_test(result, status) for result, status in zip(results, statuses, strict=True)],
        },
    }
    return to_json(report) + "\n"


def _condition(run: RecordedRun) -> dict[str, str]:
    """Return until when the verdict holds; nothing where nothing ends it, as in the reports of earlier versions."""
    ends = run.holds_until
    return {"holds_until": ends} if ends else {}


def _test(result: Result, status: str) -> dict[str, object]:
    message = {"message": result.reason} if result.reason else {}
    return {
        "testId": f"{result.line}:{result.subject or ''}:{result.check}",
        "name": f"{result.key.name}: {result.says}",
        "status": status,
        "rawStatus": result.outcome,
        "duration": round(result.seconds * 1000),
        "suite": [result.line.partition("/")[0], result.ref or "-"],
        "tags": [str(result.gate)] if result.gate else [],
        **message,
        "extra": {
            "check": result.check,
            "remedy": result.remedy,
            "measured": values_of(result),
            "limits": limits_of(result),
            "waived": result.waived,
            "attested": result.attested,
            **({"stated": list(result.stated)} if result.says_stated else {}),
            **({"provenance": [shown_whole(one) for one in result.provenance]} if result.provenance else {}),
            **({"overlaid": list(result.overlaid)} if result.overlaid else {}),
            **({"ahead": says_ahead(result.outcome, result.ahead)} if says_ahead(result.outcome, result.ahead) else {}),
        },
    }


def _last_result_at(run: RecordedRun) -> datetime:
    """Return the time of the last result: a report that is rendered again must come out the same."""
    # The journal stamps each record; the stamp is no field of a result.
    stamps = [(result.model_extra or {}).get("at") for result in run.results]
    moments = [datetime.fromisoformat(stamp) for stamp in stamps if isinstance(stamp, str)]
    return max([run.start.started_at, *moments])


def _milliseconds(moment: datetime) -> int:
    """Return an instant in milliseconds since 1970, as CTRF wants it."""
    return int(moment.timestamp() * 1000)


def result_statement(run: RecordedRun) -> JsonObject:
    """Return in-toto's test-result of a run that has ended. Anything but a good verdict is FAILED."""
    start = run.start
    results = results_of(run)

    def named(outcome: Outcome) -> list[str]:
        return [result.key.name for result in results if result.outcome is outcome and not result.waived]

    waived = [result.key.name for result in results if result.waived]
    warned = [*named(Outcome.WARN), *waived]
    return {
        "_type": STATEMENT,
        "subject": subjects_of(run),
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": _result(run, warned),
            "configuration": [{"name": f"{start.env}/{start.phase}/plan", "digest": {"sha256": start.limits_digest}}],
            "passedTests": named(Outcome.PASS),
            "warnedTests": warned,
            "failedTests": named(Outcome.FAIL),
            "readiness": {  # consumers of in-toto pass over what they do not know
                "verdict": verdict_in(run)[0],
                **_condition(run),
                "unknown": named(Outcome.UNKNOWN),
                "notRun": named(Outcome.NOT_RUN),
            },
        },
    }


def _result(run: RecordedRun, warned: list[str]) -> str:
    is_good = run.finish is not None and run.finish.exit == 0
    if not is_good:
        return "FAILED"
    return "WARNED" if warned else "PASSED"
