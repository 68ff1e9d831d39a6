"""Somebody is there: who is called, who is called next, and each can be reached and knows what to do."""

import pytest

from readiness import Limits, Measure
from readiness.observations.team import Contact, Contacts, EscalationPath, LevelOnCall, Reach, Standby, When


class OnCall(Limits):
    hours_before: float = 1  # the launch, until these hours after it
    hours_after: Reach = 24
    window: When  # launch, or now: whoever is on call from this moment on, where the launch is no longer ahead

    @property
    def hours(self) -> str:
        """The hours, as part of a measurement's name."""
        around = f"from {self.hours_before:g} h before the launch to {self.hours_after:g} h after it"
        return around if self.window == "launch" else f"from now to {self.hours_after:g} h from now"


class First(OnCall):
    backed_up: tuple[str, ...] = ()  # roles with somebody who stands in


class Path(Limits):
    levels_at_least: int
    minutes: tuple[float, ...] = ()  # that each level has before the next is asked
    # Kind of issue → when it is escalated.
    minutes_for: dict[str, float] = {}  # noqa: RUF012  pydantic copies it


class Verified(Limits):
    days_at_most: float


class Vendors(Limits):
    days_at_most: float
    vendors: tuple[str, ...] = ()


class Reviewed(Limits):
    days_at_most: float


class Access(Limits):
    days_at_most: float


class OnStandby(Limits):
    people_at_least: int


class OfRole(Verified):
    role: str  # as the roster calls it


@pytest.mark.preflight
def test_primary_on_call(primary_on_call: LevelOnCall, limits: First, measure: Measure) -> None:
    """Somebody is called first at every hour of the launch, or from now on, and it is whom the roster names.

    Remedy: fill the gap in the schedule, or correct the roster: both must say the same.
    """
    measure(primary_on_call.wrong, "what is wrong with the roster").is_none_of_them()
    measure(primary_on_call.gaps, f"when nobody is called first, {limits.hours}").is_none_of_them()
    measure(primary_on_call.contradictions, "the roster against PagerDuty").is_none_of_them()
    measure(len(primary_on_call.people), "people who are called first", "people").at_least(1)


@pytest.mark.preflight
def test_secondary_on_call(secondary_on_call: LevelOnCall, limits: OnCall, measure: Measure) -> None:
    """Somebody else is called next at every hour of the launch, or from now on, and it is whom the roster names.

    Remedy: fill the gap in the schedule, or put another person on the second level.
    """
    measure(secondary_on_call.wrong, "what is wrong with the roster's secondary on-call").is_none_of_them()
    measure(secondary_on_call.gaps, f"when nobody is called next, {limits.hours}").is_none_of_them()
    measure(secondary_on_call.shared, "when the one called next is the one called first").is_none_of_them()
    measure(secondary_on_call.contradictions, "the roster against PagerDuty").is_none_of_them()
    measure(len(secondary_on_call.people), "people who are called next", "people").at_least(1)


@pytest.mark.preflight
def test_escalation_path(escalation_path: EscalationPath, limits: Path, measure: Measure) -> None:
    """An unanswered call goes on to somebody else, in time.

    Remedy: correct the escalation policy, or the roster: both must say the same.
    """
    measure(escalation_path.wrong, "what is wrong with the path").is_none_of_them()

    # A line that states the minutes of three levels wants three levels.
    levels = max(limits.levels_at_least, len(limits.minutes))
    measure(escalation_path.levels, "levels of the escalation", "levels").at_least(levels)
    measure(escalation_path.late, "levels that are asked too late").is_none_of_them()
    measure(escalation_path.contradictions, "the roster against PagerDuty").is_none_of_them()


@pytest.mark.preflight
def test_contacts_verified(team_contacts: Contacts, limits: Verified, measure: Measure) -> None:
    """Everybody on the roster was reached lately under the contact that stands there.

    Remedy: call each that is named, correct the contact, and write the day of it as `verified`.
    """
    measure(team_contacts.count, "people on the roster", "people").at_least(1)
    measure(team_contacts.wrong, "contacts that are of no use").is_none_of_them()
    measure(team_contacts.stale, f"contacts not verified for {limits.days_at_most:g} days").is_none_of_them()


@pytest.mark.preflight
def test_vendor_contacts(vendor_contacts: Contacts, limits: Vendors, measure: Measure) -> None:
    """It is on record how each vendor is reached in an emergency.

    Remedy: write each vendor's emergency contact under team.vendors, and the day when it was verified.
    """
    measure(vendor_contacts.count, "vendors on record", "vendors").at_least(1)
    measure(vendor_contacts.wrong, "vendors' contacts that are of no use").is_none_of_them()
    measure(vendor_contacts.stale, f"contacts not verified for {limits.days_at_most:g} days").is_none_of_them()


@pytest.mark.preflight
def test_runbook_reviewed(runbook_readers: Contacts, limits: Reviewed, measure: Measure) -> None:
    """Every team member has read the runbook lately.

    Remedy: let each that is named read it, and write the day of it as `runbook_reviewed`.
    """
    measure(runbook_readers.wrong, "who has not read the runbook").is_none_of_them()
    measure(runbook_readers.stale, f"who has not read it for {limits.days_at_most:g} days").is_none_of_them()


@pytest.mark.preflight
def test_credentials_verified(access_holders: Contacts, limits: Access, measure: Measure) -> None:
    """Every team member has lately signed in to all that they need on the day.

    Remedy: let each that is named sign in everywhere, and write the day of it as `access_verified`.
    """
    measure(access_holders.wrong, "whose access has not been verified").is_none_of_them()
    measure(access_holders.stale, f"whose access was not verified for {limits.days_at_most:g} days").is_none_of_them()


@pytest.mark.preflight
def test_on_standby(standby: Standby, limits: OnStandby, measure: Measure) -> None:
    """At the launch each level of the escalation pages somebody.

    Remedy: fill the schedule of the level, and give whoever is on it a telephone or the app in PagerDuty.
    """
    measure(standby.silent, "levels that page nobody at the launch").is_none_of_them()
    measure(len(standby.people), "people who are paged at the launch", "people").at_least(limits.people_at_least)


@pytest.mark.preflight
def test_database_specialist(role_contact: Contact, limits: OfRole, measure: Measure) -> None:
    """A database specialist stands by.

    Remedy: name one under team.roles, reach them, and write the day of it as `verified`.
    """
    measure(role_contact.wrong, f"what is wrong with the {limits.role}").is_none_of_them()
    measure(role_contact.days, "days since they were reached", "days").at_most(limits.days_at_most)


@pytest.mark.preflight
def test_role_contact(role_contact: Contact, limits: OfRole, measure: Measure) -> None:
    """Whoever has the role that the line names can be reached.

    Remedy: name one under team.roles, reach them, and write the day of it as `verified`.
    """
    measure(role_contact.wrong, f"what is wrong with the {limits.role}").is_none_of_them()
    measure(role_contact.days, "days since they were reached", "days").at_most(limits.days_at_most)


@pytest.mark.preflight
def test_executive_contacts(role_contact: Contact, limits: OfRole, measure: Measure) -> None:
    """An executive can be reached.

    Remedy: name one under team.roles, reach them, and write the day of it as `verified`.
    """
    measure(role_contact.wrong, f"what is wrong with the {limits.role}").is_none_of_them()
    measure(role_contact.days, "days since they were reached", "days").at_most(limits.days_at_most)


@pytest.mark.preflight
def test_security_contact(role_contact: Contact, limits: OfRole, measure: Measure) -> None:
    """Somebody for matters of security can be reached.

    Remedy: name one under team.roles, reach them, and write the day of it as `verified`.
    """
    measure(role_contact.wrong, f"what is wrong with the {limits.role}").is_none_of_them()
    measure(role_contact.days, "days since they were reached", "days").at_most(limits.days_at_most)


@pytest.mark.preflight
def test_status_page_admin(role_contact: Contact, limits: OfRole, measure: Measure) -> None:
    """Somebody who may write to the status page can be reached.

    Remedy: name one under team.roles, reach them, and write the day of it as `verified`.
    """
    measure(role_contact.wrong, f"what is wrong with the {limits.role}").is_none_of_them()
    measure(role_contact.days, "days since they were reached", "days").at_most(limits.days_at_most)
