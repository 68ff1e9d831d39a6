"""The verification summary is what SLSA and in-toto say it is, signed, and PASSED for nothing but a good word."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.vsa.v1.vsa_pb2 import VerificationSummary
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

from readiness.evidence.journal import FILE
from readiness.evidence.records import Finish, RecordedTarget
from readiness.evidence.signing import FILE_VARIABLE, trusted_keys
from readiness.evidence.statements import signed_bytes
from readiness.evidence.verification_summary import FAILED, PASSED, PREDICATE, VERIFIER, verification_summary
from readiness.outcomes import Outcome, Phase
from readiness.verdict import VerdictStatus
from tests.evidence.launch import judged, make, new_key
from tests.evidence.test_exports import result, run_of
from tests.plugin.project import Project

DIGEST = "d" * 64
ENDED = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
BEFORE, AFTER = ENDED - timedelta(seconds=1), ENDED + timedelta(hours=1)
GO, OK = VerdictStatus.GO, VerdictStatus.OK


def summary_of(folder: Path, phase: Phase, revision: str = "a" * 40, **finish: Any) -> dict[str, Any]:
    run = run_of(result("one", Outcome.PASS))
    (folder / FILE).write_text("{}\n", "utf-8")
    target = RecordedTarget(url="https://shop.example.com", revision=revision)
    start = run.start.model_copy(
        update={"target": target, "phase": phase, "suite": "production-readiness 0.1.0, pytest 9.2"}
    )
    ended = Finish.model_validate({**(run.finish or run.start).model_dump(), "finished_at": ENDED, **finish})
    return verification_summary(replace(run, folder=folder, start=start, finish=ended), "test-result.json", DIGEST)


def validate(statement: dict[str, Any]) -> VerificationSummary:
    """Validate it by the project that defines the formats, and return its predicate. Raises ValueError."""
    parsed = json_format.ParseDict(statement, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    # The specification wants a list of levels; this release of the bindings has one string in its place.
    fields = {name: value for name, value in statement["predicate"].items() if name != "verifiedLevels"}
    # Consumers pass over fields that they do not know; the specification says so.
    predicate = json_format.ParseDict(fields, VerificationSummary(), ignore_unknown_fields=True)
    for descriptor in (predicate.policy, *predicate.input_attestations):
        ResourceDescriptor(uri=descriptor.uri, digest=dict(descriptor.digest)).validate()
    return predicate


WORDS: list[tuple[Phase, dict[str, Any], str, str]] = [
    # The phase; how the run ended; the result; the level.
    (Phase.PREFLIGHT, {"verdict": GO, "exit": 0}, PASSED, "READINESS_PREFLIGHT_GO"),
    (Phase.SMOKE, {"verdict": GO, "exit": 0}, PASSED, "READINESS_SMOKE_GO"),
    (Phase.POSTLAUNCH, {"verdict": OK, "exit": 0}, PASSED, "READINESS_POSTLAUNCH_OK"),
    (Phase.GA, {"verdict": VerdictStatus.APPROVED, "exit": 0}, PASSED, "READINESS_GA_APPROVED"),
    (Phase.PREFLIGHT, {"verdict": GO, "exit": 0, "holds_until": AFTER}, PASSED, "READINESS_PREFLIGHT_CONDITIONAL_GO"),
    (Phase.PREFLIGHT, {"verdict": GO, "exit": 0, "holds_until": BEFORE}, FAILED, FAILED),
    (Phase.PREFLIGHT, {"verdict": GO, "exit": 0, "holds_until": ENDED}, FAILED, FAILED),
    (Phase.PREFLIGHT, {"verdict": GO, "exit": 0, "failed_beside": ("tests/test_own.py",)}, FAILED, FAILED),
    (Phase.PREFLIGHT, {"verdict": GO, "exit": 0, "ended": False}, FAILED, FAILED),
    (Phase.PREFLIGHT, {"verdict": GO, "exit": 1}, FAILED, FAILED),
    (Phase.PREFLIGHT, {"verdict": VerdictStatus.NO_GO, "exit": 1}, FAILED, FAILED),
    (Phase.PREFLIGHT, {"verdict": VerdictStatus.INCOMPLETE, "exit": 10}, FAILED, FAILED),
    (Phase.GA, {"verdict": VerdictStatus.DEFERRED, "exit": 1}, FAILED, FAILED),
    (Phase.POSTLAUNCH, {"verdict": VerdictStatus.ALERT, "exit": 1}, FAILED, FAILED),
    (Phase.POSTLAUNCH, {"verdict": VerdictStatus.ROLLBACK, "exit": 1}, FAILED, FAILED),
]


@pytest.mark.parametrize(("phase", "finish", "word", "level"), WORDS)
def test_only_a_good_word_is_passed(
    phase: Phase, finish: dict[str, Any], word: str, level: str, tmp_path: Path
) -> None:
    statement = summary_of(tmp_path, phase, **finish)
    assert validate(statement).verification_result == word
    assert statement["predicate"]["verifiedLevels"] == [level]
    # A level of SLSA's own is never claimed.
    assert not level.startswith("SLSA_")
    assert re.fullmatch(r"[A-Z0-9_]+", level)


def test_each_field_says_what_was_verified_by_whom(tmp_path: Path) -> None:
    statement = summary_of(tmp_path, Phase.PREFLIGHT, verdict=GO, exit=0, holds_until=AFTER)
    predicate = validate(statement)
    assert statement["predicateType"] == PREDICATE
    assert predicate.verifier.id == VERIFIER
    assert statement["predicate"]["verifier"]["version"] == {"production-readiness": "0.1.0", "pytest": "9.2"}
    assert predicate.time_verified.ToJsonString() == "2026-12-01T09:00:00Z"
    assert predicate.resource_uri == "https://shop.example.com"
    assert predicate.policy.uri.startswith("urn:readiness:runbook:")
    assert [dict(part.digest) for part in predicate.input_attestations] == [{"sha256": DIGEST}]
    assert [set(subject["digest"]) for subject in statement["subject"]] == [{"gitCommit"}, {"sha256"}]
    assert statement["predicate"]["urn:readiness:holds_until"] == AFTER.isoformat()
    assert not [name for name in statement["predicate"] if ":" in name and not name.startswith("urn:readiness:")]


def test_without_a_whole_commit_the_subject_is_the_journal(tmp_path: Path) -> None:
    (subject,) = summary_of(tmp_path, Phase.SMOKE, revision="v12", verdict=GO, exit=0)["subject"]
    assert subject["digest"] == {"sha256": hashlib.sha256(b"{}\n").hexdigest()}


def test_a_run_that_is_signed_leaves_one_that_is_signed_and_sealed(tmp_path: Path) -> None:
    launch = make(tmp_path / "launch")
    folder = launch.runs()[-1]
    envelope = json.loads((folder / "verification-summary.json").read_text("utf-8"))
    payload = base64.b64decode(envelope["payload"])
    (signature,) = envelope["signatures"]
    key = trusted_keys(launch.folder / "environments")[signature["keyid"]]
    assert key.verifies(base64.b64decode(signature["sig"]), signed_bytes(payload))

    predicate = validate(json.loads(payload))
    test_result = (folder / "test-result.json").read_bytes()
    assert dict(predicate.input_attestations[0].digest) == {"sha256": hashlib.sha256(test_result).hexdigest()}
    assert predicate.verification_result == PASSED
    assert launch.verify("tiny", "preflight") == 0

    (folder / "verification-summary.json").write_text("{}", "utf-8")
    assert launch.verify("tiny", "preflight") == 11


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ("phases: [smoke]", FAILED),
        ("environments: [prod]", FAILED),
        ("valid_until: 2026-01-01T00:00:00Z", FAILED),
        ("revoked: 2026-01-01T00:00:00Z, reason: the disk was copied", FAILED),
        ("phases: [preflight]", PASSED),
    ],
)
def test_what_a_key_may_not_sign_is_not_passed(
    rules: str, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    monkeypatch.setenv(FILE_VARIABLE, str(new_key(tmp_path, "ci")))
    project.write("environments/keys/keys.yaml", f"keys: {{ci: {{{rules}}}}}\n")
    judged(project, "0.5", 0)

    (path,) = tmp_path.rglob("verification-summary.json")
    payload = base64.b64decode(json.loads(path.read_text("utf-8"))["payload"])
    assert validate(json.loads(payload)).verification_result == wanted
