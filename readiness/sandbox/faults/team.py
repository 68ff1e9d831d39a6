"""What is wrong with the people of a launch: nobody on call, one person for everything, contacts of no use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.vendors.pagerduty import ADA, MAIN, SECURITY, Shift

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

_OTHERS = ("agency/emergency-contacts", "playbook/contacts", "umbrella/on-call-rotation")
OF_A_LAUNCH = 2
"""So many of these lines are of a launch; the others ask who is on call now."""
PRIMARY = tuple(f"team.primary_on_call[{line}]" for line in ("primary-on-call", "launch400k/primary", *_OTHERS))
SECONDARY = tuple(
    f"team.secondary_on_call[{line}]" for line in ("secondary-on-call", "launch400k/backup-engineer", *_OTHERS)
)
PATH = tuple(
    f"team.escalation_path[{line}]"
    for line in ("escalation-path", "launch400k/escalation-understood", "umbrella/escalation")
)
MATRIX = "team.escalation_path[agency/escalation-matrix]"
CONTACTS = "team.contacts_verified[contacts-verified]"
VENDORS = tuple(f"team.vendor_contacts[{book}/vendor-contacts]" for book in ("agency", "launch400k", "umbrella"))
"""All that are on record are looked at by each."""
ROLES = {
    "database specialist": "team.database_specialist[launch400k/database-specialist]",
    "executive": "team.executive_contacts[agency/emergency-contacts]",
    "status-page admin": "team.status_page_admin[playbook/contacts]",
    "security contact": "team.security_contact[playbook/contacts]",
    "engineering lead": "team.role_contact[leads-reachable:engineering lead]",
    "SRE lead": "team.role_contact[leads-reachable:SRE lead]",
    "product manager": "team.role_contact[launch400k/product-manager]",
}
READ = "team.runbook_reviewed[launch400k/runbook-reviewed]"
ACCESS = "team.credentials_verified[launch400k/credentials-verified]"
STANDBY = "team.on_standby[launch400k/go-team]"


@fault("preflight", turns=turning("fail", *PRIMARY))
def on_call_gap(target: SandboxTarget) -> Iterator[None]:
    """The handover of the first level is missed: for two hours of the launch nobody has it."""
    shift = target.office.pagerduty.shifts[1]
    before = shift.start
    shift.start = before + timedelta(hours=2) if before else None
    yield
    shift.start = before


@fault("preflight", turns=turning("fail", *PRIMARY[:OF_A_LAUNCH]))
def on_call_since_a_minute(target: SandboxTarget) -> Iterator[None]:
    """Nobody had the first level in the hour before the launch; since a minute somebody has: enough for every day."""
    shift = target.office.pagerduty.shifts[0]
    before, shift.start = shift.start, datetime.now(UTC) - timedelta(minutes=1)
    yield
    shift.start = before


@fault("preflight", turns=turning("fail", *SECONDARY, STANDBY))
def one_person_on_all_levels(target: SandboxTarget) -> Iterator[None]:
    """Whoever does not answer is asked again, as the second level and as the third."""
    pagerduty = target.office.pagerduty
    before = pagerduty.shifts
    primary = before[:2]
    secondary = [Shift(2, shift.user, shift.start, shift.end) for shift in primary]
    pagerduty.shifts = [*primary, *secondary, Shift(3, ADA)]
    yield
    pagerduty.shifts = before


@fault("preflight", turns=turning("fail", *PRIMARY))
def roster_of_last_month(target: SandboxTarget) -> Iterator[None]:
    """The roster names somebody who has left the rota; PagerDuty pages others."""
    with target.office.rewritten() as (roster, _):
        roster["roles"]["primary on-call"]["name"] = "Kurt Goedel"
        target.office.write()
        yield


@fault("preflight", turns=turning("fail", *PRIMARY, *PATH, MATRIX, CONTACTS))
def placeholder_contact(target: SandboxTarget) -> Iterator[None]:
    """The number of the primary on-call is still to come."""
    with target.office.rewritten() as (roster, _):
        roster["roles"]["primary on-call"]["contact"] = "+1-555-0100"
        target.office.write()
        yield


@fault("preflight", turns=turning("fail", *ROLES.values(), *VENDORS, CONTACTS))
def contacts_of_last_spring(target: SandboxTarget) -> Iterator[None]:
    """Nobody has tried the contacts of some roles and of a vendor for 200 days."""
    with target.office.rewritten() as (roster, _):
        then = str((datetime.now(UTC) - timedelta(days=200)).date())
        for entry in (*(roster["roles"][role] for role in ROLES), roster["vendors"]["stripe"]):
            entry["verified"] = then
        target.office.write()
        yield


@fault("preflight", turns=turning("fail", READ, ACCESS))
def newcomer(target: SandboxTarget) -> Iterator[None]:
    """Somebody joined the team who has neither read the runbook nor signed in anywhere."""
    with target.office.rewritten() as (roster, _):
        lately = roster["roles"]["executive"]["verified"]
        roster["roles"]["scribe"] = {"name": "Mary Kenneth Keller", "contact": "#launch", "verified": lately}
        target.office.write()
        yield


@fault("preflight", turns=turning("fail", *PATH, MATRIX))
def escalation_slowed(target: SandboxTarget) -> Iterator[None]:
    """PagerDuty waits 45 and 20 minutes where the roster says 15 and 5."""
    minutes = target.office.pagerduty.minutes
    before = dict(minutes)
    minutes |= {MAIN: [45, 30, 60], SECURITY: [20, 30]}
    yield
    minutes |= before


@fault("preflight", turns=turning("fail", CONTACTS, STANDBY))
def reached_by_mail_only(target: SandboxTarget) -> Iterator[None]:
    """PagerDuty has no telephone of whoever is called first, only a mail address."""
    target.office.pagerduty.mail_only.add(ADA)
    yield
    target.office.pagerduty.mail_only.clear()


@fault("preflight", turns=turning("unknown", *PRIMARY, *SECONDARY, *PATH, MATRIX, CONTACTS, STANDBY))
def pagerduty_denied(target: SandboxTarget) -> Iterator[None]:
    """The probe's key was revoked."""
    pagerduty = target.office.pagerduty
    before, pagerduty.token = pagerduty.token, "u+of-somebody-else"
    yield
    pagerduty.token = before


@fault(
    "preflight",
    turns=turning("unknown", *PRIMARY, *SECONDARY, *PATH, MATRIX, CONTACTS, *VENDORS, *ROLES.values(), READ, ACCESS)
    | {"release.stakeholders_approve[stakeholder-approval]": "unknown"},
)
def roster_unreadable(target: SandboxTarget) -> Iterator[None]:
    """The roster was saved half."""
    path = target.office.folder / "team.json"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[: len(whole) // 2], encoding="utf-8")
    yield
    path.write_text(whole, encoding="utf-8")
