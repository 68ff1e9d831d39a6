"""What spoils the business on the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

COUNTED = "business_events_total"
LOGINS, PAYMENTS = "business.login_success[agency/logins]", "business.payment_success[agency/payments]"
LEADS, USERS = "business.lead_volume[agency/leads]", "business.active_users[launch400k/active-users]"
REGISTRATIONS = "business.registrations_flow[launch400k/registrations]"
EVENTS = (LOGINS, PAYMENTS, LEADS, REGISTRATIONS)


def _refuse(target: SandboxTarget, event: str, share: float) -> Iterator[None]:
    """Add so many failed events that they make up the share of the last hour's; then forget them."""
    asked = target.monitoring.value(f'sum(increase({COUNTED}{{event="{event}"}}[1h]))')
    failed = target.monitoring.value(f'sum(increase({COUNTED}{{event="{event}",result="failure"}}[1h]))')
    with target.monitoring.spoiling():
        target.front.add(COUNTED, (share * asked - failed) / (1 - share), event=event, result="failure")
        target.monitoring.settle()
        yield


@fault("postlaunch", turns={LOGINS: "fail"})
def logins_refused(target: SandboxTarget) -> Iterator[None]:
    """11 % of the last hour's logins were refused."""
    yield from _refuse(target, "login", 0.11)


@fault("postlaunch", turns={PAYMENTS: "fail"})
def payments_declined(target: SandboxTarget) -> Iterator[None]:
    """6 % of the last hour's payments were declined."""
    yield from _refuse(target, "payment", 0.06)


@fault("postlaunch", turns={LEADS: "fail"}, retells=True)
def leads_fewer(target: SandboxTarget) -> Iterator[None]:
    """Since an hour three quarters of the usual leads arrive; the traffic is as always."""
    target.front.lately["lead"] = 0.75
    target.monitoring.again()
    yield
    target.front.lately.clear()
    target.monitoring.again()


@fault("smoke", "postlaunch", turns={REGISTRATIONS: "fail"}, retells=True)
def registrations_stopped(target: SandboxTarget) -> Iterator[None]:
    """Nobody has registered for an hour."""
    target.front.lately["registration"] = 0.0
    target.monitoring.again()
    yield
    target.front.lately.clear()
    target.monitoring.again()


@fault("postlaunch", turns=turning("unknown", *EVENTS))
def events_not_a_number(target: SandboxTarget) -> Iterator[None]:
    """The counter of logins, payments, leads and registrations is NaN."""
    with target.monitoring.spoiling():
        target.front.not_a_number.add(COUNTED)
        target.monitoring.settle()
        yield
        target.front.not_a_number.clear()


@fault("preflight", "postlaunch", turns={USERS: "fail"})
def too_few_users(target: SandboxTarget) -> Iterator[None]:
    """No more than 19,999 users have ever been active at once."""
    target.front.active_users = 19_999
    target.monitoring.settle()
    yield
    target.front.active_users = 21_500
    target.monitoring.settle()


BILLING = "business.billing_enforced[playbook/billing-enforced]"


@fault("preflight", "smoke", turns={BILLING: "fail"})
def hard_limit_ignored(target: SandboxTarget) -> Iterator[None]:
    """An account that has used up its plan is served on."""
    target.service.billing.hard_limits = False
    yield
    target.service.billing.hard_limits = True


@fault("preflight", "smoke", turns={BILLING: "unknown"})
def billing_accounts_locked(target: SandboxTarget) -> Iterator[None]:
    """The test accounts cannot sign in: that nothing is served says nothing of billing."""
    target.service.billing.locked = True
    yield
    target.service.billing.locked = False
