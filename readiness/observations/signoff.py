"""What the sign-off rests on: approvals, reviewed incidents, the burden of the week, published pages."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum

from readiness.environment.schema import Environment, Reading
from readiness.environment.service_levels import Window
from readiness.errors import nearest
from readiness.observations import known_reading, observation
from readiness.observations.incidents import IncidentReview
from readiness.observations.needs import figures, need
from readiness.observations.slo import Span
from readiness.outcomes import NotConfigured, Unknown
from readiness.runbook.attestations import Attestation
from readiness.runbook.sign_off import SignOff, path_name, same_name
from readiness.slo.events import times
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
    "Span",
    "SupportVolume",
]

AUDIT_TRAIL = known_reading(
    "audit_trail",
    "the audit trail (columns at, actor, action, by_hand)",
    Reading(sql="select at, actor, action, by_hand from audit_trail where at > now() - interval '90 days'"),
)
WEEK = timedelta(days=7)
AHEAD = timedelta(days=1)
"""Whoever writes a date may live where it is tomorrow already."""
TOLD = 5
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
    """Read the approvals, and hold each against the launch and the others."""
    if sign_off is None:
        name = path_name(environment.environment, environment.sign_off)
        raise Unknown(f"nobody has approved anything: there is no {name}", f"write {name} beside the environment file")
    known = {same_name(one.role): one for one in sign_off.approvals}
    wanted = [known[same_name(role)] for role in roles if same_name(role) in known]
    people = [same_name(one.name) for one in wanted]
    several = sorted({one.name for one in wanted if people.count(same_name(one.name)) > 1})
    begin, end = (launch_at.date() if launch_at else None), (moment + AHEAD).date()
    return Approvals(
        given=[f"{one.role}: {one.name}, {one.approved_on}" for one in wanted],
        missing=[_missing(role, sign_off) for role in roles if same_name(role) not in known],
        several_roles=[] if sign_off.one_person_for_several_roles else several,
        misdated=[
            f"{one.role} on {one.approved_on}"
            for one in wanted
            if one.approved_on > end or (begin and one.approved_on < begin)
        ],
    )


def _missing(role: str, sign_off: SignOff) -> str:
    near = nearest(role, [one.role for one in sign_off.approvals])
    return f"{role} (the file has {near!r})" if near else role


@dataclass(frozen=True)
class Interventions:
    """What was done by hand in a window."""

    window: str
    found: list[str]

    @property
    def told(self) -> str:
        """Name the first of them."""
        more = f" and {len(self.found) - TOLD} more" if len(self.found) > TOLD else ""
        return f" ({'; '.join(self.found[:TOLD])}{more})" if self.found else ""


@observation(needs=AUDIT_TRAIL)
def interventions(readings: Readings, moment: datetime, window: str) -> Interventions:
    """List what somebody did by hand; only a trail that reaches back far enough can say that nobody did."""
    rows = readings.rows(AUDIT_TRAIL, "at", "actor", "action", "by_hand")
    since = moment - parse_span(window)
    found: list[tuple[datetime, str]] = []
    begins = None
    for row in rows:
        at = readings.as_instant(AUDIT_TRAIL, row["at"], "at")
        begins = min(begins, at) if begins else at
        if not isinstance(row["by_hand"], bool):
            raise Unknown(f"readings.audit_trail: by_hand is {row['by_hand']!r}", "answer true or false")
        if row["by_hand"] and since <= at <= moment:
            found.append((at, f"{at:%Y-%m-%d %H:%M}Z {row['actor']}: {row['action']}"))
    if begins is None or (begins > since and not found):
        told = f"begins {begins:%Y-%m-%d %H:%M}Z" if begins else "is empty"
        raise Unknown(
            f"the audit trail {told}, and the window {since:%Y-%m-%d %H:%M}Z",
            "does the service write it? let it reach back further, deployments and jobs included",
        )
    return Interventions(window, [told for _, told in sorted(found)])


@dataclass(frozen=True)
class Pages:
    """How often somebody was paged."""

    window: str
    count: float

    @property
    def per_week(self) -> float:
        """The pages of a week."""
        return self.count / (parse_span(self.window) / WEEK)


@observation(needs=figures("count"))
def pages(levels: Levels, of: str, window: str) -> Pages:
    """Count the pages of a window."""
    return Pages(window, levels.occurrences(of, Window(window)))


@dataclass(frozen=True)
class SupportVolume:
    """The requests for support of a window, and of as many earlier ones; None where those are not on record."""

    window: str
    now: float
    before: tuple[float | None, ...]

    @property
    def usual(self) -> float:
        """How many an earlier window had on average. Raises Unknown where none is known."""
        known = [count for count in self.before if count is not None]
        if not known or not any(known):
            raise Unknown(
                f"no earlier {self.window} has support requests on record, so nothing is known to be normal",
                "wait until there is a history, or correct the query of service_levels.support_requests",
            )
        return fsum(known) / len(known)

    def times(self, floor: float) -> float:
        """How many times the usual number; below the floor all is alike. Raises Unknown."""
        return times(self.now, self.usual, floor)


@observation(needs=figures("count"))
def support_volume(levels: Levels, of: str, window: str, windows_before: int) -> SupportVolume:
    """Count the requests for support, now and in the windows before."""
    seconds = parse_span(window).total_seconds()
    now = levels.occurrences(of, Window(window))
    ago = [f"{seconds * number:.0f}s" for number in range(1, windows_before + 1)]
    return SupportVolume(window, now, tuple(_earlier(levels, of, Window(window, offset)) for offset in ago))


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
    """Open each page: it must be there and hold its title, which the page of a sign-in does not."""
    wanted = published_pages(environment)
    return Documentation([*wanted], list(_unpublished(http, wanted)))


def _unpublished(http: Http, wanted: dict[str, str]) -> Iterator[str]:
    for title, url in wanted.items():
        answer = http.get(url)
        if answer.status in GONE:
            yield f"{title}: {url} answered {answer.status}"
        elif same_name(title) not in same_name(html.unescape(answer.expect(200).text())):
            yield f"{title}: {url} does not hold its title"
