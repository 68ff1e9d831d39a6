"""The signed statements in a run's folder: the result of its lines, and the summary for release gates."""

from __future__ import annotations

from pathlib import Path

from readiness.evidence.journal import RecordedRun
from readiness.evidence.sealed_folder import SUMMARY, TEST_RESULT, file_digest
from readiness.evidence.signing import Signer
from readiness.evidence.statements import enveloped
from readiness.evidence.verification_summary import verification_summary
from readiness.files import atomic_write
from readiness.files.canonical_json import JsonObject, to_json
from readiness.redaction.redactor import REDACTOR
from readiness.rendering.formats import result_statement


def write_test_result(run: RecordedRun, signer: Signer) -> None:
    """Write in-toto's test-result of a run that has ended, before its folder is sealed. Raises OSError."""
    _write(run.folder / TEST_RESULT, result_statement(run), signer)


def write_summary(run: RecordedRun, signer: Signer, *, is_accepted: bool) -> None:
    """Write the verification summary of a sealed run: PASSED only where whoever ran it accepts it. Raises OSError."""
    digest = file_digest(run.folder / TEST_RESULT)
    summary = verification_summary(run, TEST_RESULT, digest, is_accepted=is_accepted)
    _write(run.folder / SUMMARY, summary, signer)


def _write(path: Path, statement: JsonObject, signer: Signer) -> None:
    """Write a statement, masked and signed."""
    masked = REDACTOR.plain(statement)
    assert isinstance(masked, dict)  # what a mapping becomes
    atomic_write.write_whole(path, f"{to_json(enveloped(masked, signer))}\n")
