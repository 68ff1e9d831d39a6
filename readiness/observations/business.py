"""What the business does on the service: logins, payments, leads, registrations."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.environment.probes import Billing, Stop
from readiness.environment.schema import Environment
from readiness.environment.service_levels import Window
from readiness.observations import known_reading, observation
from readiness.observations.needs import figures, need
from readiness.observations.slo import HOUR, events_of, usual_of
from readiness.outcomes import NotConfigured, Unknown
from readiness.slo.events import Events, Usual
from readiness.sources.levels import Levels
from readiness.sources.readings import Readings
from readiness.transport.http import Http

__all__ = ["Events", "Usual"]

ACTIVE_USERS = known_reading(
    "active_users",
    "the most users that were active at once, those of rehearsals included",
)


@observation(needs=figures("count", "failed", of="logins"))
def logins(levels: Levels) -> Events:
    """Return the last hour's logins, and those that failed."""
    return events_of(levels, "logins", Window(HOUR))


@observation(needs=figures("count", "failed", of="payments"))
def payments(levels: Levels) -> Events:
    """Return the last hour's payments, and those that failed."""
    return events_of(levels, "payments", Window(HOUR))


@observation(needs=figures("count", of="leads"))
def usual_leads(levels: Levels) -> Usual:
    """Return how many lead forms the last hour had, and those of the same hour a day and a week ago."""
    return usual_of(levels, "leads")


@observation(needs=figures("count", of="registrations"))
def registrations(levels: Levels) -> float:
    """Return how many registrations the last hour had."""
    return levels.occurrences("registrations", Window(HOUR))


@observation(needs=ACTIVE_USERS)
def active_users(readings: Readings) -> float:
    """Return the most users that were active at once."""
    return readings.number(ACTIVE_USERS)


@dataclass(frozen=True)
class Stops:
    """What billing should have refused to test accounts, and what of it was served."""

    asked: int
    served: list[str]


@need("billing")
def test_accounts(environment: Environment) -> Billing:
    """Return the test accounts that billing must stop. Raises NotConfigured."""
    if environment.billing is None:
        raise NotConfigured("no test account is named that billing must stop", "set billing in the environment file")
    return environment.billing


@observation(needs=test_accounts)
def billing_stops(http: Http, environment: Environment) -> Stops:
    """Return what billing served to two test accounts and should have refused. Raises Unknown for another refusal."""
    billing = test_accounts(environment)
    names = list(Billing.model_fields)
    return Stops(len(names), [name for name in names if not _refused(http, name, getattr(billing, name))])


def _refused(http: Http, name: str, stop: Stop) -> bool:
    answer = http.get(stop.path, token=stop.token)
    if answer.status in stop.refused_with:
        return True
    if 200 <= answer.status < 300:  # noqa: PLR2004  any success, RFC 9110
        return False
    raise Unknown(
        f"{answer.url} answered {answer.status} to the test account of billing.{name}",
        f"can it sign in, and is that the path? billing says no with {', '.join(map(str, stop.refused_with))}",
    )
