"""Torn lines of a ledger: what a crash, a full disk or a power cut leaves of an entry that was being written.

Such a line is the beginning of an entry, and behind it nothing, or the NUL bytes that a file system shows where data
never reached the disk. Anything else that cannot be read was changed, and is never mended.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Mapping, Sequence

from pydantic_core import from_json

from readiness.evidence.ledger_reading import LedgerLine, LedgerReading
from readiness.evidence.statements import Envelope, Tear

_KEYS = {field.alias or name for name, field in Envelope.model_fields.items()}
_BEGINS = '{"payload'
"""How each entry begins, whichever of its first two keys is written first."""
_OPENED_AT_MOST = 3
"""The brackets that an entry opens: its own, that of the signatures, and that of the one signature."""
_NUL = b"\0"


def is_torn(raw: bytes) -> bool:
    """Check whether a line is the beginning of an entry, cut anywhere, with or without NUL bytes behind it.

    >>> is_torn(b'{"payloadType":"applica'), is_torn(b""), is_torn(b'{"payloadType":1}'), is_torn(b'{"paid":"')
    (True, False, False, False)
    """
    written = raw.rstrip(_NUL)
    if not written:
        return bool(raw)
    # The cut may go through a character of several bytes: its first ones are left out.
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(written)
        from_json(text)
    except UnicodeDecodeError:
        return False
    except ValueError:
        return _is_beginning(text)
    return False  # it is whole


def _is_beginning(text: str) -> bool:
    """Check whether a text that is no JSON would be that of an entry if it went on."""
    is_known = text.startswith(_BEGINS) or _BEGINS.startswith(text)
    if not is_known or text.count("[") + text.count("{") > _OPENED_AT_MOST:
        return False
    try:
        value = from_json(text, allow_partial="trailing-strings")
    except ValueError:
        return False
    return isinstance(value, dict) and set(value) <= _KEYS


def tear_of(number: int, raw: bytes) -> Tear:
    """Return what is kept of a torn line: its place, its digest and its length, without the end of the line."""
    return Tear(entry=number, digest=hashlib.sha256(raw).hexdigest(), length=len(raw))


def told_torn(ledger: LedgerReading, tear: Tear) -> str:
    """Return that an entry is torn and nobody has mended that, with what to do."""
    env = ledger.env
    why = "the ledger was cut, or the process died as it wrote"
    return f"entry {tear.entry} is torn: {why}; to seal what is left of it: readiness ledger mend --env {env}"


def hold_to_mends(ledger: LedgerReading, raw_lines: Sequence[bytes], torn: Mapping[int, Tear], *, trusts: bool) -> None:
    """Add to a reading which tears nobody has mended, and which mends are not of what lies there.

    `trusts` says that the project trusts a key: then a mend counts only with the signature of one.
    """
    sealed: set[int] = set()
    for line in ledger.mended:
        where = f"entry {line.number} ({line.entry.run})"
        if trusts and line.key is None:
            why = line.uncounted.says if line.uncounted else "no key signed it that the project trusts"
            ledger.problems.append(f"{where} mends the ledger, and {why}")
            continue
        for tear in line.entry.torn:
            if _lies_there(tear, line, raw_lines):
                sealed.add(tear.entry)
            else:
                ledger.problems.append(f"{where} mends entry {tear.entry}, and that is not what lies there")

    ledger.tears = [tear for number, tear in torn.items() if number not in sealed]
    ledger.problems += [told_torn(ledger, tear) for tear in ledger.tears]


def _lies_there(tear: Tear, line: LedgerLine, raw_lines: Sequence[bytes]) -> bool:
    is_before = 0 <= tear.entry < line.number
    return is_before and tear_of(tear.entry, raw_lines[tear.entry]) == tear
