"""A run's verdict as a SLSA verification summary (VSA): what a release gate reads that knows nothing of runbooks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from readiness.evidence.journal import RecordedRun
from readiness.evidence.run_subjects import subjects_of
from readiness.evidence.statements import STATEMENT
from readiness.files.canonical_json import JsonObject

PREDICATE = "https://slsa.dev/verification_summary/v1"
VERIFIER = "urn:readiness:verifier:1"
PASSED, FAILED = "PASSED", "FAILED"
_OWN = "urn:readiness:"
_VERDICT, _RUN, _HOLDS_UNTIL, _RUNBOOKS = f"{_OWN}verdict", f"{_OWN}run", f"{_OWN}holds_until", f"{_OWN}runbooks"
_CLAIMS = (
    "timeVerified",
    "resourceUri",
    "policy",
    "inputAttestations",
    "verificationResult",
    "verifiedLevels",
    "dependencyLevels",  # the format knows them, and no summary of ours claims any
    _VERDICT,
    _RUN,
    _HOLDS_UNTIL,
    _RUNBOOKS,
)
"""The fields of the predicate that say something of the run. Another version may write more, or version numbers."""
_VERSIONED = re.compile(r"(?P<name>\S+) (?P<version>\S+)")
_NO_LEVEL = re.compile(r"[^A-Z0-9]+")


def verification_summary(
    run: RecordedRun, test_result: str, test_result_digest: str, *, is_accepted: bool = True
) -> JsonObject:
    """Return the summary of a run that has ended; `test_result` names the attestation of its lines, by its digest.

    Nothing is PASSED but a good word that still holds and that whoever ran it accepts: signed by a key that may sign
    it, anchored where that is stated. No level of SLSA is claimed: nobody has looked at one.
    """
    start = run.start
    passed = is_accepted and is_passed(run)
    levels = [_level(run)] if passed else [FAILED]
    ended_at = run.finish.finished_at.isoformat() if run.finish else start.started_at.isoformat()
    return {
        "_type": STATEMENT,
        "subject": subjects_of(run),
        "predicateType": PREDICATE,
        "predicate": {
            "verifier": {"id": VERIFIER, "version": _versions(start.suite)},
            "timeVerified": ended_at.replace("+00:00", "Z"),
            "resourceUri": start.target.url,
            "policy": {
                "uri": f"urn:readiness:runbook:{start.env}:{start.phase}",
                "digest": {"sha256": start.limits_digest},
            },
            "inputAttestations": [
                {"uri": f"{start.env}/{start.run}/{test_result}", "digest": {"sha256": test_result_digest}}
            ],
            "verificationResult": PASSED if passed else FAILED,
            "verifiedLevels": levels,
            **_of_our_own(run),
        },
    }


def is_passed(run: RecordedRun) -> bool:
    """Check whether a run came to a good word that holds: by its lines, beside them, and when it ended."""
    finish = run.finish
    if finish is None or finish.exit != 0 or finish.failed_beside or not finish.ended:
        return False
    return finish.holds_until is None or finish.holds_until > finish.finished_at


def differences(summary: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    """Yield the name of each field that says something else in a summary than in the one that is expected."""
    for name in ("_type", "subject", "predicateType"):
        if summary.get(name) != expected[name]:
            yield name

    stated, wanted = summary["predicate"], expected["predicate"]
    if stated["verifier"].get("id") != wanted["verifier"]["id"]:
        yield "verifier.id"
    for name in _CLAIMS:
        if stated.get(name) != wanted.get(name):
            yield name


def _level(run: RecordedRun) -> str:
    """Return the level that a good word is: of the phase, and whether it has an end. Never one of SLSA's names."""
    word = str(run.finish.verdict) if run.finish else ""
    conditional = "CONDITIONAL_" if run.holds_until else ""
    return f"READINESS_{_name(str(run.start.phase))}_{conditional}{_name(word)}"


def _name(text: str) -> str:
    return _NO_LEVEL.sub("_", text.upper()).strip("_")


def _versions(suite: str) -> JsonObject:
    """Return the version of each component, as a journal names them: `production-readiness 0.1.0, pytest 9.2`."""
    parts = (_VERSIONED.fullmatch(part.strip()) for part in suite.split(","))
    return {part["name"]: part["version"] for part in parts if part}


def _of_our_own(run: RecordedRun) -> JsonObject:
    """Return what the format has no field for. The specification wants URIs as the names of such fields."""
    own: JsonObject = {
        _VERDICT: str(run.finish.verdict) if run.finish else "",
        _RUN: run.start.run,
    }
    ends = run.holds_until
    if ends:
        own[_HOLDS_UNTIL] = ends
    if run.start.binding:
        own[_RUNBOOKS] = {name: file.digest for name, file in run.start.binding.runbooks.items()}
    return own
