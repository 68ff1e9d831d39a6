"""What blocks the way back: no earlier version, or a procedure that nobody has looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.release import PREVIOUS, PROCEDURE

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget


@fault("preflight", turns=turning("fail", *PREVIOUS))
def no_earlier_tag(target: SandboxTarget) -> Iterator[None]:
    """Only what runs is tagged, and what is to come after it."""
    github = target.office.github
    before = dict(github.tags)
    for name in ("v1.3.9", "backup-1"):
        del github.tags[name]
    yield
    github.tags = before


@fault("preflight", turns={PREVIOUS[-1]: "fail"})
def backup_tag_missing(target: SandboxTarget) -> Iterator[None]:
    """Nobody has made the tag backup-* before this deployment; the last release is still there."""
    tags = target.office.github.tags
    before = tags.pop("backup-1")
    yield
    tags["backup-1"] = before


@fault("preflight", turns=turning("fail", *PROCEDURE))
def procedure_changed_alone(target: SandboxTarget) -> Iterator[None]:
    """The rollback procedure was changed, and only its author said yes."""
    github = target.office.github
    before, github.reviews = github.reviews, [("ada", "APPROVED"), ("grace", "COMMENTED")]
    yield
    github.reviews = before
