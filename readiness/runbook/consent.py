"""Consent: what the approval of a launch needs beside the lines. A launch that was, phases before it that are well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from readiness.outcomes import Phase
from readiness.runbook.sign_off import SignOff
from readiness.timeline import has_come

SKEW = timedelta(minutes=1)
"""So far two clocks may be apart."""


@dataclass(frozen=True)
class PhaseStanding:
    """How a phase before the last one stands on this target, by its newest run."""

    phase: Phase
    is_good: bool
    says: str
    """Its verdict and its run, or why there is none."""


@dataclass(frozen=True)
class LaunchRecord:
    """What is known of a launch when its last phase is judged."""

    moment: datetime
    """The instant that is judged."""
    launch_at: datetime | None
    phases: tuple[PhaseStanding, ...]
    """The phases before the last one in which the runbooks decide something."""


def lacks(sign_off: SignOff | None, launch: LaunchRecord | None) -> str:
    """Return what to write or to wait for so that people have approved; empty where they have.

    Without the record of the launch, as in older journals, only what people wrote is asked.
    """
    # That nobody has written anything is no consent.
    if sign_off is None:
        return "write the sign-off file"
    if sign_off.decision != "approved":
        return "set decision in the sign-off file"
    # An approval has a name under it.
    if not sign_off.approvals:
        return "name in the sign-off file who approves: approvals"
    return "; ".join(_untimely(sign_off, launch)) if launch else ""


def _untimely(sign_off: SignOff, launch: LaunchRecord) -> Iterator[str]:
    """Yield which dates of a sign-off are none that it can have: of days to come, or from before the launch."""
    for approval in sign_off.approvals:
        who = f"{approval.name} as {approval.role}"
        if not has_come(approval.approved_on, launch.moment):
            yield f"approvals: {who} on {approval.approved_on}, a day that has not come; approve it then"
        elif launch.launch_at and approval.approved_on < launch.launch_at.date():
            yield f"approvals: {who} on {approval.approved_on}, before the launch; approve what is live"

    if sign_off.signed_at and sign_off.signed_at > launch.moment + SKEW:
        yield f"signed_at is {sign_off.signed_at:%Y-%m-%d %H:%M}Z, which has not come"


def held_back(launch: LaunchRecord | None) -> str:
    """Return why a launch cannot be approved yet, whatever people wrote; empty where nothing holds it back."""
    return "; ".join(_reasons(launch)) if launch else ""


def _reasons(launch: LaunchRecord) -> Iterator[str]:
    if launch.launch_at is None:
        yield "nobody knows when the launch was: set launch_at in the environment file"
    elif launch.launch_at > launch.moment + SKEW:
        yield f"the launch is still to come, at {launch.launch_at:%Y-%m-%d %H:%M}Z (launch_at)"

    for standing in launch.phases:
        if not standing.is_good:
            yield f"{standing.phase} {standing.says}"
