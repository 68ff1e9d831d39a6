"""Who launches or runs it: who is on call through the launch or now, who is asked next, whether they can be reached.

What the roster says and what PagerDuty will do are held beside each other. A number, a mail address and the like stay
in here: what goes on is the role, the name, and what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from readiness.clients.pagerduty import OnCall, PagerDuty
from readiness.config.contacts import what_is_wrong_with
from readiness.config.persons import could_be_one_person, is_nobody, is_same_person
from readiness.environment.people import Person, Vendor, without_contacts
from readiness.observations import observation
from readiness.observations.escalation import EscalationPath
from readiness.observations.needs import AnyNeed, Need, need
from readiness.observations.on_call import (
    OnCallLimits,
    PrimaryOnCallLimits,
    Span,
    When,
    gaps_in,
    launch_asked_after,
    reaches_into,
    span_text,
    span_within,
)
from readiness.outcomes import NotConfigured
from readiness.redaction.shown import shown
from readiness.runbook.limits import Reach
from readiness.sources.roster import Roster

__all__ = ["EscalationPath", "Reach", "When"]

PRIMARY = "primary on-call"
SECONDARY = "secondary on-call"
_WAKING = {"phone_contact_method", "sms_contact_method", "push_notification_contact_method", "whatsapp_contact_method"}
"""PagerDuty's types of contact methods that wake somebody; mail does not."""
_SHOWN = 60
AT_THE_LAUNCH = timedelta(minutes=15)
"""So long whoever is on standby must be there from the launch on."""


@dataclass(frozen=True)
class LevelOnCall:
    """Who has one level of the escalation through a window of time."""

    people: list[str]
    gaps: list[str]
    """When nobody has it."""
    shared: list[str]
    """When it is the same person as on the level before."""
    wrong: list[str]
    """What is wrong with the entry of the roster."""
    contradictions: list[str]
    """Where the roster says somebody else than is paged."""


def _need_of_level(role: str) -> AnyNeed:
    """Return what a level of the escalation needs: something says who has it."""

    def find(pagerduty: PagerDuty, roster: Roster) -> None:
        if not pagerduty.configured and not roster.configured:
            raise NotConfigured(
                "nothing says who is on call",
                f"set pagerduty.token and pagerduty.escalation_policy, or team.roles with {role!r}",
            )

    return need(f"pagerduty, or team.roles: {role}")(find)


_ON_CALL = {role: _need_of_level(role) for role in (PRIMARY, SECONDARY)}


@need("team, where the line says who has somebody to stand in")
def roster_of_those_backed_up(roster: Roster, backed_up: tuple[str, ...]) -> None:
    """Make sure that there is a roster where one is asked. Raises NotConfigured."""
    if backed_up:
        roster.require_configured()


@observation(needs=(_ON_CALL[PRIMARY], roster_of_those_backed_up, launch_asked_after), optional=("pagerduty", "roster"))
def primary_on_call(
    pagerduty: PagerDuty, roster: Roster, moment: datetime, launch_at: datetime | None, limits: PrimaryOnCallLimits
) -> LevelOnCall:
    """Return who has the first level; among what is wrong, the roles of `backed_up` that nobody stands in for."""
    level = _level(pagerduty, roster, limits.span(launch_at, moment), (PRIMARY,))
    without_backup: list[str] = []
    for role in limits.backed_up:
        without_backup += _without_backup(role, roster.people().roles.get(role))
    return replace(level, wrong=[*level.wrong, *without_backup])


def _without_backup(role: str, person: Person | None) -> list[str]:
    if person is None:
        return [f"nobody is on record as {role}"]
    if person.backup is None or is_nobody(person.backup) or could_be_one_person(person.backup, person.name):
        return [f"{role}: nobody stands in"]
    return []


@observation(needs=(_ON_CALL[SECONDARY], launch_asked_after), optional=("pagerduty", "roster"))
def secondary_on_call(
    pagerduty: PagerDuty, roster: Roster, moment: datetime, launch_at: datetime | None, limits: OnCallLimits
) -> LevelOnCall:
    """Return who has the second level, and when that is the same person as on the first."""
    return _level(pagerduty, roster, limits.span(launch_at, moment), (PRIMARY, SECONDARY))


def _level(pagerduty: PagerDuty, roster: Roster, window: Span, roles: tuple[str, ...]) -> LevelOnCall:
    """Return who has the last of these roles, each of which is a level: by PagerDuty, or else by the roster."""
    role = roles[-1]
    _ON_CALL[role](pagerduty, roster)
    people = roster.people().roles if roster.configured else {}
    person = people.get(role)

    # A roster that does not name the role is no fault where PagerDuty does.
    wrong = []
    if roster.configured and (person or not pagerduty.configured):
        wrong = _faults(role, person)

    if not pagerduty.configured:
        lower_levels = [people.get(name) for name in roles[:-1]]
        return _level_of_roster(person, lower_levels, wrong)
    return _level_of_pagerduty(pagerduty.on_calls(*window), len(roles), window, person, wrong)


def _level_of_roster(person: Person | None, lower_levels: list[Person | None], wrong: list[str]) -> LevelOnCall:
    """Return a level by the roster alone, which names one person for all of the time: it has no gaps."""
    if person is None:
        return LevelOnCall(people=[], gaps=[], shared=[], wrong=wrong, contradictions=[])

    is_on_lower_level = any(other and could_be_one_person(other.name, person.name) for other in lower_levels)
    return LevelOnCall(
        people=[_shown(person.name)],
        gaps=[],
        shared=[_shown(person.name)] if is_on_lower_level else [],
        wrong=wrong,
        contradictions=[],
    )


def _level_of_pagerduty(
    on_calls: list[OnCall], level: int, window: Span, declared: Person | None, wrong: list[str]
) -> LevelOnCall:
    """Return a level as PagerDuty has it, with what the roster declares otherwise."""
    # A turn of another day, which an answer may hold too, says nothing of these hours.
    now = [on_call for on_call in on_calls if on_call.user and reaches_into(window, on_call)]
    held = [on_call for on_call in now if on_call.level == level]
    held_below = [on_call for on_call in now if on_call.level == level - 1]
    names = sorted({on_call.user.name for on_call in held if on_call.user})
    people = [_shown(name) for name in names]

    return LevelOnCall(
        people=people,
        gaps=gaps_in(window, held),
        shared=list(_shared(held_below, held, window)),
        wrong=wrong,
        contradictions=_contradictions(declared, names, people),
    )


def _contradictions(declared: Person | None, names: list[str], people: list[str]) -> list[str]:
    # A gap or a placeholder is told of as that; it contradicts nobody.
    if declared is None or is_nobody(declared.name) or not names:
        return []
    if any(is_same_person(declared.name, name) for name in names):
        return []
    return [f"the roster has {_shown(declared.name)}, PagerDuty pages {', '.join(people)}"]


def _shared(held_below: list[OnCall], held: list[OnCall], window: Span) -> Iterator[str]:
    """Yield the times in which one person has both levels, and nobody else has the upper one."""
    for on_call in held:
        others = [other for other in held if other.user != on_call.user]
        for below in held_below:
            if on_call.user is None or on_call.user != below.user:
                continue

            start, stop = span_within(window, on_call)
            start_below, stop_below = span_within(window, below)
            overlap = (max(start, start_below), min(stop, stop_below))
            is_empty = overlap[0] >= overlap[1]
            if not is_empty and gaps_in(overlap, others):
                yield f"{_shown(on_call.user.name)} {span_text(*overlap)}"


def _shown(name: str) -> str:
    return shown(without_contacts(name), _SHOWN)


@dataclass(frozen=True)
class Standby:
    """Who can be paged at the moment of the launch."""

    people: list[str]
    silent: list[str]
    """The levels that page nobody: empty, or with somebody who can only be sent mail."""


@observation
def standby(pagerduty: PagerDuty, launch_at: datetime) -> Standby:
    """Return who is paged at the launch, and the levels that would page nobody."""
    policy = pagerduty.policy(pagerduty.settings.escalation_policy)
    begin, end = launch_at, launch_at + AT_THE_LAUNCH
    on_calls = pagerduty.on_calls(begin, end)
    unpageable = _unpageable(pagerduty, on_calls)

    paged: list[OnCall] = []
    for on_call in on_calls:
        can_be_paged = on_call.user and on_call.user.name not in unpageable
        if can_be_paged and not gaps_in((begin, end), [on_call]):
            paged.append(on_call)

    levels_paged = {on_call.level for on_call in paged}
    levels = range(1, len(policy.rules) + 1)
    return Standby(
        people=sorted({_shown(on_call.user.name) for on_call in paged if on_call.user}),
        silent=[f"level {level}" for level in levels if level not in levels_paged],
    )


def _unpageable(pagerduty: PagerDuty, on_calls: list[OnCall]) -> set[str]:
    """Return the names of those who have neither a telephone on record nor the app."""
    users = {on_call.user.id: on_call.user.name for on_call in on_calls if on_call.user}
    names = set()
    for user, name in users.items():
        # In some answers the type of a contact method is that of a reference to it.
        kinds = {method.kind.removesuffix("_reference") for method in pagerduty.contact_methods(user)}
        if not _WAKING & kinds:
            names.add(name)
    return names


@dataclass(frozen=True)
class Contact:
    """One role of the roster."""

    wrong: list[str]
    days: int
    """Since somebody reached them that way; means nothing where something is wrong."""


@observation
def role_contact(roster: Roster, moment: datetime, role: str) -> Contact:
    """Return what is wrong with the entry of one role, and how old its last verification is."""
    person = roster.people().roles.get(role)
    if person is None:
        return Contact([f"nobody is on record as {role}"], days=0)

    wrong = [*_faults(role, person), *_date_faults(role, person.verified, moment)]
    days = (moment.date() - person.verified).days if person.verified else 0
    return Contact(wrong, days)


@dataclass(frozen=True)
class Contacts:
    """A set of contacts: how many there are, and which of them are of no use."""

    count: int
    wrong: list[str]
    stale: list[str]
    verified: dict[str, str] = field(default_factory=dict)
    """Of vendors: when each was last tried, and by whom where that is known."""


@observation(optional="pagerduty")
def team_contacts(
    roster: Roster, pagerduty: PagerDuty, moment: datetime, launch_at: datetime | None, days_at_most: float
) -> Contacts:
    """Return the state of every role's contact, and of the ways in which PagerDuty reaches those it will page."""
    roles = roster.people().roles
    wrong: list[str] = []
    for role, person in roles.items():
        wrong += _faults(role, person)
    dates = {role: person.verified for role, person in roles.items()}
    misdated, stale = _date_problems(dates, moment, days_at_most)
    wrong += misdated

    if pagerduty.configured:
        # Whoever had a launch that is over is called by nobody.
        begin = max(launch_at or moment, moment)
        unpageable = _unpageable(pagerduty, pagerduty.on_calls(begin, begin + timedelta(days=1)))
        wrong += [f"PagerDuty has neither telephone nor app of {_shown(name)}" for name in sorted(unpageable)]
    return Contacts(len(roles), wrong, stale)


@observation
def vendor_contacts(roster: Roster, moment: datetime, vendors: tuple[str, ...], days_at_most: float) -> Contacts:
    """Return the state of the vendors' contacts: of those that a line names, and of all that are on record."""
    on_record = roster.people().vendors
    wrong = [f"{name}: not on record" for name in vendors if name not in on_record]
    stale: list[str] = []
    for name, vendor in on_record.items():
        problem = what_is_wrong_with(vendor.contact.reveal())
        if problem:
            wrong.append(f"{name}: the contact is {problem}")
        wrong += _date_faults(name, vendor.verified, moment)
        stale += _staleness(name, vendor.verified, moment, days_at_most)
    verified = {name: _verification(vendor) for name, vendor in on_record.items()}
    return Contacts(len(on_record), wrong, stale, verified)


def _verification(vendor: Vendor) -> str:
    if vendor.verified is None:
        return "never"
    return f"{vendor.verified} by {_shown(vendor.verified_by)}" if vendor.verified_by else str(vendor.verified)


Dates = dict[str, date | None]
"""Role → when the one who has it did something."""


def _dates_of(field: str) -> Need[[Roster], Dates]:
    """Return the need of dates that the roster records."""

    def find(roster: Roster) -> Dates:
        dates: Dates = {role: getattr(person, field) for role, person in roster.people().roles.items()}
        if not any(dates.values()):
            raise NotConfigured(f"the roster records no {field}", f"set {field} of each role under team.roles")
        return dates

    return need(f"team.roles: {field}")(find)


reviews = _dates_of("runbook_reviewed")
sign_ins = _dates_of("access_verified")


@observation(needs=reviews)
def runbook_readers(roster: Roster, moment: datetime, days_at_most: float) -> Contacts:
    """Return who has read the runbook never, or too long ago."""
    return _done(reviews(roster), moment, days_at_most)


@observation(needs=sign_ins)
def access_holders(roster: Roster, moment: datetime, days_at_most: float) -> Contacts:
    """Return who has signed in to what they need never, or too long ago."""
    return _done(sign_ins(roster), moment, days_at_most)


def _done(dates: Dates, moment: datetime, days_at_most: float) -> Contacts:
    """Return who did never, or too long ago, what these are the dates of."""
    wrong, stale = _date_problems(dates, moment, days_at_most)
    return Contacts(len(dates), wrong, stale)


def _date_problems(dates: Dates, moment: datetime, days_at_most: float) -> tuple[list[str], list[str]]:
    """Return the dates that are missing or still to come, and those that are too old, each with its role."""
    wrong: list[str] = []
    stale: list[str] = []
    for role, day in dates.items():
        wrong += _date_faults(role, day, moment)
        stale += _staleness(role, day, moment, days_at_most)
    return wrong, stale


def _faults(role: str, person: Person | None) -> list[str]:
    if person is None:
        return [f"nobody is on record as {role}"]

    faults: list[str] = []
    if is_nobody(person.name):
        faults.append(f"{role}: the name is a placeholder")
    problem = what_is_wrong_with(person.contact.reveal())
    if problem:
        faults.append(f"{role}: the contact is {problem}")
    return faults


def _date_faults(name: str, day: date | None, moment: datetime) -> list[str]:
    if day is None:
        return [f"{name}: never"]
    if day > moment.date():
        return [f"{name}: on {day}, which is still to come"]
    return []


def _staleness(name: str, day: date | None, moment: datetime, days_at_most: float) -> list[str]:
    # Without a date there is no age; that it is missing is a fault of its own.
    if day is None:
        return []
    days = (moment.date() - day).days
    return [f"{name}: {days} days ago"] if days > days_at_most else []
