"""What clients report, and nobody looks at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.signoff import INCIDENTS
from readiness.sandbox.vendors.tickets import Issue

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

COMPLAINTS = tuple(f"support.no_open_complaints[{line}]" for line in ("client-complaints", "agency/customer-impact"))
TRIAGED = "support.triaged[playbook/triage]"


@fault("postlaunch", turns=turning("fail", *COMPLAINTS))
def complaint_unanswered(target: SandboxTarget) -> Iterator[None]:
    """A client has complained, and nobody has answered."""
    issues = target.channels.tickets.issues
    issues.append(Issue("My uploads are gone", ("complaint",)))
    yield
    issues.pop()


@fault("postlaunch", turns={TRIAGED: "fail"})
def ticket_untriaged(target: SandboxTarget) -> Iterator[None]:
    """A security event has waited for a day and an hour, and is on the second page of its list."""
    issues = target.channels.tickets.issues
    more = [Issue(f"Event {number}", ("security", "P4")) for number in range(2)]
    issues += [*more, Issue("A token in a public place", ("security",), comments=3, hours_old=25.0)]
    yield
    del issues[-3:]


@fault("postlaunch", "ga", turns=turning("unknown", *COMPLAINTS, TRIAGED, *INCIDENTS))
def tracker_denied(target: SandboxTarget) -> Iterator[None]:
    """The token of the tracker has expired, which has support's tickets and incident reports."""
    tickets = target.channels.tickets
    before, tickets.token = tickets.token, "github_pat_of_somebody_else"
    yield
    tickets.token = before
