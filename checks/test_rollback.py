"""There is a way back, and somebody has looked at it."""

import pytest

from readiness import Limits, Measure
from readiness.observations.rollback import PreviousVersion, Review


class Previous(Limits):
    tag: str = "*"  # as a pattern, such as backup-*; this one is every version


class Reviewed(Limits):
    approvals_at_least: int
    days_at_most: float


@pytest.mark.preflight
def test_previous_version_available(previous_version: PreviousVersion, limits: Previous, measure: Measure) -> None:
    """There is an earlier version to go back to.

    Remedy: tag the version that ran before, and keep what was built of it.
    """
    versions = f"versions before {previous_version.revision} called {limits.tag}"
    measure(len(previous_version.found), versions, "versions").at_least(1)


@pytest.mark.preflight
def test_procedure_reviewed(procedure_review: Review, limits: Reviewed, measure: Measure) -> None:
    """Somebody else than its author has reviewed the rollback procedure as it stands.

    Remedy: read it through against the system of today, and have the change reviewed.
    """
    measure(procedure_review.exists, f"{procedure_review.document} exists").is_(True)
    measure(procedure_review.approvals, "approvals by others", "people").at_least(limits.approvals_at_least)
    measure(procedure_review.days, "days since it was changed", "days").at_most(limits.days_at_most)
