"""Which signatures of a ledger count, where its keys have rules: scope, validity and revocation.

A signature states its own time, and whoever holds a key can state any. Three rules follow:

- Of a key that merely ended as planned, the time that it states is believed, unless the chain contradicts it: an entry
  before this one is of a later time than the end.
- Of a revoked key nothing is believed that it says alone. An entry counts where something else shows that it was there
  before the revocation: an entry behind it, of another key that counts, and of a time before the revocation; or a head
  behind it that the project states (`stands_up_to`).
- What follows is decided from the end of the ledger backwards, so that two revoked keys cannot vouch for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from readiness.evidence.findings import Gap
from readiness.evidence.ledger_reading import LedgerLine
from readiness.evidence.reasons import Reason
from readiness.evidence.signing import PublicKey
from readiness.evidence.statements import KINDS

Placed = tuple[LedgerLine, str]
"""A line, and the digest of the line before it."""


def with_key_rules(lines: Sequence[Placed], digests: Sequence[str], now: datetime) -> Iterable[Placed]:
    """Return the lines, each without its key where that signature does not count, and with the reason."""
    # Most projects state no rules.
    if all(line.key is None or not line.key.rules.model_fields_set for line, _ in lines):
        return lines

    within_scope = [(_held_to_rules(line), prev) for line, prev in lines]
    in_order = _without_made_after_end(within_scope, now)
    return _without_unproven(in_order, digests)


def _held_to_rules(line: LedgerLine) -> LedgerLine:
    """Return a line without its key where that may not sign this, by what the line says of itself."""
    if line.key is None:
        return line
    entry = line.entry
    refused = next(line.key.rules.refusals(subject_of(line), entry.env, entry.at), None)
    return _without_key(line, line.key, refused) if refused else line


def subject_of(line: LedgerLine) -> str:
    """Return which of the things that can be signed a line is about: by its place, not by what it calls itself."""
    folder, slash, _ = line.entry.run.partition("/")
    if line.what == "page":
        return "page"
    if slash:
        return KINDS.get(folder, f"something in {folder}")
    if line.entry.phase:
        return line.entry.phase
    # The ledger's own entries, and starts of which nobody knows the phase; a run has one.
    return "" if line.what in {"asked", "refused", "mended"} else "a run of no phase"


def _without_made_after_end(lines: Sequence[Placed], now: datetime) -> list[Placed]:
    """Return the lines, without the key of one that was made after its key's end, whatever it says of its time."""
    latest: datetime | None = None
    kept: list[Placed] = []
    for line, prev in lines:
        kept.append((_held_to_order(line, latest, now), prev))
        # A revoked key says nothing of the time, and a clock that is ahead of ours must not end other keys.
        is_witness = line.key is not None and line.key.rules.revoked is None and line.entry.at <= now
        if is_witness:
            latest = max(latest or line.entry.at, line.entry.at)
    return kept


def _held_to_order(line: LedgerLine, latest: datetime | None, now: datetime) -> LedgerLine:
    end = line.key.rules.last_moment if line.key else None
    if line.key is None or latest is None or end is None or end > now or latest < end:
        return line

    reason = Reason.REVOKED if line.key.rules.revoked else Reason.KEY_SCOPE
    says = f"which had ended by then: an entry before this one is of {latest:%Y-%m-%dT%H:%M:%SZ}"
    return _without_key(line, line.key, Gap(reason, says))


def _without_unproven(lines: Sequence[Placed], digests: Sequence[str]) -> list[Placed]:
    """Return the lines, without a revoked key where nothing but itself shows that it signed in time."""
    number_of = {digest: number for number, digest in enumerate(digests)}
    earliest: dict[str, datetime] = {}
    kept: list[Placed] = []
    for line, prev in reversed(lines):
        proven = _held_to_proof(line, earliest, number_of)
        kept.append((proven, prev))
        if proven.key:
            earlier = earliest.get(proven.key.key_id, proven.entry.at)
            earliest[proven.key.key_id] = min(earlier, proven.entry.at)
    return kept[::-1]


def _held_to_proof(line: LedgerLine, earliest: dict[str, datetime], number_of: dict[str, int]) -> LedgerLine:
    """Return a line without its key, where that was revoked and neither an entry behind it nor a head vouches for it.

    `earliest` is, for each key, the earliest time among the entries behind this one that count.
    """
    if line.key is None or line.key.rules.revoked is None:
        return line

    rules = line.key.rules
    of_others = [at for key_id, at in earliest.items() if key_id != line.key.key_id]
    is_vouched_for = any(at < line.key.rules.revoked for at in of_others)
    is_kept = any(number_of.get(head, -1) >= line.number for head in rules.stands_up_to)
    if is_vouched_for or is_kept:
        return line

    unproven = "nothing but this key says that this was there before: no entry of another key follows it until then"
    return _without_key(line, line.key, Gap(Reason.REVOKED, f"which was revoked {rules.told_revoked}; {unproven}"))


def _without_key(line: LedgerLine, key: PublicKey, refused: Gap) -> LedgerLine:
    says = f"signed with the key {key.name}, {refused.says}"
    return replace(line, key=None, uncounted=Gap(refused.reason, says))
