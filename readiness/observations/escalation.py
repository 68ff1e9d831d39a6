"""Who is asked after whom: as the roster says, and as PagerDuty will do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.clients.pagerduty import EscalationPolicy, PagerDuty
from readiness.config.contacts import what_is_wrong_with
from readiness.config.persons import could_be_one_person, is_nobody
from readiness.environment.people import Team
from readiness.observations import observation
from readiness.observations.needs import need
from readiness.outcomes import NotConfigured
from readiness.sources.roster import Roster


@dataclass(frozen=True)
class EscalationPath:
    """The path, and what is wrong with it."""

    levels: int
    """How many are asked one after the other; of a matrix, at the matter that has the fewest."""
    late: list[str]
    """Where more time passes than a line allows."""
    wrong: list[str]
    contradictions: list[str]
    """Where the roster says something else than PagerDuty does."""


@need("pagerduty.escalation_policy, or team.escalation and team.matters")
def who_is_asked(pagerduty: PagerDuty, roster: Roster) -> None:
    """Make sure that something says who is asked after whom. Raises NotConfigured."""
    if not pagerduty.configured and not roster.configured:
        raise NotConfigured(
            "nothing says who is asked after whom",
            "set pagerduty.escalation_policy, or team.escalation and team.matters",
        )


@observation(needs=who_is_asked, optional=("pagerduty", "roster"))
def escalation_path(
    pagerduty: PagerDuty, roster: Roster, minutes: tuple[float, ...], minutes_for: dict[str, float]
) -> EscalationPath:
    """Return the levels of the one path; where a line names kinds of issues (`minutes_for`), those of each kind."""
    who_is_asked(pagerduty, roster)
    people = roster.people() if roster.configured else Team()
    if minutes_for:
        return _matrix(pagerduty, people, minutes_for)

    declared = [level.minutes for level in people.escalation]
    wrong = list(_unreachable(people, [level.role for level in people.escalation]))
    late = _late_levels("the roster", declared, minutes)
    if not pagerduty.configured:
        return EscalationPath(len(declared), late, wrong, contradictions=[])

    policy = pagerduty.policy(pagerduty.settings.escalation_policy)
    observed = [rule.minutes for rule in policy.rules]
    wrong += _hollow(policy)
    late += _late_levels("PagerDuty", observed, minutes)
    # A roster without an escalation says nothing otherwise.
    contradictions = list(_differences(declared, observed)) if declared else []
    return EscalationPath(len(observed), late, wrong, contradictions)


def _late_levels(source: str, waits: list[float], allowed: tuple[float, ...]) -> list[str]:
    """Return the levels that wait for longer than a line allows; a line may name fewer levels than there are."""
    return [
        f"level {level}: {minutes:g} minutes by {source}, allowed {limit:g}"
        for level, (minutes, limit) in enumerate(zip(waits, allowed, strict=False), 1)
        if minutes > limit
    ]


def _hollow(policy: EscalationPolicy) -> Iterator[str]:
    """Yield the levels of a policy that ask nobody, or nobody new."""
    asked: set[str] = set()
    for level, rule in enumerate(policy.rules, 1):
        targets = {str(target.get("id")) for target in rule.targets}
        if not targets:
            yield f"level {level} asks nobody"
        elif targets <= asked:
            yield f"level {level} asks nobody who was not asked before"
        asked |= targets


def _differences(declared: list[float], observed: list[float]) -> Iterator[str]:
    if len(declared) != len(observed):
        yield f"the roster has {len(declared)} levels, PagerDuty {len(observed)}"
    for level, (by_roster, by_pagerduty) in enumerate(zip(declared, observed, strict=False), 1):
        if by_roster != by_pagerduty:
            yield f"level {level}: {by_roster:g} minutes by the roster, {by_pagerduty:g} by PagerDuty"


@dataclass(frozen=True)
class _Matter:
    """How one kind of issue escalates, by the roster and by PagerDuty."""

    levels: list[int]
    """How many are asked, by each source that knows."""
    waits: dict[str, float]
    """Source → minutes until the second is asked."""
    wrong: list[str]


def _matrix(pagerduty: PagerDuty, people: Team, minutes_for: dict[str, float]) -> EscalationPath:
    """Return the escalation of several kinds of issues as one path: with the fewest levels of any."""
    levels: list[int] = []
    late: list[str] = []
    wrong: list[str] = []
    contradictions: list[str] = []
    for name, allowed in minutes_for.items():
        matter = _matter(pagerduty, people, name)
        levels += matter.levels
        wrong += [f"{name}: {problem}" for problem in matter.wrong]

        by_source = [f"{minutes:g} minutes by {source}" for source, minutes in matter.waits.items()]
        for text, minutes in zip(by_source, matter.waits.values(), strict=True):
            if minutes > allowed:
                late.append(f"{name}: {text}, allowed {allowed:g}")
        if len(set(matter.waits.values())) > 1:
            contradictions.append(f"{name}: {', '.join(by_source)}")
    return EscalationPath(min(levels, default=0), late, wrong, contradictions)


def _matter(pagerduty: PagerDuty, people: Team, name: str) -> _Matter:
    levels: list[int] = []
    waits: dict[str, float] = {}
    wrong: list[str] = []

    if name in people.matters:
        declared = people.matters[name]
        roles = [declared.primary, declared.backup]
        waits["the roster"] = declared.minutes
        # One person with both roles is one level.
        primary, backup = (people.roles[role].name for role in roles)
        levels.append(1 if could_be_one_person(primary, backup) else 2)
        wrong += _unreachable(people, roles)

    if pagerduty.configured and name in pagerduty.settings.policies:
        policy = pagerduty.policy(pagerduty.settings.policies[name])
        levels.append(len(policy.rules))
        wrong += _hollow(policy)
        if policy.rules:
            waits["PagerDuty"] = policy.rules[0].minutes

    if not waits:
        wrong.append("nobody is named")
    return _Matter(levels, waits, wrong)


def _unreachable(people: Team, roles: list[str]) -> Iterator[str]:
    """Yield the roles whose name or contact is none, each once."""
    for role in dict.fromkeys(roles):
        person = people.roles[role]
        if is_nobody(person.name):
            yield f"the name of {role} is a placeholder"
            continue
        problem = what_is_wrong_with(person.contact.reveal())
        if problem:
            yield f"the contact of {role} is {problem}"
