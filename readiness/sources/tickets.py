"""Support's tickets: the open issues of a GitHub repository that carry certain labels."""

from __future__ import annotations

from readiness.clients.github_repository import Issue, Repository
from readiness.environment.communication import Support
from readiness.transport.system import System


class Tickets(System[Support]):
    """The repository that the environment names under `support`."""

    NAME = "GitHub"
    LACK = ("no tracker of support is configured", "set support in the environment file")

    def open(self, labels: tuple[str, ...]) -> list[Issue]:
        """Return the open issues that carry any of the labels, the oldest first. Raises Unknown."""
        repository = Repository(self.settings, self._http, "support", "correct the labels under support")
        # Several labels in one question mean all of them, so each is asked for by itself.
        by_number: dict[int, Issue] = {}
        for label in labels:
            by_number.update((issue.number, issue) for issue in repository.issues(label))
        return sorted(by_number.values(), key=lambda issue: issue.created_at)
