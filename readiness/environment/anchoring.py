"""Where the head of a ledger is kept beside the evidence, so that nobody can cut or rewrite the ledger unseen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError, model_validator

from readiness.config.documents import explain, read
from readiness.config.fields import STRICT
from readiness.config.variables import filled_where_set
from readiness.errors import BadEnvironment

Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
"""A program and its arguments; no shell reads them."""


class AnchorPlaces(BaseModel):
    """The places that keep heads of the ledger. Each run writes to all of them, and `verify` demands each."""

    model_config = STRICT

    file: Annotated[str, Field(min_length=1)] | None = None
    """A file of one head a line; a relative path begins at the project."""
    git_note: bool = False
    """A note on the commit that is checked out: refs/notes/readiness."""
    command: Words | None = None
    """A program of the team's that keeps a head: the anchor is its standard input, the head its last argument."""
    recall: Words | None = None
    """A program of the team's that prints every anchor that was kept, one a line."""

    @model_validator(mode="after")
    def _can_be_demanded(self) -> AnchorPlaces:
        if not (self.file or self.git_note or self.command or self.recall):
            raise ValueError("name a place: file, git_note, or command with recall")
        if bool(self.command) is not bool(self.recall):
            raise ValueError("command and recall belong together: what is kept must be read back to be demanded")
        return self


class _Evidence(BaseModel):
    anchor: AnchorPlaces | None = None


class _Stated(BaseModel):
    """Of an environment file the one key that is asked for; the others are read when a run begins."""

    evidence: _Evidence | None = None


def stated_anchors(path: Path | None) -> AnchorPlaces | None:
    """Return where an environment file keeps heads; None where it does not say. Raises BadEnvironment."""
    if path is None or not path.is_file():
        return None
    document = read(path)
    if document.problems:
        raise BadEnvironment([f"whether anchors are demanded cannot be read: {document.problems[0]}"])
    section = document.data.get("evidence")
    if section is None:
        return None
    if not isinstance(section, dict):
        raise BadEnvironment([f"{document.where(('evidence',))}: evidence: keys with their values are wanted"])
    try:
        stated = _Stated.model_validate({"evidence": {"anchor": _filled(section.get("anchor"))}})
    except ValidationError as error:
        raise BadEnvironment(explain(error, _Stated, document)) from None
    places = stated.evidence.anchor if stated.evidence else None
    if places is None and "anchor" in section:
        raise BadEnvironment([f"{document.where(('evidence', 'anchor'))}: evidence.anchor is empty: name a place"])
    return places


def _filled(value: object) -> object:
    """Return a value with the variables of this process in its texts."""
    if isinstance(value, str):
        return filled_where_set(value, os.environ)
    if isinstance(value, list):
        return [_filled(part) for part in value]
    if isinstance(value, dict):
        return {key: _filled(part) for key, part in value.items()}
    return value
