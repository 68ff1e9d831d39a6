"""A launch on one line of time: every run from seven days before it, and what expires when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from readiness.outcomes import Phase
from readiness.rendering import expiring
from readiness.rendering.dossier import Dossier
from readiness.rendering.rehearsals_and_drills import Procedure

WIDE, LEFT, LANE, TOP = 960, 96, 22, 26
BEFORE, AFTER = timedelta(days=7), timedelta(days=7)
EXPIRIES_AT_MOST = 12
SOON = timedelta(days=2)
HOURS_BELOW_DAYS = 2
"""What is left is shown in hours below so many days."""


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
    """What counts until a moment: an entry of people, a certificate, a token, a backup, a rehearsal, a drill."""

    what: str
    who: str
    line: str
    since: datetime | None
    until: datetime
    statement: str
    """Of people: what they stated, and what became of it."""

    def left(self, moment: datetime) -> str:
        """Return how long it still counts, in words."""
        days = (self.until - moment) / timedelta(days=1)
        if days <= 0:
            return "expired"
        if days < HOURS_BELOW_DAYS:
            return f"{days * 24:.0f} h left"
        return f"{days:.0f} days left"

    def soon(self, moment: datetime) -> bool:
        """Check whether it has expired or is about to."""
        return self.until - moment <= SOON


@dataclass(frozen=True)
class Timeline:
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
        """The expiries as bars: start, length, height; the soonest first."""
        bars = []
        for index, expiry in enumerate(self.expiries[:EXPIRIES_AT_MOST]):
            since = expiry.since or self.began
            start = self.across(max(since, self.began))
            length = max(self.across(expiry.until) - start, 2.0)
            bars.append((start, length, _height(len(self.lanes) + index), expiry))
        return bars

    def across(self, at: datetime) -> float:
        """Return where a moment lies, in pixels from the left; one beyond the line lies at its end."""
        on_line = min(max(at, self.began), self.ended)
        share = (on_line - self.began) / (self.ended - self.began)
        return round(LEFT + share * (WIDE - LEFT - 12), 1)

    def days(self) -> Iterator[tuple[float, str]]:
        """Yield a mark for each day, counted from the launch where there is one; fewer of them on a long line."""
        zero = self.launch_at or self.ended
        total = (self.ended - self.began) / timedelta(days=1)
        step = max(1, round(total / 16))

        day = -int((zero - self.began) / timedelta(days=1))
        while zero + timedelta(days=day) <= self.ended:
            at = zero + timedelta(days=day)
            if day % step == 0:
                yield self.across(at), self._label(day, at)
            day += 1

    def _label(self, day: int, at: datetime) -> str:
        if day:
            return f"T{day:+d}d"
        # Without a launch the days are counted from the end, which is called by its date.
        return "T-0" if self.launch_at else f"{at:%m-%d}"


def _height(lane: int) -> float:
    return TOP + LANE * lane + LANE / 2


def timeline(dossier: Dossier) -> Timeline:
    """Return the evidence laid out in time: a lane for each phase, the rehearsals and the drills."""
    launch = dossier.launch_at
    began = (launch or dossier.moment) - BEFORE
    ends = [dossier.moment, *(run.start.as_of for run in dossier.runs)]
    if launch:
        ends.append(launch + AFTER)
    # Half a day more, so that the last dot does not lie on the edge.
    ended = max(ends) + timedelta(hours=12)

    empty = Timeline(began, ended, launch, dossier.moment, (), (), 0)
    lanes: list[Lane] = []
    left_out = 0
    for name, moments in _moments(dossier):
        dots = tuple(Dot(empty.across(at), kind) for at, kind in moments if at >= began)
        lanes.append(Lane(name, _height(len(lanes)), dots, len(moments)))
        left_out += len(moments) - len(dots)

    return replace(empty, lanes=tuple(lanes), expiries=tuple(expiries(dossier)), left_out=left_out)


Moments = list[tuple[datetime, str]]
"""When each of one sort was, and whether it was good, bad or open."""


def _moments(dossier: Dossier) -> Iterator[tuple[str, Moments]]:
    for phase in Phase:
        yield phase, [(run.start.as_of, run.kind) for run in dossier.runs if run.start.phase is phase]
    yield "rehearsals", _procedures(dossier.rehearsals)
    yield "drills", _procedures(dossier.drills)


def _procedures(procedures: Iterable[Procedure]) -> Moments:
    # Of evidence that cannot be read nobody knows when it was.
    return [(procedure.at, procedure.kind) for procedure in procedures if procedure.at]


def expiries(dossier: Dossier) -> list[Expiry]:
    """Return all that expires, as far as the evidence shows it: the soonest first."""
    by_name: dict[tuple[str, str], Expiry] = {}
    runs = [decided.run for decided in dossier.phases.values()]
    for run in runs:
        for result in run.results:
            for what, entry in (("attestation", result.attestation), ("waiver", result.waiver)):
                expiry = _expiry(what, result.line, entry) if entry is not None else None
                if expiry:
                    by_name[what, expiry.line] = expiry

    home = dossier.reports / dossier.environment
    for event in (*expiring.of_runs(runs), *expiring.of_rehearsals_and_drills(home, runs)):
        by_name[event.kind, event.what] = Expiry(event.kind, event.owner, event.what, None, event.at, "")

    return sorted(by_name.values(), key=lambda expiry: (expiry.until, expiry.line))


_PEOPLE = ("who", "requested_by", "approved_by")


def _expiry(what: str, line: str, entry: Mapping[str, object]) -> Expiry | None:
    """Return until when an attestation or a waiver counts, from its journal entry; None where it says no day."""
    last_day = _day(entry.get("valid_until") or entry.get("until"))
    if last_day is None:
        return None

    statement = str(entry.get("statement") or entry.get("because") or "")
    if entry.get("state") in {"void", "expired", "unused"}:
        statement += f" ({entry['state']})"
    return Expiry(
        what=what,
        who=", ".join(str(entry[key]) for key in _PEOPLE if entry.get(key)),
        line=str(entry.get("entry") or line),
        since=_day(entry.get("at")),
        until=last_day + timedelta(days=1),
        statement=statement,
    )


def _day(value: object) -> datetime | None:
    """Return the beginning of a day; None for what is none."""
    try:
        return datetime.combine(date.fromisoformat(str(value)[:10]), time(), UTC)
    except ValueError:
        return None
