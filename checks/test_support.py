"""What clients report is answered."""

import pytest

from readiness import Limits, Measure
from readiness.observations.support import Complaints


class Answered(Limits):
    answer_is_enough: bool = False  # a complaint that was answered may stay open


class Triaged(Limits):
    hours_at_most: float = 24  # so long may a ticket wait


@pytest.mark.postlaunch
def test_no_open_complaints(complaints: Complaints, limits: Answered, measure: Measure) -> None:
    """No client's complaint is left.

    Remedy: answer each that is named, and close it when the client agrees.
    """
    left = complaints.unanswered if limits.answer_is_enough else complaints.open
    word = "unanswered" if limits.answer_is_enough else "open"
    measure(left, f"complaints that are {word}").is_none_of_them()


@pytest.mark.postlaunch
def test_triaged(untriaged: list[str], limits: Triaged, measure: Measure) -> None:
    """Incidents, security events and tickets have been triaged.

    Remedy: give each a priority, or somebody to look after it.
    """
    measure(untriaged, f"tickets without triage for more than {limits.hours_at_most:g} hours").is_none_of_them()
