"""The verification summary in a run's folder, which whoever accepts the run writes after the seal.

So what a seal does for the other files is done here: it says what its run says, and a key signed it that may. What it
may say otherwise is what acceptance decides: FAILED of a run that is good by itself. PASSED of any other is a forgery.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from readiness.evidence.journal import RecordedRun
from readiness.evidence.ledger_lines import decoded_signature
from readiness.evidence.ledger_reading import LedgerLine, LedgerRecord
from readiness.evidence.sealed_folder import SUMMARY, TEST_RESULT, file_digest
from readiness.evidence.signing import PublicKey
from readiness.evidence.statements import Digest, Envelope, signed_bytes
from readiness.evidence.verification_summary import PASSED, differences, verification_summary
from readiness.files import strict_json
from readiness.files.bounded_read import read_bytes
from readiness.redaction.redactor import REDACTOR

BYTES_AT_MOST = 1_000_000
REMEDY = "remove it before a release gate reads it"


class _Input(BaseModel):
    model_config = ConfigDict(frozen=True)

    digest: Digest


class _Predicate(BaseModel):
    model_config = ConfigDict(frozen=True)

    verifier: dict[str, Any]
    result: str = Field(alias="verificationResult")
    inputs: tuple[_Input, ...] = Field(alias="inputAttestations")


class _Summary(BaseModel):
    model_config = ConfigDict(frozen=True)

    predicate: _Predicate


@dataclass(frozen=True)
class _SignedSummary:
    """A summary as it was read: its envelope, the bytes that were signed, and what they say."""

    envelope: Envelope
    payload: bytes
    statement: Mapping[str, Any]
    predicate: _Predicate


def altered_summary(recorded: RecordedRun, record: LedgerRecord, trusted: Mapping[str, PublicKey]) -> Iterator[str]:
    """Yield that the summary of a run is not the one that was written for it. One that is gone passes nothing.

    Summaries of earlier versions were sealed like any other file. Where a run has no seal, which may have been torn
    off, its files say what a seal would.
    """
    sealed = record.sealed
    path = recorded.folder / SUMMARY
    # What is no file in a sealed folder is told with the other files.
    is_there = path.is_file() if sealed else os.path.lexists(path)
    if not is_there or (sealed and SUMMARY in sealed.files):
        return

    try:
        summary = _read(recorded.folder)
        test_result = _digest_of_test_result(recorded, sealed)
        differing = _differing(summary, recorded, test_result)
    except (ValidationError, ValueError, OSError, binascii.Error):
        yield f"{SUMMARY} is no verification summary: it was changed; {REMEDY}"
        return

    if [each.digest.sha256 for each in summary.predicate.inputs] != [test_result]:
        yield f"{SUMMARY} is that of another run: it was copied in; {REMEDY}"
    elif differing:
        yield f"{SUMMARY} says something else than its run ({', '.join(differing)}): it was changed; {REMEDY}"
    # Who trusts no key cannot tell one signature from another.
    elif trusted and not _is_signed(summary, _may_sign(recorded, record, trusted)):
        yield f"{SUMMARY} is not signed by the key of its run, or by one that may sign it: it was changed; {REMEDY}"


def summary_of_nothing(folder: Path) -> Iterator[str]:
    """Yield that a summary lies in the folder of a run that died before its first record."""
    if os.path.lexists(folder / SUMMARY):
        yield f"{SUMMARY} lies beside a journal without a record: it was put there; {REMEDY}"


def _digest_of_test_result(recorded: RecordedRun, sealed: LedgerLine | None) -> str:
    """Return the digest of the results that a summary rests on; empty where there are none. Raises OSError."""
    if sealed:
        return sealed.files.get(TEST_RESULT, "")
    path = recorded.folder / TEST_RESULT
    return file_digest(path) if path.is_file() else ""


def _read(folder: Path) -> _SignedSummary:
    """Return the summary in the folder of a run. Raises ValueError and OSError."""
    envelope = Envelope.model_validate(strict_json.parse(read_bytes(folder / SUMMARY, BYTES_AT_MOST)))
    payload = base64.b64decode(envelope.payload, validate=True)
    statement: Any = strict_json.parse(payload)
    predicate = _Summary.model_validate(statement).predicate
    return _SignedSummary(envelope, payload, statement, predicate)


def _differing(summary: _SignedSummary, recorded: RecordedRun, test_result: str) -> list[str]:
    """Return the fields in which a summary is not the one of a run, accepted or not. Raises OSError."""
    is_accepted = summary.predicate.result == PASSED
    expected = verification_summary(recorded, TEST_RESULT, test_result, is_accepted=is_accepted)
    # What was a secret when it was written may be none today, and the other way round.
    masked: Any = REDACTOR.plain(expected)
    differing_from_masked = set(differences(summary.statement, masked))
    return [name for name in differences(summary.statement, expected) if name in differing_from_masked]


def _may_sign(recorded: RecordedRun, record: LedgerRecord, trusted: Mapping[str, PublicKey]) -> Mapping[str, PublicKey]:
    """Return the keys of which one must have signed: that of the run, and each that may sign such a run.

    The ledger says of the run's own key whether it counts. Of any other one that was revoked nothing counts: only the
    key itself says when it signed the summary.
    """
    own = record.key.key_id if record.key else recorded.start.key_id
    entry = record.entry
    return {
        key_id: key
        for key_id, key in trusted.items()
        if key_id == own or not (key.rules.revoked or key.may_not_sign(entry.phase, entry.env, entry.at))
    }


def _is_signed(summary: _SignedSummary, keys: Mapping[str, PublicKey]) -> bool:
    for signature in summary.envelope.signatures:
        key = keys.get(signature.keyid)
        if key and key.verifies(decoded_signature(signature), signed_bytes(summary.payload)):
            return True
    return False
