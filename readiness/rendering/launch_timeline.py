"""The passage of a launch on one line of time: every run from seven days before it, and what expires when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from readiness.outcomes import Phase
from readiness.rendering import expiring
from readiness.rendering.dossier import Dossier
from readiness.rendering.rehearsals_and_drills import Procedure

WIDE, LEFT, LANE, TOP = 960, 96, 22, 26
BEFORE, AFTER = timedelta(days=7), timedelta(days=7)
EXPIRIES_AT_MOST = 12
SOON = timedelta(days=2)


@dataclass(frozen=True)
class Dot:
    """One run, rehearsal or drill."""

    across: float
    kind: str


@dataclass(frozen=True)
class Lane:
    """All of one sort."""

    name: str
    height: float
    dots: tuple[Dot, ...]
    total: int


@dataclass(frozen=True)
class Expiry:
    """What counts until a moment: a word of people, a certificate, a token, a backup, a rehearsal, a drill."""

    what: str
    who: str
    line: str
    since: datetime | None
    until: datetime
    said: str

    def left(self, moment: datetime) -> str:
        """Say how long it still counts."""
        days = (self.until - moment) / timedelta(days=1)
        return "expired" if days <= 0 else f"{days:.0f} days left" if days >= 2 else f"{days * 24:.0f} h left"  # noqa: PLR2004

    def soon(self, moment: datetime) -> bool:
        """Tell whether it has expired or is about to."""
        return self.until - moment <= SOON


@dataclass(frozen=True)
class Passage:
    """What is drawn."""

    began: datetime
    ended: datetime
    launch_at: datetime | None
    moment: datetime
    lanes: tuple[Lane, ...]
    expiries: tuple[Expiry, ...]
    left_out: int
    """Runs before its first day."""

    @property
    def high(self) -> int:
        """How high it is, in all."""
        return TOP + LANE * (len(self.lanes) + len(self.drawn)) + 8

    @property
    def drawn(self) -> list[tuple[float, float, float, Expiry]]:
        """Give the expiries as bars: from, to, height; the soonest first."""
        found = []
        for index, one in enumerate(self.expiries[:EXPIRIES_AT_MOST]):
            start = self.across(max(one.since or self.began, self.began))
            found.append((start, max(self.across(one.until) - start, 2.0), _height(len(self.lanes) + index), one))
        return found

    def across(self, at: datetime) -> float:
        """Where a moment lies."""
        share = (min(max(at, self.began), self.ended) - self.began) / (self.ended - self.began)
        return round(LEFT + share * (WIDE - LEFT - 12), 1)

    def days(self) -> Iterator[tuple[float, str]]:
        """Give a mark for each day, counted from the launch where there is one; fewer of them on a long line."""
        zero = self.launch_at or self.ended
        total = (self.ended - self.began) / timedelta(days=1)
        step = max(1, round(total / 16))
        day = -int((zero - self.began) / timedelta(days=1))
        while zero + timedelta(days=day) <= self.ended:
            at = zero + timedelta(days=day)
            if day % step == 0:
                yield self.across(at), f"T{day:+d}d" if day else "T-0" if self.launch_at else f"{at:%m-%d}"
            day += 1


def _height(lane: int) -> float:
    return TOP + LANE * lane + LANE / 2


def passage(dossier: Dossier) -> Passage:
    """Lay the evidence out in time."""
    launch = dossier.launch_at
    began = (launch or dossier.moment) - BEFORE
    moments = [one.start.as_of for one in dossier.runs]
    ended = max(dossier.moment, *moments, (launch + AFTER) if launch else dossier.moment) + timedelta(hours=12)
    drawn = Passage(began, ended, launch, dossier.moment, (), (), 0)
    sorts: list[tuple[str, list[tuple[datetime, str]]]] = [
        (phase, [(one.start.as_of, one.kind) for one in dossier.runs if one.start.phase is phase]) for phase in Phase
    ]
    sorts += [(name, _procedures(found)) for name, found in _others(dossier)]
    lanes: list[Lane] = []
    for name, dots in sorts:
        height = _height(len(lanes))
        seen = tuple(Dot(drawn.across(at), kind) for at, kind in dots if at >= began)
        lanes.append(Lane(name, height, seen, len(dots)))
    left = sum(len(dots) for _, dots in sorts) - sum(len(lane.dots) for lane in lanes)
    return Passage(began, ended, launch, dossier.moment, tuple(lanes), tuple(expiries(dossier)), left)


def _others(dossier: Dossier) -> list[tuple[str, Iterable[Procedure]]]:
    return [("rehearsals", dossier.rehearsals), ("drills", dossier.drills)]


def _procedures(found: Iterable[Procedure]) -> list[tuple[datetime, str]]:
    return [(one.at, one.kind) for one in found if one.at]


def expiries(dossier: Dossier) -> list[Expiry]:
    """Give all that expires, as the evidence tells it: the soonest first."""
    found: dict[tuple[str, str], Expiry] = {}
    for decided in dossier.phases.values():
        for result in decided.run.results:
            for what in ("attestation", "waiver"):
                entry = getattr(result, what, None)
                expiry = _expiry(what, result.line, entry) if isinstance(entry, dict) else None
                if expiry:
                    found[what, expiry.line] = expiry
    runs = [decided.run for decided in dossier.phases.values()]
    told = [*expiring.of_runs(runs), *expiring.of_rehearsals_and_drills(dossier.reports / dossier.environment, runs)]
    for event in told:
        found[event.kind, event.what] = Expiry(event.kind, event.owner, event.what, None, event.at, "")
    return sorted(found.values(), key=lambda one: (one.until, one.line))


_PEOPLE = ("who", "requested_by", "approved_by")


def _expiry(what: str, line: str, entry: dict[str, Any]) -> Expiry | None:
    until = _day(entry.get("valid_until") or entry.get("until"))
    if until is None:
        return None
    who = ", ".join(str(entry[key]) for key in _PEOPLE if entry.get(key))
    said = str(entry.get("statement") or entry.get("because") or "")
    said += f" ({entry['state']})" if entry.get("state") in {"void", "expired", "unused"} else ""
    return Expiry(what, who, str(entry.get("entry") or line), _day(entry.get("at")), until + timedelta(days=1), said)


def _day(value: object) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(str(value)[:10]), time(), UTC)
    except ValueError:
        return None
