"""A ledger held against the anchors that are kept of it: whether it still has each, and whether a run is covered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from readiness.environment.anchoring import AnchorPlaces, stated_anchors
from readiness.environment.demands import unknown_demand
from readiness.errors import BadEnvironment
from readiness.evidence.anchors import Anchor, NotAnchored, Place, kept, named_place, stated_places
from readiness.evidence.findings import Audit, Gap
from readiness.evidence.ledger_reading import LedgerReading, LedgerRecord
from readiness.evidence.reasons import Reason
from readiness.evidence.signing import SHOWN
from readiness.redaction.shown import shown


@dataclass(frozen=True)
class Recalled:
    """What one place has of a ledger."""

    place: str
    anchors: tuple[Anchor, ...] = ()
    problem: str = ""
    """Why nobody can say what it has."""


def places_of(file: Path | None, named: Sequence[str], *, is_at_home: bool = True) -> tuple[Place, ...]:
    """Return where heads are kept, as an environment's file states it and `--anchor` names more. Raises BadInput."""
    may_say = file is not None and (is_at_home or file.is_file())
    unknown = unknown_demand(file, "anchor") if file and may_say else ""
    if unknown:
        raise BadEnvironment([f"whether anchors are demanded cannot be read: {unknown}"])
    root = file.resolve().parents[1] if file else Path.cwd()
    stated: AnchorPlaces | None = stated_anchors(file)
    return (*stated_places(stated, root), *(named_place(text, stated, root) for text in named))


def recalled_of(
    env: str, file: Path | None, named: Sequence[str], *, is_demanded: bool = False, is_at_home: bool = True
) -> list[Recalled]:
    """Return what each place has of an environment's ledger. Raises BadInput for a place that is none.

    `is_demanded` says that somebody demands an anchor, also where nothing states a place. A run that is not at home was
    copied elsewhere: the folder that it lies in now is called like no environment.
    """
    try:
        places = places_of(file, named, is_at_home=is_at_home)
    except BadEnvironment as error:
        return [Recalled("evidence.anchor", problem=error.problems[0])]

    if is_demanded and not places:
        where = file.name if file else "the environment file"
        return [Recalled("--anchored", problem=f"{where} states no evidence.anchor; or name a place: --anchor WHERE")]
    return [_recalled(place, env) for place in places]


def _recalled(place: Place, env: str) -> Recalled:
    try:
        return Recalled(place.shown, tuple(kept(place, env)))
    except NotAnchored as error:
        return Recalled(place.shown, problem=shown(str(error)))


def hold_to_anchors(
    audit: Audit, ledger: LedgerReading | None, recalled: Iterable[Recalled], record: LedgerRecord | None
) -> None:
    """Add what the anchors have against a ledger, and that a run is not covered by one."""
    for each in recalled:
        gaps = [*contradictions(ledger, each), *_uncovered(each, record)]
        audit.gaps += gaps
        if not gaps and each.anchors:
            newest = max(each.anchors, key=lambda anchor: anchor.entries)
            of = f"the newest of {newest.at:%Y-%m-%d %H:%M:%S}Z"
            audit.notes.append(f"{each.place} has kept {len(each.anchors)} heads of the ledger, {of}")


def contradictions(ledger: LedgerReading | None, recalled: Recalled) -> Iterator[Gap]:
    """Yield that a ledger does not have a head that was kept of it: of each kind the first."""
    if recalled.problem:
        yield Gap(Reason.NOT_ANCHORED, f"{recalled.place}: {recalled.problem}")
        return

    told: set[Reason] = set()
    for anchor in recalled.anchors:
        gap = _contradiction(ledger, anchor, recalled.place)
        if gap and gap.reason not in told:
            told.add(gap.reason)
            yield gap


def _contradiction(ledger: LedgerReading | None, anchor: Anchor, place: str) -> Gap | None:
    head = f"the head {anchor.head[:SHOWN]} of {anchor.entries} entries, of {anchor.at:%Y-%m-%d %H:%M:%S}Z"
    has_kept = f"{place} has kept {head}"
    if ledger is None or not ledger.digests:
        return Gap(Reason.LEDGER_GONE, f"{has_kept}, and there is no ledger: it was removed")

    entries = len(ledger.digests)
    if anchor.entries > entries:
        return Gap(Reason.LEDGER_CUT, f"{has_kept}, and the ledger has {entries}: it was cut")
    if ledger.digests[anchor.entries - 1] != anchor.head:
        return Gap(Reason.LEDGER_REWRITTEN, f"{has_kept}, and the ledger has another entry there: it was written anew")
    return None


def _uncovered(recalled: Recalled, record: LedgerRecord | None) -> Iterator[Gap]:
    """Yield that no head was kept since a run ended: its entry could be cut off."""
    line = (record.sealed or record.opened) if record else None
    if recalled.problem or line is None:
        return

    remedy = f"readiness ledger anchor --env {line.entry.env}"
    if not recalled.anchors:
        yield Gap(
            Reason.NOT_ANCHORED, f"{recalled.place} has no head of this ledger: removed, or never kept ({remedy})"
        )
    elif max(anchor.entries for anchor in recalled.anchors) <= line.number:
        yield Gap(
            Reason.NOT_ANCHORED, f"{recalled.place} has kept no head since {line.entry.run} was sealed ({remedy})"
        )
