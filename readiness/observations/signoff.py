"""What the sign-off rests on: approvals, reviewed incidents, the burden of the week, published pages."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import fsum

from readiness.environment.schema import Environment
from readiness.environment.service_levels import Window
from readiness.errors import nearest
from readiness.observations import known_reading, observation
from readiness.observations.attestations import Promptness
from readiness.observations.incidents import IncidentReview
from readiness.observations.needs import Since, figures, launch_meant, need
from readiness.observations.slo import Span, WindowLimits, launch_window, occurrences_in
from readiness.observations.told import why_some_is_left_out
from readiness.outcomes import NotConfigured, Unknown
from readiness.provenance import FromFile, Word, note
from readiness.runbook.approvers import Approvers
from readiness.runbook.attestations import Attestation
from readiness.runbook.limits import Reach, WholeReach
from readiness.runbook.sign_off import SignOff, path_name, same_name
from readiness.slo.events import times
from readiness.slo.since_launch import WRITE_AGAIN, decided_so_far
from readiness.sources.levels import Levels
from readiness.sources.readings import Readings
from readiness.timeline import parse_span
from readiness.transport.http import Http

__all__ = [
    "Approvals",
    "Attestation",
    "Documentation",
    "IncidentReview",
    "Interventions",
    "Pages",
    "Promptness",
    "Reach",
    "Since",
    "Span",
    "SupportVolume",
    "WholeReach",
]

AUDIT_TRAIL = known_reading("audit_trail", "the audit trail (columns at, actor, action, by_hand)")
WEEK = timedelta(days=7)
AHEAD = timedelta(days=1)
"""Whoever writes a date may live where it is tomorrow already."""
LISTED = 5
"""More interventions than these are counted, not listed."""
GONE = {404, 410}


@dataclass(frozen=True)
class Approvals:
    """Who has approved, and what is the matter with it."""

    given: list[str]
    missing: list[str]
    """The roles that have not approved."""
    several_roles: list[str]
    """Who approved for several roles though nobody says why one person may."""
    misdated: list[str]
    """Approvals from before the launch, or from a day that has not come."""


@observation
def approvals(
    sign_off: SignOff | None,
    environment: Environment,
    moment: datetime,
    launch_at: datetime | None,
    roles: tuple[str, ...],
) -> Approvals:
    """Return the approvals of the roles, and what is the matter with them."""
    if sign_off is None:
        name = path_name(environment.environment, environment.sign_off)
        raise Unknown(f"nobody has approved anything: there is no {name}", f"write {name} beside the environment file")

    by_role = {same_name(approval.role): approval for approval in sign_off.approvals}
    given = [by_role[same_name(role)] for role in roles if same_name(role) in by_role]
    note(FromFile(path_name(environment.environment, environment.sign_off)))
    for approval in given:
        note(Word(approval.name, str(approval.approved_on)))

    several_roles: list[str] = []
    if not sign_off.one_person_for_several_roles:
        names = [approval.name for approval in given]
        is_same = Approvers(environment.approvers).same
        several_roles = sorted({name for name in names if sum(is_same(name, other) for other in names) > 1})

    first_day = launch_at.date() if launch_at else date.min
    last_day = (moment + AHEAD).date()
    misdated = [approval for approval in given if not first_day <= approval.approved_on <= last_day]

    return Approvals(
        given=[f"{approval.role}: {approval.name}, {approval.approved_on}" for approval in given],
        missing=[_missing(role, sign_off) for role in roles if same_name(role) not in by_role],
        several_roles=several_roles,
        misdated=[f"{approval.role} on {approval.approved_on}" for approval in misdated],
    )


def _missing(role: str, sign_off: SignOff) -> str:
    near = nearest(role, [approval.role for approval in sign_off.approvals])
    return f"{role} (the file has {near!r})" if near else role


@dataclass(frozen=True)
class Interventions:
    """What was done by hand in a window."""

    window: str
    found: list[str]
    unseen: str = ""
    """Why there may be more: the window is not over, or the trail begins or ends within it. Empty where it is all."""

    def against(self, at_most: float) -> float:
        """Return how many there are, where that decides. Raises Unknown for few where there may be more."""
        return decided_so_far(len(self.found), self.unseen, is_broken=len(self.found) > at_most)

    @property
    def summary(self) -> str:
        """The first of them in brackets, after a space; empty where there are none."""
        if not self.found:
            return ""
        listed = "; ".join(self.found[:LISTED])
        if len(self.found) > LISTED:
            listed += f" and {len(self.found) - LISTED} more"
        return f" ({listed})"


@observation(needs=(AUDIT_TRAIL, launch_meant))
def interventions(
    readings: Readings, moment: datetime, launch_at: datetime | None, window: str, since: Since | None
) -> Interventions:
    """Return what was done by hand in a window; only a trail that reaches back far enough can say that nothing was."""
    of_launch = launch_window(window, since, launch_at, moment)
    if of_launch:
        of_launch.require_begun()
    begin = of_launch.begins if of_launch else moment - parse_span(window)
    unfinished = of_launch.unfinished if of_launch else ""
    left_out = why_some_is_left_out(readings, AUDIT_TRAIL, of_launch.over_at) if of_launch else ""

    times: list[datetime] = []
    by_hand: list[tuple[datetime, str]] = []
    for row in readings.rows(AUDIT_TRAIL, "at", "actor", "action", "by_hand"):
        at = readings.as_instant(AUDIT_TRAIL, row["at"], "at")
        times.append(at)
        if not isinstance(row["by_hand"], bool):
            raise Unknown(f"readings.audit_trail: by_hand is {row['by_hand']!r}", "answer true or false")
        if row["by_hand"] and begin <= at <= moment:
            by_hand.append((at, f"{at:%Y-%m-%d %H:%M}Z {row['actor']}: {row['action']}"))

    # What is on record counts, however short the record is; that nothing is on record needs a whole one.
    gap = _gap_of_trail(min(times, default=None), begin)
    if gap and not by_hand:
        raise Unknown(gap, "does the service write it? let it reach back further, deployments and jobs included")
    if left_out and not (unfinished or by_hand):
        raise Unknown(left_out, WRITE_AGAIN)
    return Interventions(window, [text for _, text in sorted(by_hand)], unfinished or gap or left_out)


def _gap_of_trail(first: datetime | None, begin: datetime) -> str:
    """Return what of a window that begins then is not on record; empty where all of it is."""
    if first is None:
        return f"the audit trail is empty, and the window begins {begin:%Y-%m-%d %H:%M}Z"
    if first <= begin:
        return ""
    return f"the audit trail begins {first:%Y-%m-%d %H:%M}Z, and the window {begin:%Y-%m-%d %H:%M}Z"


@dataclass(frozen=True)
class Pages:
    """How often somebody was paged."""

    window: str
    count: float
    unfinished: str = ""
    """Why the window is not over; empty where it is."""

    @property
    def per_week(self) -> float:
        """How many there are in a week, at this rate; in a window that is not over so many at least."""
        return self.count / (parse_span(self.window) / WEEK)

    def per_week_against(self, below: float) -> float:
        """Return how many there are in a week, where that decides. Raises Unknown for few in an unfinished window."""
        return decided_so_far(self.per_week, self.unfinished, is_broken=self.per_week >= below)


@observation(needs=(figures("count"), launch_meant))
def pages(levels: Levels, moment: datetime, launch_at: datetime | None, limits: WindowLimits) -> Pages:
    """Return how many pages there were in a window."""
    return Pages(limits.window, *occurrences_in(levels, limits, launch_at, moment))


@dataclass(frozen=True)
class SupportVolume:
    """The requests for support of a window, and of as many earlier ones; None where those are not on record."""

    window: str
    now: float
    before: tuple[float | None, ...]
    unfinished: str = ""
    """Why the window is not over; empty where it is."""

    @property
    def usual(self) -> float:
        """The mean of the earlier windows that are on record. Raises Unknown where they have no request at all."""
        on_record = [count for count in self.before if count is not None]
        if not any(on_record):
            raise Unknown(
                f"no earlier {self.window} has support requests on record, so nothing is known to be normal",
                "wait until there is a history, or correct the query of service_levels.support_requests",
            )
        return fsum(on_record) / len(on_record)

    def times(self, floor: float, at_most: float) -> float:
        """Return how many times the usual number there are now; below the floor all is alike. Raises Unknown.

        Also for few in a window that is not over.
        """
        so_far = times(self.now, self.usual, floor)
        return decided_so_far(so_far, self.unfinished, is_broken=so_far > at_most)


@dataclass(frozen=True)
class VolumeLimits(WindowLimits):
    """What a line asks about, and how many earlier windows say what is usual."""

    windows_before: int


@observation(needs=(figures("count"), launch_meant))
def support_volume(levels: Levels, moment: datetime, launch_at: datetime | None, limits: VolumeLimits) -> SupportVolume:
    """Return the requests for support of the window that ends now, and of as many windows before it.

    Where the line counts from the launch, those end at the launch: what came with it is not what was usual before.
    """
    now, unfinished = occurrences_in(levels, limits, launch_at, moment)

    seconds = parse_span(limits.window).total_seconds()
    of_launch = limits.since_launch(launch_at, moment)
    first_ended = (of_launch.now - of_launch.launch_at).total_seconds() if of_launch else seconds
    offsets = [f"{math.ceil(first_ended + seconds * number)}s" for number in range(limits.windows_before)]
    before = tuple(_earlier(levels, limits.of, Window(limits.window, offset)) for offset in offsets)
    return SupportVolume(limits.window, now, before, unfinished)


def _earlier(levels: Levels, of: str, window: Window) -> float | None:
    try:
        return levels.occurrences(of, window)
    except NotConfigured:
        raise
    except Unknown:  # the record does not reach back so far
        return None


@dataclass(frozen=True)
class Documentation:
    """The pages that must be published, and those that are not."""

    pages: list[str]
    missing: list[str]


@need("documentation")
def published_pages(environment: Environment) -> dict[str, str]:
    """Return the title and the address of each page that must be published. Raises NotConfigured."""
    if not environment.documentation:
        raise NotConfigured("no page of documentation is named", "set documentation in the environment file")
    return environment.documentation


@observation(needs=published_pages)
def documentation(http: Http, environment: Environment) -> Documentation:
    """Return the pages of the documentation, and those that are not there or do not hold their title."""
    wanted = published_pages(environment)
    return Documentation([*wanted], list(_unpublished(http, wanted)))


def _unpublished(http: Http, wanted: dict[str, str]) -> Iterator[str]:
    for title, url in wanted.items():
        answer = http.get(url)
        if answer.status in GONE:
            yield f"{title}: {url} answered {answer.status}"
            continue

        # By the title: a page to sign in, or one that says "not found", comes with status 200 too.
        text = html.unescape(answer.expect(200, asked=f"the request for the page {title!r}").text())
        if same_name(title) not in same_name(text):
            yield f"{title}: {url} does not hold its title"
