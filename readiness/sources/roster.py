"""The roster of a launch: from the environment file, or from a file that is kept apart from the code."""

from __future__ import annotations

from pydantic import ValidationError

from readiness.clients.files import Files
from readiness.environment.people import Team
from readiness.errors import wrong_value
from readiness.files.read_from import in_project
from readiness.outcomes import NotConfigured, Unknown
from readiness.provenance import Declared, is_of, note
from readiness.sources.provenance import how_versioned


class Roster:
    """What the environment says under `team`."""

    def __init__(self, settings: Team | None, files: Files, place: str = "the environment file") -> None:
        """`place` is what the environment file is called."""
        self._given = settings
        self._files = files
        self._place = place

    @property
    def configured(self) -> bool:
        """Whether the environment has a roster."""
        return self._given is not None

    @property
    def settings(self) -> Team:
        """What the environment says. Raises NotConfigured."""
        if self._given is None:
            raise NotConfigured("no team is configured", "set team.roles, or team.file, in the environment file")
        return self._given

    def require_configured(self) -> None:
        """Raise NotConfigured where the environment does not name it."""
        _ = self.settings

    def people(self) -> Team:
        """Return the roster; what its file says goes before the environment's own keys. Raises Unknown.

        Nobody is asked: what the environment says was declared, and so was a file that lies beside the code.
        """
        settings = self.settings
        if settings.file is None:
            note(Declared("team", self._place))
            return settings

        document = self._files.json(settings.file)
        versioned = how_versioned(settings.file)
        if versioned:
            file = in_project(settings.file)
            note(Declared("team", settings.file.name, versioned), instead_of=lambda read: is_of(read, file))
        if not isinstance(document, dict):
            raise Unknown(f"{settings.file} is no JSON object", "write the keys of `team` into it")

        in_environment = {name: getattr(settings, name) for name in settings.model_fields_set}
        try:
            return Team.model_validate({**in_environment, **document, "file": None})
        except ValidationError as error:
            # Without the input: it may be somebody's telephone number.
            first = error.errors(include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "the document"
            raise Unknown(f"{settings.file}: {place}: {wrong_value(first)}", "correct the roster") from None
