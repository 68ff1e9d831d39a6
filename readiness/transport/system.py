"""The base of every client whose system has a section of its own in the environment file and speaks HTTP."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from readiness.outcomes import NotConfigured
from readiness.transport.http import Http

Settings = TypeVar("Settings")


class System(Generic[Settings]):
    """A system that the environment names, or does not name."""

    NAME: ClassVar[str]
    """The system as people call it: it stands with each value that it answers."""
    LACK: ClassVar[tuple[str, str]]
    """The reason and the remedy of NotConfigured, where the environment does not name the system."""

    def __init__(self, settings: Settings | None, http: Http) -> None:
        self._given = settings
        self._http = http.asking(self.NAME)

    @property
    def configured(self) -> bool:
        """Whether the environment names the system."""
        return self._given is not None

    @property
    def settings(self) -> Settings:
        """The system's section of the environment file. Raises NotConfigured."""
        if self._given is None:
            raise NotConfigured(*self.LACK)
        return self._given

    def require_configured(self) -> None:
        """Raise NotConfigured where the environment does not name it."""
        _ = self.settings
