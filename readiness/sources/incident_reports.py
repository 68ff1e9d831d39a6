"""Incident reports where people write them: Markdown in a folder, issues of a tracker, or both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from readiness.clients.files import Files
from readiness.clients.github_repository import Issue, Repository
from readiness.environment.incidents import Incidents, Tracker
from readiness.transport.http import Http
from readiness.transport.system import System

NO_REPORTS = {"readme.md", "template.md"}


@dataclass(frozen=True)
class Written:
    """A report as somebody wrote it, not yet parsed."""

    where: str
    text: str
    known: Mapping[str, object] = field(default_factory=dict)
    """What the place knows of the incident by itself, by the keys of a report's front matter."""


class IncidentReports(System[Incidents]):
    """The places that the environment names under `incidents`."""

    NAME = "GitHub"
    LACK = ("nothing says where incident reports are", "set incidents.folder or .tracker in the environment file")

    def __init__(self, settings: Incidents | None, files: Files, http: Http) -> None:
        super().__init__(settings, http)
        self._files = files

    def all(self) -> Iterator[Written]:
        """Yield every report of every place. Raises Unknown where a place cannot be read."""
        settings = self.settings
        if settings.folder:
            yield from self._in_folder(settings.folder)
        if settings.tracker:
            yield from self._in_tracker(settings.tracker)

    def _in_folder(self, folder: Path) -> Iterator[Written]:
        for name in self._files.names(folder, ".md"):
            if name.casefold() not in NO_REPORTS:
                path = folder / name
                yield Written(str(path), self._files.text(path))

    def _in_tracker(self, tracker: Tracker) -> Iterator[Written]:
        repository = Repository(tracker, self._http, "incidents.tracker", "correct incidents.tracker.label")
        # Closed ones too: an incident that is over is a closed issue.
        for issue in repository.issues(tracker.label, "all"):
            yield Written(f"{repository.name}#{issue.number}", issue.body or "", _front_matter(issue))


def _front_matter(issue: Issue) -> dict[str, object]:
    """Return what the tracker knows by itself, by the keys of a report's front matter."""
    return {
        "id": f"#{issue.number}",
        "title": issue.title,
        "started_at": issue.created_at,
        "ended_at": issue.closed_at,
    }
