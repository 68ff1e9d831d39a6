"""The verification summary in a run's folder, which whoever accepts the run writes after the seal.

So what a seal does for the other files its own signature does: it is of this run, and a trusted key signed it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from readiness.evidence.ledger_lines import decoded_signature
from readiness.evidence.ledger_reading import LedgerRecord
from readiness.evidence.sealed_folder import SUMMARY, TEST_RESULT
from readiness.evidence.signing import PublicKey
from readiness.evidence.statements import Digest, Envelope, signed_bytes
from readiness.files import strict_json
from readiness.files.bounded_read import read_bytes

BYTES_AT_MOST = 1_000_000


class _Input(BaseModel):
    model_config = ConfigDict(frozen=True)

    digest: Digest


class _Predicate(BaseModel):
    model_config = ConfigDict(frozen=True)

    inputs: tuple[_Input, ...] = Field(alias="inputAttestations")


class _Summary(BaseModel):
    model_config = ConfigDict(frozen=True)

    predicate: _Predicate


def altered_summary(folder: Path, record: LedgerRecord, trusted: Mapping[str, PublicKey]) -> Iterator[str]:
    """Yield that the summary of a sealed run is not the one that was written for it. One that is gone passes nothing.

    Summaries of earlier versions were sealed like any other file.
    """
    path = folder / SUMMARY
    sealed = record.sealed
    if sealed is None or SUMMARY in sealed.files or not path.is_file():
        return

    try:
        envelope = Envelope.model_validate(strict_json.parse(read_bytes(path, BYTES_AT_MOST)))
        payload = base64.b64decode(envelope.payload, validate=True)
        summary = _Summary.model_validate(strict_json.parse(payload))
    except (ValidationError, ValueError, OSError, binascii.Error):
        yield f"{SUMMARY} is no verification summary: it was changed"
        return

    of_run = sealed.files.get(TEST_RESULT)
    if [each.digest.sha256 for each in summary.predicate.inputs] != [of_run]:
        yield f"{SUMMARY} is that of another run: it was copied in"
    # Who signed the run is asked of the ledger; where no key counts, none has to count here.
    elif record.key and not _is_signed(envelope, payload, trusted):
        yield f"{SUMMARY} is not signed by a key that the project trusts: it was changed"


def _is_signed(envelope: Envelope, payload: bytes, trusted: Mapping[str, PublicKey]) -> bool:
    for signature in envelope.signatures:
        key = trusted.get(signature.keyid)
        if key and key.verifies(decoded_signature(signature), signed_bytes(payload)):
            return True
    return False
