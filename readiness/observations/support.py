"""What clients have told support, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readiness.clients.github_repository import Issue
from readiness.observations import known_reading, observation
from readiness.observations.needs import either, system
from readiness.redaction.shown import shown
from readiness.sources.readings import Readings
from readiness.sources.tickets import Tickets

OPEN_COMPLAINTS = known_reading("open_complaints", "the clients' open complaints (columns name, answered)")
UNTRIAGED_TICKETS = known_reading("untriaged_tickets", "the tickets that nobody has triaged (columns name, age_hours)")
SHOWN = 80


@dataclass(frozen=True)
class Complaints:
    """The complaints that are still open."""

    open: list[str]
    unanswered: list[str]


@observation(needs=either(OPEN_COMPLAINTS, system("tickets")), optional="tickets")
def complaints(tickets: Tickets, readings: Readings) -> Complaints:
    """Return the open complaints, by a reading where there is one, else by the tracker."""
    if readings.configured(OPEN_COMPLAINTS):
        return _complaints_of_reading(readings)
    return _complaints_of_tracker(tickets)


def _complaints_of_reading(readings: Readings) -> Complaints:
    rows = readings.rows(OPEN_COMPLAINTS, "name", "answered")
    return Complaints(
        open=[shown(str(row["name"]), SHOWN) for row in rows],
        unanswered=[shown(str(row["name"]), SHOWN) for row in rows if row["answered"] is not True],
    )


def _complaints_of_tracker(tickets: Tickets) -> Complaints:
    issues = tickets.open(tickets.settings.complaints)
    return Complaints(
        open=[_name(issue) for issue in issues],
        # Whoever wrote the first comment: that the client did it twice is seen by nobody but a reader.
        unanswered=[_name(issue) for issue in issues if issue.comments == 0],
    )


@observation(needs=either(UNTRIAGED_TICKETS, system("tickets")), optional="tickets")
def untriaged(tickets: Tickets, readings: Readings, hours_at_most: float) -> list[str]:
    """Return the tickets that wait for triage for longer than is allowed, with their age."""
    ages = _ages(tickets, readings)
    return [f"{name} ({hours:.0f} h)" for name, hours in ages if hours > hours_at_most]


def _ages(tickets: Tickets, readings: Readings) -> list[tuple[str, float]]:
    """Return the name and the age in hours of each ticket that waits, by a reading where there is one."""
    if readings.configured(UNTRIAGED_TICKETS):
        return _ages_of_reading(readings)
    return _ages_of_tracker(tickets)


def _ages_of_reading(readings: Readings) -> list[tuple[str, float]]:
    ages = []
    for row in readings.rows(UNTRIAGED_TICKETS, "name", "age_hours"):
        hours = readings.as_number(UNTRIAGED_TICKETS, row["age_hours"])
        ages.append((shown(str(row["name"]), SHOWN), hours))
    return ages


def _ages_of_tracker(tickets: Tickets) -> list[tuple[str, float]]:
    """Return those of the tickets that are nobody's and have no label of triage."""
    now = datetime.now(UTC)
    triage_labels = {label.lower() for label in tickets.settings.triaged}
    ages = []
    for issue in tickets.open(tickets.settings.queues):
        is_triaged = issue.assignees or issue.label_names & triage_labels
        if not is_triaged:
            ages.append((_name(issue), (now - issue.created_at) / timedelta(hours=1)))
    return ages


def _name(ticket: Issue) -> str:
    return f"#{ticket.number} {shown(ticket.title, SHOWN)}"
