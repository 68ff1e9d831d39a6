"""Who is asked after whom: as the roster says, and as PagerDuty will do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.clients.pagerduty import EscalationPolicy, PagerDuty
from readiness.environment.people import Team, is_undecided, what_is_wrong_with
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
    """Read the levels; where a line names kinds of issues, those of each."""
    who_is_asked(pagerduty, roster)
    people = roster.people() if roster.configured else Team()
    if minutes_for:
        return _matrix(pagerduty, people, minutes_for)
    declared = [level.minutes for level in people.escalation]
    wrong = [*_unreachable(people, [level.role for level in people.escalation])]
    observed = declared
    if pagerduty.configured:
        policy = pagerduty.policy(pagerduty.settings.escalation_policy)
        observed = [rule.minutes for rule in policy.rules]
        wrong += _hollow(policy)
    said = {"the roster": declared, "PagerDuty": observed if pagerduty.configured else []}
    late = [
        f"level {place}: {waits:g} minutes by {who}, allowed {allowed:g}"
        for who, levels in said.items()
        for place, (waits, allowed) in enumerate(zip(levels, minutes, strict=False), 1)
        if waits > allowed
    ]
    return EscalationPath(len(observed), late, wrong, [*_differences(declared, observed)] if declared else [])


def _hollow(policy: EscalationPolicy) -> Iterator[str]:
    """List the levels that ask nobody, or nobody new."""
    asked: set[str] = set()
    for place, rule in enumerate(policy.rules, 1):
        targets = {str(target.get("id")) for target in rule.targets}
        if not targets:
            yield f"level {place} asks nobody"
        elif targets <= asked:
            yield f"level {place} asks nobody who was not asked before"
        asked |= targets


def _differences(declared: list[float], observed: list[float]) -> Iterator[str]:
    if len(declared) != len(observed):
        yield f"the roster has {len(declared)} levels, PagerDuty {len(observed)}"
    for place, (said, does) in enumerate(zip(declared, observed, strict=False), 1):
        if said != does:
            yield f"level {place}: {said:g} minutes by the roster, {does:g} by PagerDuty"


def _matrix(pagerduty: PagerDuty, people: Team, minutes_for: dict[str, float]) -> EscalationPath:
    late, wrong, contradictions, levels = [], [], [], []
    for name, allowed in minutes_for.items():
        said: dict[str, float] = {}
        if name in people.matters:
            matter = people.matters[name]
            said["the roster"] = matter.minutes
            roles = [matter.primary, matter.backup]
            levels.append(len({people.roles[role].name.casefold() for role in roles}))
            wrong += [f"{name}: {problem}" for problem in _unreachable(people, roles)]
        if pagerduty.configured and name in pagerduty.settings.policies:
            policy = pagerduty.policy(pagerduty.settings.policies[name])
            levels.append(len(policy.rules))
            wrong += [f"{name}: {problem}" for problem in _hollow(policy)]
            said |= {"PagerDuty": policy.rules[0].minutes} if policy.rules else {}
        if not said:
            wrong.append(f"{name}: nobody is named")
        late += [
            f"{name}: {waits:g} minutes by {who}, allowed {allowed:g}" for who, waits in said.items() if waits > allowed
        ]
        if len({*said.values()}) > 1:
            contradictions.append(f"{name}: " + ", ".join(f"{waits:g} minutes by {who}" for who, waits in said.items()))
    return EscalationPath(min(levels, default=0), late, wrong, contradictions)


def _unreachable(people: Team, roles: list[str]) -> Iterator[str]:
    for role in dict.fromkeys(roles):
        person = people.roles[role]
        problem = "a placeholder" if is_undecided(person.name) else what_is_wrong_with(person.contact.reveal())
        if problem:
            yield f"the {'name' if is_undecided(person.name) else 'contact'} of {role} is {problem}"
