"""What a run was bound to as it began, as its journal has it: the project, its files, the commit, the pipeline."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict

from readiness.files.canonical_json import to_json
from readiness.redaction.secret import MASK


class _Bound(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class RecordedProject(_Bound):
    """What a project is known by, the surest first: two are compared by the first that is known of both."""

    stated: str = ""
    """`project` of the environment file."""
    root_commit: str = ""
    remote: str = ""
    place: str = ""
    """Its folder in its repository, where several projects may lie."""

    def same_as(self, other: RecordedProject) -> bool | None:
        """Check whether it is the same project; None where nothing is known of both.

        >>> here = RecordedProject(root_commit="a1", remote="github.com/acme/shop")
        >>> here.same_as(RecordedProject(root_commit="a1", remote="github.com/fork/shop"))
        True
        """
        if self.stated and other.stated:
            return self.stated == other.stated
        for name in ("root_commit", "remote"):
            mine, theirs = getattr(self, name), getattr(other, name)
            # What was masked says nothing.
            if mine and theirs and MASK not in mine + theirs:
                return (mine, self.place) == (theirs, other.place)
        return None

    @property
    def shown(self) -> str:
        """What people call it."""
        place = f", folder {self.place}" if self.place else ""
        return self.stated or f"{self.remote or self.root_commit[:12] or 'unknown'}{place}"


class RecordedFile(_Bound):
    """A file as it was stated: no variable is filled in, and no secret is in it."""

    digest: str
    """Of its text."""
    keys: tuple[str, ...] = ()
    """Of an environment file: the digest of each key with what it says, without comments and order."""
    paths: dict[str, str] | None = None
    """Of an environment file: the path of each key (`readings.orders`) and its digest; None in older journals."""


class RecordedCommit(_Bound):
    """What was checked out."""

    id: str
    dirty: bool | None = None


class RecordedPipeline(_Bound):
    """The run of a pipeline that it was, by the variables of its system."""

    system: str
    execution: str = ""
    workflow: str = ""
    actor: str = ""
    repository: str = ""


class RecordedBinding(_Bound):
    """Everything that a run is evidence about, besides what it saw."""

    project: RecordedProject
    environment: RecordedFile
    runbooks: dict[str, RecordedFile]
    """By their names."""
    commit: RecordedCommit | None = None
    pipeline: RecordedPipeline | None = None

    @property
    def digest(self) -> str:
        """The digest that the ledger has of it. A pipeline's words may be masked later: the seal binds them."""
        bound = self.model_dump(mode="json", exclude={"pipeline"})
        # What an older version did not write is no part of what it signed.
        for file in (bound["environment"], *bound["runbooks"].values()):
            if file["paths"] is None:
                del file["paths"]
        return hashlib.sha256(to_json(bound).encode()).hexdigest()
