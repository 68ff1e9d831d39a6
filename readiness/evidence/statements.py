"""What the ledger signs: an in-toto Statement about some files, in a DSSE envelope."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from readiness.evidence.recorded_ladder import RecordedState
from readiness.evidence.signing import Signer
from readiness.files.canonical_json import JsonObject, to_json

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
Kind = Literal["run", "rehearsal", "drill", "page"]
KINDS: dict[str, Kind] = {"rehearsals": "rehearsal", "drills": "drill"}
"""The folders of what is not a run, and what it is called."""
What = Literal["opened", "sealed", "page", "asked", "refused", "pruned", "mended", "ended"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Signature(_Model):
    """One signature of an envelope."""

    keyid: str
    sig: str


class Envelope(_Model):
    """A signed text (DSSE)."""

    payload_type: Literal["application/vnd.in-toto+json"] = Field(alias="payloadType")
    payload: str
    signatures: tuple[Signature, ...]


class Digest(_Model):
    """The digest of a subject."""

    sha256: str


class Subject(_Model):
    """A file that a statement is about."""

    name: str
    digest: Digest


class Tear(_Model):
    """What is left of an entry that was being written when the process or the machine died; it stays where it is."""

    entry: int
    digest: str
    length: int
    """In bytes, without the end of the line."""


class LedgerEntry(_Model):
    """What the ledger says of one run, rehearsal or drill, or of the page."""

    entry: int
    prev: str
    at: AwareDatetime
    env: str
    run: str
    """The folder, relative to that of the environment; or the page."""
    kind: Kind = "run"
    phase: str = ""
    target: str = ""
    revision: str | None = None
    started_at: AwareDatetime | None = None
    limits_digest: str = ""
    binding: str = ""
    """The digest of what it is evidence about (`RecordedBinding`); empty in older ledgers."""
    head: str = ""
    """The digest of the last line of the journal, once it is sealed."""
    verdict: str = ""
    exit: int | None = None
    invocation: str = ""
    """The id that a gate made for its run; empty where somebody ran pytest."""
    reason: str = ""
    """Why a start was refused, or a run that is well by its lines was not accepted by its gate."""
    as_of: AwareDatetime | None = None
    """The moment that was judged, where it was not that of the run: such a run is a plan."""
    whole: bool | None = None
    """Of a seal: whether the run ended by itself with all that was demanded; None in older ledgers."""
    red_beside: bool | None = None
    """Of a seal: whether something failed that decides no line; None in older ledgers."""
    standing: tuple[RecordedState, ...] | None = None
    """Of a seal: the steps of the ladder that it leaves, so that a deleted folder loses nothing; None in older ones."""
    under_way: tuple[str, ...] = ()
    """Of a beginning: the runs of its phase that were under way by then."""
    beside: tuple[str, ...] = ()
    """What lay there of older runs that the ledger did not know: it was gone, or its end was cut off."""
    first: bool = False
    """Whether somebody accepts that no older history is here."""
    torn: tuple[Tear, ...] = ()
    """Of a mend: what is left of the entries that were torn before it."""


class Statement(_Model):
    """What is signed."""

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: Literal[
        "urn:readiness:ledger:opened:1",
        "urn:readiness:ledger:sealed:1",
        "urn:readiness:ledger:page:1",
        "urn:readiness:ledger:asked:1",
        "urn:readiness:ledger:refused:1",
        "urn:readiness:ledger:pruned:1",
        "urn:readiness:ledger:mended:1",
        "urn:readiness:ledger:ended:1",
    ] = Field(alias="predicateType")
    predicate: LedgerEntry


def enveloped(statement: Mapping[str, Any], signer: Signer | None) -> JsonObject:
    """Return a statement in its envelope, signed where there is a key."""
    payload = to_json(statement).encode()
    signatures = []
    if signer:
        signature = signer.sign(signed_bytes(payload))
        signatures.append({"keyid": signer.key_id, "sig": _as_base64(signature)})
    return {"payloadType": PAYLOAD_TYPE, "payload": _as_base64(payload), "signatures": signatures}


def _as_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def signed_bytes(payload: bytes) -> bytes:
    """Return what DSSE signs: the type and the payload, each with its length."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
