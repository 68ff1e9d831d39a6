"""One line of a ledger: the envelope, the statement in it, and the trusted key that signed it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import cast

from pydantic import ValidationError

from readiness.errors import wrong_value
from readiness.evidence.ledger_reading import LedgerLine
from readiness.evidence.signing import SHOWN, PublicKey
from readiness.evidence.statements import Envelope, Signature, Statement, What, signed_bytes
from readiness.files import strict_json


def parsed(
    number: int, digest: str, raw: bytes, trusted: Mapping[str, PublicKey], problems: list[str]
) -> LedgerLine | None:
    """Return a line as it was read; where it is none, note why and return None."""
    try:
        envelope = Envelope.model_validate(strict_json.parse(raw))
        payload = base64.b64decode(envelope.payload, validate=True)
        statement = Statement.model_validate(strict_json.parse(payload))
    except (ValidationError, ValueError, binascii.Error) as error:
        reason = wrong_value(error.errors()[0]) if isinstance(error, ValidationError) else str(error)
        problems.append(f"entry {number} is not one that a ledger has: {reason}")
        return None

    entry = statement.predicate
    what = cast("What", statement.predicate_type.split(":")[3])
    prefix = f"{entry.env}/{entry.run}/"
    files = {}
    # The subject of a beginning is a plan or a name, which is no file.
    if what in {"sealed", "page"}:
        files = {subject.name.removeprefix(prefix): subject.digest.sha256 for subject in statement.subject}

    return LedgerLine(
        number=number,
        digest=digest,
        what=what,
        entry=entry,
        files=files,
        key=_key(envelope, payload, trusted, f"entry {number} ({entry.run})", problems),
        signed=bool(envelope.signatures),
    )


def _key(
    envelope: Envelope, payload: bytes, trusted: Mapping[str, PublicKey], where: str, problems: list[str]
) -> PublicKey | None:
    """Return the trusted key that signed; a signature that is not to be trusted is a problem."""
    # Who trusts no key reads the ledger as a list alone.
    if not trusted:
        return None

    for signature in envelope.signatures:
        key = trusted.get(signature.keyid)
        if key is None:
            problems.append(f"{where}: signed with the foreign key {signature.keyid[:SHOWN]}, which no keys/*.pub has")
        elif key.verifies(decoded_signature(signature), signed_bytes(payload)):
            return key
        else:
            problems.append(f"{where}: the signature with the key {key.name} is not of this text: it was changed")
    return None


def decoded_signature(signature: Signature) -> bytes:
    """Return the bytes of a signature; none, which no key verifies, where they are not written as they must be."""
    try:
        return base64.b64decode(signature.sig, validate=True)
    except binascii.Error:
        return b""
