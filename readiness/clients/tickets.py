"""Support's tickets: the open issues of a GitHub repository that carry certain labels."""

from __future__ import annotations

from readiness.channels import Support
from readiness.clients.http import Http
from readiness.clients.repository import Issue, Repository
from readiness.outcomes import NotConfigured


class Tickets:
    """The repository that the environment names under `support`."""

    def __init__(self, settings: Support | None, http: Http) -> None:
        self._given, self._http = settings, http

    @property
    def configured(self) -> bool:
        """Tell whether the environment names a repository."""
        return self._given is not None

    @property
    def settings(self) -> Support:
        """What the environment says. Raises NotConfigured."""
        if self._given is None:
            raise NotConfigured("no tracker of support is configured", "set support in the environment file")
        return self._given

    def open(self, labels: tuple[str, ...]) -> list[Issue]:
        """List the open issues that carry any of the labels, the oldest first. Raises Unknown."""
        repository = Repository(self.settings, self._http, "support", "correct the labels under support")
        # Several labels in one question mean all of them, so each is asked for by itself.
        found = {one.number: one for label in labels for one in repository.issues(label)}
        return sorted(found.values(), key=lambda one: one.created_at)
