"""Incident reports where people write them: Markdown in a folder, issues of a tracker, or both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from readiness.clients.files import Files
from readiness.clients.github_repository import Issue, Repository
from readiness.environment.incidents import Incidents
from readiness.transport.http import Http
from readiness.transport.system import System

NO_REPORTS = {"readme.md", "template.md"}


@dataclass(frozen=True)
class Written:
    """A report as somebody wrote it."""

    where: str
    text: str
    known: Mapping[str, object] = field(default_factory=dict)
    """What the place knows of the incident by itself, by the keys of a report's front matter."""


class IncidentReports(System[Incidents]):
    """The places that the environment names under `incidents`."""

    LACK = ("nothing says where incident reports are", "set incidents.folder or .tracker in the environment file")

    def __init__(self, settings: Incidents | None, files: Files, http: Http) -> None:
        super().__init__(settings, http)
        self._files = files

    def all(self) -> Iterator[Written]:
        """Give every report that there is. Raises Unknown where a place cannot be read."""
        folder, tracker = self.settings.folder, self.settings.tracker
        if folder:
            for name in self._files.names(folder, ".md"):
                if name.casefold() not in NO_REPORTS:
                    yield Written(str(folder / name), self._files.text(folder / name))
        if tracker:
            place = Repository(tracker, self._http, "incidents.tracker", "correct incidents.tracker.label")
            for issue in place.issues(tracker.label, "all"):
                yield Written(f"{place.name}#{issue.number}", issue.body or "", _told(issue))


def _told(issue: Issue) -> dict[str, object]:
    return {
        "id": f"#{issue.number}",
        "title": issue.title,
        "started_at": issue.created_at,
        "ended_at": issue.closed_at,
    }
