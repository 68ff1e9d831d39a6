"""What a key may sign, from when until when, and whether it was revoked: `environments/keys/keys.yaml`.

A public key without an entry there may sign everything, always.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from readiness.config.documents import explain, read
from readiness.config.fields import STRICT, Instant
from readiness.config.misnamed import files_of, folders_of, is_another_document, is_nearly, is_set_aside
from readiness.config.wording import is_sentence
from readiness.errors import BadInput, not_one_of
from readiness.evidence.findings import Gap
from readiness.evidence.reasons import Reason
from readiness.files import bounded_read
from readiness.redaction.shown import shown
from readiness.timeline import CLOCKS_DIFFER

FILE = "keys.yaml"
PUBLIC = ".pub"
"""How the name of a public key ends."""
Signable = Literal["preflight", "smoke", "postlaunch", "ga", "rehearsal", "drill", "page"]
"""A phase; or what is no run and has no phase."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


def _head(text: str) -> str:
    """Return a whole digest: of a part of one nobody could say later which head was meant."""
    if not _DIGEST.fullmatch(text.lower()):
        raise ValueError(f"{text!r} is no head of a ledger: give all 64 digits (readiness verify --all prints them)")
    return text.lower()


class KeyRules(BaseModel):
    """What one key may sign. What is not stated is not limited."""

    model_config = STRICT

    phases: Annotated[tuple[Signable, ...], Field(min_length=1)] | None = None
    environments: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The names of environments."""
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    """Its planned end. Whoever had it until then is believed about the time."""
    revoked: Instant | None = None
    """From then on somebody else may have it, who can write any time into what he signs."""
    reason: str = ""
    """Why it was revoked, in words."""
    stands_up_to: tuple[Annotated[str, AfterValidator(_head)], ...] = ()
    """Heads of ledgers that were kept elsewhere: what a revoked key signed up to there was there in time."""

    @model_validator(mode="after")
    def _fits_together(self) -> KeyRules:
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValueError("valid_until is not after valid_from: the key could never sign")
        if self.revoked and self.revoked > datetime.now(UTC) + CLOCKS_DIFFER:
            raise ValueError("revoked lies ahead: state valid_until for an end that is planned")
        if self.revoked and not is_sentence(self.reason):
            raise ValueError(
                "a revoked key needs a reason of two words at least, such as: the runner's disk was copied"
            )
        if self.revoked is None and (self.reason or self.stands_up_to):
            raise ValueError("reason and stands_up_to are those of a key that is revoked: state revoked, with the time")
        return self

    @property
    def last_moment(self) -> datetime | None:
        """The moment from which it signs nothing that counts; None for a key without an end."""
        return min(filter(None, [self.valid_until, self.revoked]), default=None)

    def refusals(self, subject: str, environment: str, at: datetime) -> Iterator[Gap]:
        """Yield why it may not sign this, at the moment that the signature itself states, the gravest first.

        `subject` is one of what can be signed; empty for what the ledger says of itself, and for an unknown phase.
        """
        if self.revoked and at >= self.revoked:
            yield Gap(Reason.REVOKED, f"which was revoked {self.told_revoked}")
        if self.environments is not None and environment not in self.environments:
            may = ", ".join(self.environments)
            yield Gap(Reason.KEY_SCOPE, f"which may sign in the environments {may}, and this is {environment}")
        if self.phases is not None and subject and subject not in self.phases:
            yield Gap(Reason.KEY_SCOPE, f"which may sign {', '.join(self.phases)}, and this is {subject}")
        if self.valid_from and at < self.valid_from:
            yield Gap(Reason.KEY_SCOPE, f"which may sign from {_utc(self.valid_from)} on, and this is of {_utc(at)}")
        if self.valid_until and at >= self.valid_until:
            yield Gap(Reason.KEY_SCOPE, f"which may sign until {_utc(self.valid_until)}, and this is of {_utc(at)}")

    @property
    def told_revoked(self) -> str:
        """When it was revoked, and why."""
        return f"at {_utc(self.revoked)} ({shown(self.reason)})" if self.revoked else ""

    @property
    def told(self) -> str:
        """What it may sign, for the list of the keys."""
        parts = [
            f"REVOKED {self.told_revoked}" if self.revoked else "",
            f"may sign {', '.join(self.phases)}" if self.phases else "",
            f"in {', '.join(self.environments)}" if self.environments else "",
            f"from {_utc(self.valid_from)}" if self.valid_from else "",
            f"until {_utc(self.valid_until)}" if self.valid_until else "",
        ]
        return "; ".join(filter(None, parts)) or "may sign everything"


EVERYTHING = KeyRules()
"""Those of a key of which nothing is stated."""


class _KeyFile(BaseModel):
    """The file of the rules."""

    model_config = STRICT

    keys: dict[str, KeyRules]


def load(folder: Path, names: Iterable[str]) -> Mapping[str, KeyRules]:
    """Return the rules by the name of their key; `names` are those of the public keys. Raises BadInput."""
    problems = [*_misplaced(folder), *_misplaced_beside(folder)]
    path = folder / FILE
    rules: Mapping[str, KeyRules] = {}
    # A link that leads nowhere is a file that somebody meant to be here.
    if os.path.lexists(path):
        rules, more = _read(path, list(names))
        problems += more
    if problems:
        raise BadInput(problems)
    return rules


def _misplaced(folder: Path) -> Iterator[str]:
    """Yield each file among the keys that somebody took for one that is read, and that is not."""
    for path in files_of(folder):
        ending = path.suffix.casefold()
        is_read = path.name == FILE or path.suffix == PUBLIC
        if is_read or is_set_aside(path.name):
            continue
        if ending in {".yaml", ".yml"} or is_nearly(path.name, FILE):
            yield f"{folder.name}/{path.name}: what keys may sign is read from {FILE}: move it there"
        elif _holds_public_key(path):
            yield f"{folder.name}/{path.name}: a public key is read from NAME{PUBLIC}: rename or remove this file"


def _misplaced_beside(folder: Path) -> Iterator[str]:
    """Yield what lies beside the folder of the keys, and was meant to be in it: rules, a key, a folder of them."""
    for path in files_of(folder.parent):
        if (path.name == FILE or is_nearly(path.name, FILE)) and not is_another_document(path):
            yield f"{path.name}: what keys may sign is read from {folder.name}/{FILE}: move it there"
        elif path.suffix.casefold() == PUBLIC and _holds_public_key(path):
            yield f"{path.name}: a public key is read from {folder.name}/: move it there, or remove it"

    for path in folders_of(folder.parent):
        if is_nearly(path.name, folder.name) and _has_keys(path):
            yield f"{path.name}/: the keys that the project trusts are read from {folder.name}/: rename or remove it"


def _has_keys(folder: Path) -> bool:
    """Check whether a folder has rules of keys, or a public key: one of a similar name may be about something else."""
    return any(path.name == FILE or is_nearly(path.name, FILE) or _holds_public_key(path) for path in files_of(folder))


def _holds_public_key(path: Path) -> bool:
    try:
        return bounded_read.read_text(path).lstrip().startswith("-----BEGIN PUBLIC KEY")
    except (OSError, UnicodeDecodeError, ValueError):
        return False


def _read(path: Path, names: list[str]) -> tuple[Mapping[str, KeyRules], list[str]]:
    """Return the rules of a file, and what is wrong with it."""
    document = read(path)
    if document.problems:
        return {}, [f"keys/{problem}" for problem in document.problems]
    try:
        rules = _KeyFile.model_validate(document.data).keys
    except ValidationError as error:
        return {}, [f"keys/{problem}" for problem in explain(error, _KeyFile, document)]

    problems = [
        f"keys/{document.where(('keys', name))}: keys.{name}: the key {not_one_of(name, names)}"
        for name in rules
        if name not in names
    ]
    return rules, problems


def _utc(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else ""
