"""The launch can be signed off: its week was calm, its incidents are understood, and people have approved."""

import pytest

from readiness import Limits, Measure
from readiness.observations.signoff import (
    Approvals,
    Attestation,
    Documentation,
    IncidentReview,
    Interventions,
    Pages,
    Promptness,
    Reach,
    Since,
    Span,
    SupportVolume,
    WholeReach,
)


class NoManualInterventions(Limits):
    interventions_at_most: int
    window: Span
    since: Since | None = None


class SupportVolumeLimits(Limits):
    times_at_most: float
    requests_floor: float  # fewer a window are alike
    windows_before: WholeReach
    window: Span
    since: Since | None = None
    of: str


class OnCallBurden(Limits):
    pages_per_week_below: float
    window: Span
    since: Since | None = None
    of: str


class IncidentsReviewed(Limits):
    fields: tuple[str, ...]
    days_back: Reach
    hours_at_most: float | None = None  # from an incident's end until its report is written
    since: Since | None = None  # also the incidents since the launch that are older than these days
    within: Span | None = None  # of the first so long after the launch, and their reports are written in it


class PostMortemHeld(Limits):
    within: Span | None = None  # so long after the launch

    @property
    def allowed(self) -> str:
        """The time after the launch, as part of a measurement's name."""
        return self.within or "any time"


class ApprovalsLimits(Limits):
    roles: tuple[str, ...]


@pytest.mark.ga
def test_no_manual_interventions(interventions: Interventions, limits: NoManualInterventions, measure: Measure) -> None:
    """Nobody had to intervene by hand.

    Remedy: automate what was done by hand, or mend its cause; then let the window pass again.
    """
    name = f"interventions by hand in {interventions.window}{interventions.summary}"
    measure(interventions.against(limits.interventions_at_most), name).at_most(limits.interventions_at_most)


@pytest.mark.ga
def test_support_volume(support_volume: SupportVolume, limits: SupportVolumeLimits, measure: Measure) -> None:
    """Customers ask for support about as often as before.

    Remedy: group the requests by cause; what has the launch changed for those who ask?
    """
    usual = f"the usual {support_volume.usual:,.0f} support requests in {support_volume.window}"
    times = support_volume.times(limits.requests_floor, limits.times_at_most)
    measure(times, f"times {usual}, {support_volume.now:,.0f}").at_most(limits.times_at_most)


@pytest.mark.ga
def test_on_call_burden(pages: Pages, limits: OnCallBurden, measure: Measure) -> None:
    """Whoever is on call is seldom paged.

    Remedy: for each page, mend its cause, or correct the alert that nobody had to act on.
    """
    name = f"pages a week, {pages.count:,.0f} in {pages.window}"
    per_week = pages.per_week_against(limits.pages_per_week_below)
    measure(per_week, name).below(limits.pages_per_week_below)


@pytest.mark.postlaunch
@pytest.mark.ga
def test_incidents_reviewed(incident_review: IncidentReview, limits: IncidentsReviewed, measure: Measure) -> None:
    """Each incident has its report, whole and in time.

    Remedy: write what is missing as environments/incident-report.md shows, together with those who were there.
    """
    unreported = f"incidents without a report, of {incident_review.known} known"
    measure(incident_review.unreported, unreported).is_none_of_them()
    measure(incident_review.late, "reports written too late").is_none_of_them()
    measure(incident_review.open, "incidents that have not ended").is_none_of_them()

    fields = ", ".join(limits.fields) or "nothing in particular"
    incomplete = f"reports of {incident_review.reports} that do not tell all of {fields}"
    measure(incident_review.incomplete, incomplete).is_none_of_them()


@pytest.mark.ga
def test_documentation_published(documentation: Documentation, measure: Measure) -> None:
    """The documentation is published.

    Remedy: publish the pages that are named, or correct their addresses under documentation.
    """
    name = f"pages that are not published, of {', '.join(documentation.pages)}"
    measure(documentation.missing, name).is_none_of_them()


@pytest.mark.ga
def test_approvals(approvals: Approvals, limits: ApprovalsLimits, measure: Measure) -> None:
    """All who must approve have, each by a person of their own and since the launch.

    Remedy: let the roles that are named look at the sign-off page and enter their approval beside the environment file.
    """
    roles = ", ".join(limits.roles)
    measure(approvals.missing, f"roles that have not approved, of {roles}").is_none_of_them()
    measure(approvals.misdated, "approvals from before the launch or from the future").is_none_of_them()
    measure(approvals.several_roles, "people who approved for several roles").is_none_of_them()


@pytest.mark.ga
def test_client_feedback(attestation: Attestation, measure: Measure) -> None:
    """What clients say names no blocker.

    Remedy: mend what they name, ask them again, then attest it anew.
    """
    measure(attestation.holds, attestation.summary).is_(True)


@pytest.mark.ga
def test_runbook_validated(attestation: Attestation, measure: Measure) -> None:
    """The runbook has been used in production, and its steps were right.

    Remedy: correct the steps that were wrong, go through them once more, then attest it anew.
    """
    measure(attestation.holds, attestation.summary).is_(True)


@pytest.mark.ga
def test_post_mortem_held(
    attestation: Attestation, promptness: Promptness, limits: PostMortemHeld, measure: Measure
) -> None:
    """The post-mortem was held, in time, and what it found is in the plans.

    Remedy: hold it with those who were there, then attest it at once with the link to its notes.
    """
    measure(attestation.holds, attestation.summary).is_(True)
    name = f"attested on {promptness.attested_on}, not within {limits.allowed} of the launch"
    measure(promptness.late, name).is_(False)


@pytest.mark.ga
def test_monthly_review(attestation: Attestation, measure: Measure) -> None:
    """The month's review was held.

    Remedy: hold it, then attest it with the link to its notes.
    """
    measure(attestation.holds, attestation.summary).is_(True)


@pytest.mark.ga
def test_announcement_published(attestation: Attestation, measure: Measure) -> None:
    """The announcement is published.

    Remedy: publish it, then attest it with its address.
    """
    measure(attestation.holds, attestation.summary).is_(True)


@pytest.mark.ga
def test_handed_over(attestation: Attestation, measure: Measure) -> None:
    """The service is handed over to business as usual.

    Remedy: archive the channel, hold the retrospective, hand support over, then attest it with the link to the notes.
    """
    measure(attestation.holds, attestation.summary).is_(True)
