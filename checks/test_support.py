"""What clients report is answered."""

import pytest

from readiness import Limits, Measure
from readiness.observations.support import Complaints


class Answered(Limits):
    answer_is_enough: bool  # a complaint that was answered may stay open


class Triaged(Limits):
    hours_at_most: float  # so long may a ticket wait


@pytest.mark.postlaunch
def test_no_open_complaints(complaints: Complaints, limits: Answered, measure: Measure) -> None:
    """No client's complaint is left.

    Remedy: answer each that is named, and close it when the client agrees.
    """
    if limits.answer_is_enough:
        measure(complaints.unanswered, "complaints that are unanswered").is_none_of_them()
    else:
        measure(complaints.open, "complaints that are open").is_none_of_them()


@pytest.mark.postlaunch
def test_triaged(untriaged: list[str], limits: Triaged, measure: Measure) -> None:
    """Incidents, security events and tickets have been triaged.

    Remedy: give each a priority, or somebody to look after it.
    """
    measure(untriaged, f"tickets without triage for more than {limits.hours_at_most:g} hours").is_none_of_them()
