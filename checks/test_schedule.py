"""What the runbook's schedule asks for was done in its time, and is on record."""

import pytest

from readiness import Limits, Measure
from readiness.observations.schedule import Attestation, KeptUp, ReviewRecord, ReviewWord, Span


class Review(Limits):
    review: str  # the name of an entry in the runbook's schedule


class Regular(Review):
    window: Span  # so far back, and not beyond the launch


class Attested(Review):
    days_at_most: float  # after its day; of what comes back, since it was attested


@pytest.mark.postlaunch
@pytest.mark.ga
def test_review_held(review_record: ReviewRecord, limits: Review, measure: Measure) -> None:
    """The review was held in its time.

    Remedy: hold it now, and write down what it finds; `readiness next` tells when the others are.
    """
    measure(review_record.held, f"{limits.review} is on record: {review_record.what} ({review_record.shown_by})").is_(
        True
    )


@pytest.mark.postlaunch
@pytest.mark.ga
def test_kept_up(kept_up: KeptUp, limits: Regular, measure: Measure) -> None:
    """What comes back was done each time.

    Remedy: do it now, and let a machine do it from now on: an hourly job, or a probe every few minutes.
    """
    pauses = f"pauses too long in {limits.window} of {kept_up.what} ({kept_up.records} on record)"
    measure(kept_up.pauses, pauses).is_none_of_them()


@pytest.mark.postlaunch
@pytest.mark.ga
def test_review_attested(attestation: Attestation, review_word: ReviewWord, limits: Attested, measure: Measure) -> None:
    """The review was held, says who held it.

    Remedy: hold it, and attest it on the day with the link to its notes.
    """
    measure(attestation.holds, attestation.summary).is_(True)
    measure(review_word.early, f"attested on {review_word.attested_on}, before {review_word.what}").is_(False)
    since = f"days to or since {review_word.attested_on}: {review_word.what}"
    measure(review_word.days, since, "days").at_most(limits.days_at_most)
