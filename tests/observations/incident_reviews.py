"""A review of incidents at a fixed moment: the reports of a folder, beside what a list of known incidents says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.environment.schema import Environment, Reading
from readiness.observations.incidents import IncidentReview, ReviewLimits, incident_review
from readiness.outcomes import Effect
from readiness.sources.table import Clients
from readiness.transport.guard import Guard
from tests.clients.servers import Server, document

ROOT = Path(__file__).parents[2]
MOMENT = datetime(2026, 12, 8, 15, 0, tzinfo=UTC)
FIELDS = ("summary", "customer_impact", "root_cause", "timeline", "mitigation", "preventive_actions")
TEMPLATE = (ROOT / "environments" / "incident-report.md").read_text(encoding="utf-8")
WRITTEN = {
    "What happened, in two sentences.": "All uploads were refused. The alert told of it.",
    "Who noticed what, and for how long.": "Three clients had to send again what they sent in 42 minutes.",
    "Why it could happen.": "The credential had expired.",
    "When it began, was seen, was answered, was mended; each with its time.": "09:10 began, 09:52 mended.",
    "What ended it.": "A new credential.",
    "What keeps it from happening again, who does it, until when, with its issue.": "Ada watches its expiry, #77.",
}
"""What the template says, and what somebody writes in its place."""


def filled_in(text: str) -> str:
    """Return a text with what somebody wrote in the place of the template's own words."""
    for hint, said in WRITTEN.items():
        text = text.replace(hint, said)
    return text


EXAMPLE = filled_in(TEMPLATE)
KNOWN = {
    "id": "INC-12",
    "title": "uploads were refused",
    "started_at": "2026-12-03T09:10:00Z",
    "ended_at": "2026-12-03T09:52:00Z",
}
Review = Callable[..., IncidentReview]


@pytest.fixture
def review(tmp_path: Path) -> Review:
    """Review the reports of a folder, beside what a list of known incidents says."""

    def make(
        known: object,
        *texts: str,
        fields: tuple[str, ...] = FIELDS,
        launched: timedelta | None = None,
        since: str | None = None,
        within: str | None = None,
        known_written: datetime | None = None,
        template_words: frozenset[str] = frozenset(),
        **changes: Any,
    ) -> IncidentReview:
        for number, text in enumerate(texts):
            (tmp_path / f"{number}.md").write_text(text, encoding="utf-8")
        (tmp_path / "README.md").write_text("how we write reports", encoding="utf-8")
        source = None if known_written is None else written(tmp_path / "known.json", known, known_written)
        guard = Guard(["127.0.0.1"], frozenset({Effect.READ}))
        with Server(document(known)) as server:
            places = {"folder": tmp_path} | changes
            environment = Environment(
                environment="shop",
                runbooks=("ingestion",),
                allowed_hosts=("127.0.0.1",),
                target={"url": server.url},  # type: ignore[arg-type]
                incidents=places if changes.get("folder", "") is not None else None,  # type: ignore[arg-type]
                readings={} if known is None else {"known_incidents": source or Reading(http=server.url)},
            )
            clients = Clients.of(environment, guard, tmp_path)
            hours = None if fields else 48.0
            try:
                return incident_review(
                    clients.incident_reports,
                    clients.readings,
                    clients.prometheus,
                    environment,
                    MOMENT,
                    None if launched is None else MOMENT - launched,
                    ReviewLimits(fields, hours, 30.0, since, within),
                    template_words,
                )
            finally:
                clients.close()

    return make


def written(path: Path, content: object, at: datetime) -> Reading:
    """Return a reading of a file that was last written then."""
    path.write_text(json.dumps(content), encoding="utf-8")
    os.utime(path, (at.timestamp(), at.timestamp()))
    return Reading(file=path)


def nothing_wrong(found: IncidentReview) -> bool:
    return not found.is_wrong
