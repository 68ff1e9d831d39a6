"""What clients have told support, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from readiness.clients.github_repository import Issue
from readiness.observations import known_reading, observation
from readiness.observations.needs import either, system
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
    """List the open complaints, from a reading where there is one, else from the tracker."""
    if readings.configured(OPEN_COMPLAINTS):
        rows = readings.rows(OPEN_COMPLAINTS, "name", "answered")
        names = [(str(row["name"])[:SHOWN], row["answered"] is True) for row in rows]
    else:
        names = [(_named(one), one.comments > 0) for one in tickets.open(tickets.settings.complaints)]
    return Complaints([name for name, _ in names], [name for name, answered in names if not answered])


@observation(needs=either(UNTRIAGED_TICKETS, system("tickets")), optional="tickets")
def untriaged(tickets: Tickets, readings: Readings, hours_at_most: float) -> list[str]:
    """Name the tickets that wait for triage for longer than is allowed."""
    if readings.configured(UNTRIAGED_TICKETS):
        rows = readings.rows(UNTRIAGED_TICKETS, "name", "age_hours")
        ages = [(str(row["name"])[:SHOWN], readings.as_number(UNTRIAGED_TICKETS, row["age_hours"])) for row in rows]
    else:
        known, now = {word.lower() for word in tickets.settings.triaged}, datetime.now(UTC)
        waiting = [
            one for one in tickets.open(tickets.settings.queues) if not one.assignees and not one.label_names & known
        ]
        ages = [(_named(one), (now - one.created_at).total_seconds() / 3600) for one in waiting]
    return [f"{name} ({hours:.0f} h)" for name, hours in ages if hours > hours_at_most]


def _named(ticket: Issue) -> str:
    return f"#{ticket.number} {ticket.title[:SHOWN]}"
