"""Anchors: heads of a ledger that are kept beside the evidence. Who cuts or rewrites the ledger contradicts them.

An anchor is one line of JSON: the environment, the digest of the ledger's last entry, how many entries it had, when.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from readiness.config import git_notes
from readiness.environment.anchoring import AnchorPlaces
from readiness.errors import BadInput, not_one_of
from readiness.evidence import team_program
from readiness.evidence.ledger_reading import LedgerReading
from readiness.files import atomic_write, bounded_read, strict_json
from readiness.files.canonical_json import to_json

SCHEMA = "readiness/anchor/1"
KINDS = ("file", "git-note", "command")


class NotAnchored(Exception):
    """A place keeps nothing, or cannot be read."""


class Anchor(BaseModel):
    """A head of a ledger, as it was kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["readiness/anchor/1"] = Field(default="readiness/anchor/1", alias="schema")
    env: str
    head: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    entries: Annotated[int, Field(ge=1)]
    at: AwareDatetime

    def line(self) -> str:
        """Return it as it is written."""
        return to_json(self.model_dump(mode="json", by_alias=True))


@dataclass(frozen=True)
class Place:
    """One place that keeps heads."""

    kind: str
    root: Path
    """Where a relative path begins, and where Git and a program are asked."""
    file: str = ""
    command: tuple[str, ...] = ()
    recall: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The file of a place that is one."""
        path = Path(self.file)
        try:
            return self.root / path.expanduser()
        except RuntimeError:  # of a user who is not here: then it is the name of a file as it stands
            return self.root / path

    @property
    def shown(self) -> str:
        """The place in a word for people."""
        return f"file:{self.path}" if self.kind == "file" else f"{self.kind}:"


def stated_places(stated: AnchorPlaces | None, root: Path) -> tuple[Place, ...]:
    """Return the places that an environment states."""
    if stated is None:
        return ()
    file = (Place("file", root, file=stated.file),) if stated.file else ()
    note = (Place("git-note", root),) if stated.git_note else ()
    program = (Place("command", root, command=stated.command or (), recall=stated.recall or ()),)
    return (*file, *note, *(program if stated.command else ()))


def named_place(text: str, stated: AnchorPlaces | None, root: Path) -> Place:
    """Return the place that `--anchor` names. Raises BadInput."""
    kind, _, path = text.partition(":")
    if kind not in KINDS:
        raise BadInput([f"--anchor {not_one_of(kind, KINDS)}; write file:PATH, git-note: or command:"])
    if (kind == "file") is not bool(path):
        wanted = "file:PATH names a file" if kind == "file" else f"nothing follows {kind}:"
        raise BadInput([f"--anchor {text!r}: {wanted}"])

    if kind == "file":
        return Place("file", Path.cwd(), file=path)
    if kind == "git-note":
        return Place("git-note", root)
    # No option names a program: which one is run is reviewed with the environment.
    if stated is None or stated.command is None:
        raise BadInput(["--anchor command: needs evidence.anchor.command and recall in the environment file"])
    return Place("command", root, command=stated.command, recall=stated.recall or ())


def keep(place: Place, ledger: LedgerReading) -> Anchor:
    """Write the head of a ledger to a place, and return what was written. Raises NotAnchored."""
    # A damaged ledger would be made to look like a kept one.
    if ledger.problems:
        raise NotAnchored(f"{place.shown} keeps no head of a damaged ledger: {ledger.problems[0]}")
    if not ledger.digests:
        raise NotAnchored(f"{place.shown} keeps nothing: the ledger has no entry")

    env = ledger.path.parent.name
    anchor = Anchor(env=env, head=ledger.head, entries=len(ledger.digests), at=datetime.now(UTC))
    try:
        if place.kind == "file":
            _add_line(place.path, anchor.line())
        elif place.kind == "git-note":
            git_notes.append(place.root, anchor.line())
        else:
            team_program.run((*place.command, anchor.head), place.root, f"{anchor.line()}\n")
    except (OSError, UnicodeDecodeError, git_notes.NoNotes, team_program.Failed) as error:
        raise NotAnchored(f"{place.shown} could not keep the head: {error}") from None
    return anchor


def kept(place: Place, env: str) -> list[Anchor]:
    """Return the anchors of an environment that a place has. Raises NotAnchored where it cannot be read."""
    try:
        anchors = [_parsed(line) for line in _lines(place)]
    except (OSError, UnicodeDecodeError, ValueError, git_notes.NoNotes, team_program.Failed) as error:
        raise NotAnchored(f"{place.shown} cannot be read: {error}") from None
    return [anchor for anchor in anchors if anchor.env == env]


def _lines(place: Place) -> list[str]:
    if place.kind == "file":
        text = bounded_read.read_text(place.path) if os.path.lexists(place.path) else ""
        return [line for line in text.splitlines() if line.strip()]
    if place.kind == "git-note":
        return git_notes.lines(place.root)
    return [line for line in team_program.run(place.recall, place.root, "").splitlines() if line.strip()]


def _parsed(line: str) -> Anchor:
    """Return an anchor. Raises ValueError for a line that is none: somebody may have overwritten one."""
    try:
        return Anchor.model_validate(strict_json.parse(line.encode()))
    except (ValidationError, ValueError):
        raise ValueError("it holds a line that is no anchor of this suite") from None


def _add_line(path: Path, line: str) -> None:
    """Add a line to a file of anchors. Raises OSError and ValueError."""
    with _alone(path.parent):
        before = bounded_read.read_text(path) if os.path.lexists(path) else ""
        for text in before.splitlines():
            try:
                _parsed(text)
            except ValueError as error:
                raise OSError(f"{path}: {error}; name a file of its own") from None
        # An editor may have taken the end of the last line away.
        lines = [*before.splitlines(), line]
        atomic_write.write_whole(path, "".join(f"{each}\n" for each in lines))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time write in a folder: a file that is replaced whole cannot be locked itself."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
