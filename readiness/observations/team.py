"""Who launches: who is on call through the launch, who is asked after them, and whether they can be reached.

What the roster says and what PagerDuty will do are held beside each other. A number, a mail address and the like stay
in here: what goes on is the role, the name, and what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from readiness.clients.pagerduty import OnCall, PagerDuty
from readiness.environment.people import Person, is_undecided, what_is_wrong_with, without_contacts
from readiness.observations import observation
from readiness.observations.escalation import EscalationPath
from readiness.observations.needs import AnyNeed, Need, need
from readiness.outcomes import NotConfigured
from readiness.sources.roster import Roster

__all__ = ["EscalationPath"]

PRIMARY, SECONDARY = "primary on-call", "secondary on-call"
_PAGED_BY = {
    "phone_contact_method",
    "sms_contact_method",
    "push_notification_contact_method",
    "whatsapp_contact_method",
}
_SHOWN = 60
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class LevelOnCall:
    """Who has one level of the escalation through the launch."""

    people: list[str]
    gaps: list[str]
    """When nobody has it."""
    shared: list[str]
    """When it is the same person as on the level before."""
    wrong: list[str]
    """What is wrong with the entry of the roster."""
    contradictions: list[str]
    """Where the roster says somebody else than is paged."""


def _level_of(role: str) -> AnyNeed:
    """Return the need of a level of the escalation: something says who has it."""

    def find(pagerduty: PagerDuty, roster: Roster) -> None:
        if not pagerduty.configured and not roster.configured:
            raise NotConfigured(
                "nothing says who is on call",
                f"set pagerduty.token and pagerduty.escalation_policy, or team.roles with {role!r}",
            )

    return need(f"pagerduty, or team.roles: {role}")(find)


_ON_CALL = {role: _level_of(role) for role in (PRIMARY, SECONDARY)}


@need("team, where the line says who has somebody to stand in")
def roster_of_those_backed_up(roster: Roster, backed_up: tuple[str, ...]) -> None:
    """Make sure that there is a roster where one is asked. Raises NotConfigured."""
    if backed_up:
        roster.require_configured()


@observation(needs=(_ON_CALL[PRIMARY], roster_of_those_backed_up), optional=("pagerduty", "roster"))
def primary_on_call(
    pagerduty: PagerDuty,
    roster: Roster,
    launch_at: datetime,
    hours_before: float,
    hours_after: float,
    backed_up: tuple[str, ...],
) -> LevelOnCall:
    """See who is called first, and who of those named has nobody to stand in for them."""
    found = _level(pagerduty, roster, _window(launch_at, hours_before, hours_after), (PRIMARY,))
    alone = [problem for role in backed_up for problem in _alone(role, roster.people().roles.get(role))]
    return replace(found, wrong=[*found.wrong, *alone])


def _alone(role: str, person: Person | None) -> Iterator[str]:
    if person is None:
        yield f"nobody is on record as {role}"
    elif person.backup is None or is_undecided(person.backup) or _same(person.backup, person.name):
        yield f"{role}: nobody stands in"


@observation(needs=_ON_CALL[SECONDARY], optional=("pagerduty", "roster"))
def secondary_on_call(
    pagerduty: PagerDuty, roster: Roster, launch_at: datetime, hours_before: float, hours_after: float
) -> LevelOnCall:
    """See who is called next, and that it is somebody else."""
    return _level(pagerduty, roster, _window(launch_at, hours_before, hours_after), (PRIMARY, SECONDARY))


def _window(launch_at: datetime, hours_before: float, hours_after: float) -> Span:
    return launch_at - timedelta(hours=hours_before), launch_at + timedelta(hours=hours_after)


def _level(pagerduty: PagerDuty, roster: Roster, window: Span, roles: tuple[str, ...]) -> LevelOnCall:
    """Look at the last of these roles, each of which is a level."""
    _ON_CALL[roles[-1]](pagerduty, roster)
    declared = [roster.people().roles.get(role) if roster.configured else None for role in roles]
    named = declared[-1]
    wrong = _wrong(roles[-1], named) if roster.configured and (named or not pagerduty.configured) else []
    if not pagerduty.configured:
        same = (
            [_shown(named.name)] if named and any(one and _same(one.name, named.name) for one in declared[:-1]) else []
        )
        return LevelOnCall([_shown(named.name)] if named else [], [], same, wrong, [])
    rows = pagerduty.on_calls(*window)
    held = [row for row in rows if row.level == len(roles) and row.user]
    before = [row for row in rows if row.level == len(roles) - 1 and row.user]
    people = sorted({row.user.name for row in held if row.user})
    told = [_shown(name) for name in people]
    contradictions = (
        [f"the roster has {_shown(named.name)}, PagerDuty pages {', '.join(told)}"]
        if named and people and not is_undecided(named.name) and not any(_same(named.name, name) for name in people)
        else []
    )
    return LevelOnCall(told, _gaps(held, window), [*_shared(before, held, window)], wrong, contradictions)


def _gaps(held: list[OnCall], window: Span) -> list[str]:
    """List the parts of the window that nobody has."""
    begin, end = window
    found: list[str] = []
    for start, stop in sorted(_spans(held, window)):
        if start > begin:
            found.append(_told(begin, start))
        begin = max(begin, stop)
    return [*found, *([_told(begin, end)] if begin < end else [])]


def _shared(before: list[OnCall], held: list[OnCall], window: Span) -> Iterator[str]:
    """List when one person has both levels, and nobody else has the second."""
    for one in held:
        others = [row for row in held if row.user != one.user]
        for first in before:
            (start, stop), (since, until) = _span(one, window), _span(first, window)
            both = (max(start, since), min(stop, until))
            if one.user and one.user == first.user and both[0] < both[1] and _gaps(others, both):
                yield f"{_shown(one.user.name)} {_told(*both)}"


def _spans(rows: list[OnCall], window: Span) -> list[Span]:
    spans = [_span(row, window) for row in rows]
    return [span for span in spans if span[0] < span[1]]


def _span(row: OnCall, window: Span) -> Span:
    return max(row.start or window[0], window[0]), min(row.end or window[1], window[1])


def _told(begin: datetime, end: datetime) -> str:
    return f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}Z"


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _shown(name: str) -> str:
    return without_contacts(name)[:_SHOWN]


@dataclass(frozen=True)
class Standby:
    """Who can be paged at the moment of the launch."""

    people: list[str]
    silent: list[str]
    """The levels that page nobody: empty, or with somebody who can only be sent mail."""


@observation
def standby(pagerduty: PagerDuty, launch_at: datetime) -> Standby:
    """See who is paged at the launch, level for level."""
    levels = len(pagerduty.policy(pagerduty.settings.escalation_policy).rules)
    begin, end = _window(launch_at, 0, 0.25)
    rows = pagerduty.on_calls(begin, end)
    mute = _mute(pagerduty, rows)
    paged = [row for row in rows if row.user and row.user.name not in mute and _gaps([row], (begin, end)) == []]
    silent = [f"level {level}" for level in range(1, levels + 1) if level not in {row.level for row in paged}]
    return Standby(sorted({_shown(row.user.name) for row in paged if row.user}), silent)


def _mute(pagerduty: PagerDuty, rows: list[OnCall]) -> set[str]:
    """Name those who have no telephone on record, nor the app."""
    users = {row.user.id: row.user.name for row in rows if row.user}
    return {
        name
        for user, name in users.items()
        if not _PAGED_BY & {method.kind.removesuffix("_reference") for method in pagerduty.contact_methods(user)}
    }


@dataclass(frozen=True)
class Contact:
    """One role of the roster."""

    wrong: list[str]
    days: int
    """Since somebody reached them that way; means nothing where something is wrong."""


@observation
def role_contact(roster: Roster, moment: datetime, role: str) -> Contact:
    """Look up one role, and whether its entry is whole."""
    found = roster.people().roles.get(role)
    wrong = [*_wrong(role, found), *_dated(role, found.verified if found else None, moment)] if found else []
    if not found:
        wrong = [f"nobody is on record as {role}"]
    return Contact(wrong, (moment.date() - found.verified).days if found and found.verified else 0)


@dataclass(frozen=True)
class Contacts:
    """A set of contacts: how many there are, and which of them are of no use."""

    count: int
    wrong: list[str]
    stale: list[str]


@observation(optional="pagerduty")
def team_contacts(
    roster: Roster, pagerduty: PagerDuty, moment: datetime, launch_at: datetime | None, days_at_most: float
) -> Contacts:
    """Look at the contact of every role, and at how those who will be paged are reached."""
    roles = roster.people().roles
    wrong = [problem for role, person in roles.items() for problem in _wrong(role, person)]
    wrong += [problem for role, one in roles.items() for problem in _dated(role, one.verified, moment)]
    stale = [told for role, one in roles.items() for told in _stale(role, one.verified, moment, days_at_most)]
    if pagerduty.configured:
        begin = launch_at or moment
        mute = _mute(pagerduty, pagerduty.on_calls(begin, begin + timedelta(days=1)))
        wrong += [f"PagerDuty has neither telephone nor app of {_shown(name)}" for name in sorted(mute)]
    return Contacts(len(roles), wrong, stale)


@observation
def vendor_contacts(roster: Roster, moment: datetime, vendors: tuple[str, ...], days_at_most: float) -> Contacts:
    """Look at the vendors' contacts: those that are named, and all that are on record."""
    known = roster.people().vendors
    wrong = [f"{name}: not on record" for name in vendors if name not in known]
    for name, vendor in known.items():
        problem = what_is_wrong_with(vendor.contact.reveal())
        wrong += [f"{name}: the contact is {problem}"] if problem else []
        wrong += _dated(name, vendor.verified, moment)
    stale = [told for name, one in known.items() for told in _stale(name, one.verified, moment, days_at_most)]
    return Contacts(len(known), wrong, stale)


Dates = dict[str, date | None]
"""Role → when the one who has it did something."""


def _dates_of(field: str) -> Need[[Roster], Dates]:
    """Return the need of dates that the roster records."""

    def find(roster: Roster) -> Dates:
        dates: Dates = {role: getattr(one, field) for role, one in roster.people().roles.items()}
        if not any(dates.values()):
            raise NotConfigured(f"the roster records no {field}", f"set {field} of each role under team.roles")
        return dates

    return need(f"team.roles: {field}")(find)


reviews = _dates_of("runbook_reviewed")
sign_ins = _dates_of("access_verified")


@observation(needs=reviews)
def runbook_readers(roster: Roster, moment: datetime, days_at_most: float) -> Contacts:
    """See who has read the runbook, and when."""
    return _done(reviews(roster), moment, days_at_most)


@observation(needs=sign_ins)
def access_holders(roster: Roster, moment: datetime, days_at_most: float) -> Contacts:
    """See who has signed in to what they need, and when."""
    return _done(sign_ins(roster), moment, days_at_most)


def _done(dates: Dates, moment: datetime, days_at_most: float) -> Contacts:
    wrong = [problem for role, on in dates.items() for problem in _dated(role, on, moment)]
    stale = [told for role, on in dates.items() for told in _stale(role, on, moment, days_at_most)]
    return Contacts(len(dates), wrong, stale)


def _wrong(role: str, person: Person | None) -> list[str]:
    if person is None:
        return [f"nobody is on record as {role}"]
    problem = what_is_wrong_with(person.contact.reveal())
    found = [f"{role}: the name is a placeholder"] if is_undecided(person.name) else []
    return [*found, *([f"{role}: the contact is {problem}"] if problem else [])]


def _dated(what: str, on: date | None, moment: datetime) -> list[str]:
    if on is None:
        return [f"{what}: never"]
    return [f"{what}: on {on}, which is still to come"] if on > moment.date() else []


def _stale(what: str, on: date | None, moment: datetime, days_at_most: float) -> list[str]:
    days = (moment.date() - on).days if on else 0
    return [f"{what}: {days} days ago"] if days > days_at_most else []
