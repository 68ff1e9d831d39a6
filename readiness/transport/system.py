"""What the clients of all systems share that an environment names in a section of its own and that speak HTTP."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from readiness.outcomes import NotConfigured
from readiness.transport.http import Http

Settings = TypeVar("Settings")


class System(Generic[Settings]):
    """A system that the environment names, or does not name."""

    LACK: ClassVar[tuple[str, str]]
    """What is told where it is not named: the reason, and what to set."""

    def __init__(self, settings: Settings | None, http: Http) -> None:
        self._given, self._http = settings, http

    @property
    def configured(self) -> bool:
        """Tell whether the environment names it."""
        return self._given is not None

    @property
    def settings(self) -> Settings:
        """What the environment says. Raises NotConfigured."""
        if self._given is None:
            raise NotConfigured(*self.LACK)
        return self._given

    def require_configured(self) -> None:
        """Raise NotConfigured where the environment does not name it."""
        _ = self.settings
