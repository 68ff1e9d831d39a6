"""People log in, pay, ask and register."""

import pytest

from readiness import Limits, Measure, Share
from readiness.observations.business import Events, Stops, Usual


class LoginSuccess(Limits):
    share_at_least: Share


class PaymentSuccess(Limits):
    share_at_least: Share


class LeadVolume(Limits):
    share_of_baseline_at_least: float


class RegistrationsFlow(Limits):
    registrations_at_least: int


class ActiveUsers(Limits):
    users_at_least: int


@pytest.mark.postlaunch
def test_login_success(logins: Events, limits: LoginSuccess, measure: Measure) -> None:
    """Most logins of the last hour succeed.

    Remedy: is the identity provider up? else read the log's refused logins: wrong passwords, or one client?
    """
    succeeded = logins.rest(limits.share_at_least)
    measure(succeeded, f"share succeeded of {logins.basis(1 - limits.share_at_least)}").at_least(limits.share_at_least)


@pytest.mark.postlaunch
def test_payment_success(payments: Events, limits: PaymentSuccess, measure: Measure) -> None:
    """Most payments of the last hour succeed.

    Remedy: look at the payment provider's status page, then at the declined payments' codes.
    """
    succeeded = payments.rest(limits.share_at_least)
    measure(succeeded, f"share succeeded of {payments.basis(1 - limits.share_at_least)}").at_least(
        limits.share_at_least
    )


@pytest.mark.postlaunch
def test_lead_volume(usual_leads: Usual, limits: LeadVolume, measure: Measure) -> None:
    """Lead forms arrive about as often as in the same hour a day and a week ago.

    Remedy: send the form yourself; then look at the traffic of the page that shows it.
    """
    name = f"share of the usual leads, {usual_leads.now:,.0f} in the last hour"
    measure(usual_leads.share, name).at_least(limits.share_of_baseline_at_least)


@pytest.mark.smoke
@pytest.mark.postlaunch
def test_registrations_flow(registrations: float, limits: RegistrationsFlow, measure: Measure) -> None:
    """Users register.

    Remedy: register yourself, with an address of your own; does the confirmation arrive?
    """
    measure(registrations, "registrations in the last hour").at_least(limits.registrations_at_least)


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_active_users(active_users: float, limits: ActiveUsers, measure: Measure) -> None:
    """So many users have been active at once, in a rehearsal or for real.

    Remedy: rehearse with as many users as the launch will bring.
    """
    measure(active_users, "most users active at once", "users").at_least(limits.users_at_least)


@pytest.mark.preflight
@pytest.mark.smoke
def test_billing_enforced(billing_stops: Stops, measure: Measure) -> None:
    """Billing is enforced: neither an account at its hard limit nor one without a plan is served.

    Remedy: is enforcement switched on for this environment? look at what the plan of the test account says.
    """
    measure(billing_stops.served, f"of {billing_stops.asked} stops, let through").is_none_of_them()
