"""The way back: is there a version to go back to, and has somebody looked at how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from readiness.clients.github import GitHub, Pull
from readiness.environment.schema import Environment
from readiness.observations import known_reading, observation
from readiness.observations.needs import need, revision
from readiness.outcomes import NotConfigured, Unknown
from readiness.sources.readings import Readings, revision_of

PREVIOUS_VERSION = known_reading("previous_version", "the version to go back to: a deployment's id, a tag")
ANY = "*"
COMPARED_AT_MOST = 20
"""More tags are not compared with what runs: each costs a request."""
_BEFORE = {"ahead", "diverged"}
_DECISIVE = {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}


@dataclass(frozen=True)
class PreviousVersion:
    """What can be gone back to."""

    revision: str
    """What runs."""
    found: list[str]
    """Versions other than it, and not newer."""


@need("github, or readings.previous_version")
def way_back(github: GitHub, readings: Readings, tag: str) -> None:
    """Make sure that something tells what there is to go back to. Raises NotConfigured."""
    if not github.configured and not (tag == ANY and readings.configured(PREVIOUS_VERSION)):
        raise NotConfigured(
            "nothing says what there is to go back to",
            "set github.token and github.repository, or readings.previous_version, in the environment file",
        )


@observation(needs=(revision, way_back), optional="github")
def previous_version(github: GitHub, readings: Readings, environment: Environment, tag: str) -> PreviousVersion:
    """Return a version to go back to: what the environment says, or a tag of an earlier commit than what runs."""
    runs_now = revision_of(environment.target, readings)
    way_back(github, readings, tag)
    if tag == ANY and readings.configured(PREVIOUS_VERSION):
        previous = str(readings.value(PREVIOUS_VERSION))
        return PreviousVersion(runs_now, [previous] if previous != runs_now else [])

    sha = github.combined(github.ref(runs_now)).sha
    others = [each for each in github.tags() if fnmatchcase(each.name, tag) and each.commit.sha != sha]
    for other in others[:COMPARED_AT_MOST]:
        # What the deployed commit is ahead of came before it; a tag of a newer commit is no way back.
        if github.ancestry(other.commit.sha, sha) in _BEFORE:
            return PreviousVersion(runs_now, [other.name])

    if len(others) > COMPARED_AT_MOST:
        raise Unknown(
            f"the first {COMPARED_AT_MOST} of {len(others)} tags {tag} are all of newer commits than {runs_now}",
            "set readings.previous_version, or name the tags more closely in a runbook of your own",
        )
    return PreviousVersion(runs_now, [])


@dataclass(frozen=True)
class Review:
    """Who has looked at the procedure as it stands."""

    document: str
    exists: bool
    approvals: int
    """Of its last change, by others than whoever made it."""
    days: int
    """Since that change."""


@need("github.rollback_procedure")
def rollback_procedure(github: GitHub) -> str:
    """Return where the rollback procedure stands. Raises NotConfigured."""
    path = github.settings.rollback_procedure
    if path is None:
        raise NotConfigured(
            "nothing says where the rollback procedure stands", "set github.rollback_procedure, or attest the line"
        )
    return path


@observation(needs=rollback_procedure)
def procedure_review(github: GitHub, moment: datetime) -> Review:
    """Return who has approved the last change of the rollback procedure, and how old it is."""
    path = rollback_procedure(github)
    changes = github.changes(path)
    if not changes:
        return Review(path, exists=False, approvals=0, days=0)

    last_change = changes[0]
    approvers: set[str] = set()
    for pull in github.pulls(last_change.sha):
        if pull.merged_at is not None:
            approvers |= _approvers(github, pull)
    days = (moment - last_change.commit.committer.date).days
    return Review(path, exists=True, approvals=len(approvers), days=days)


def _approvers(github: GitHub, pull: Pull) -> set[str]:
    """Return who approves a pull request in the end, without its author."""
    last_states: dict[str, str] = {}
    for review in github.reviews(pull.number):
        # A comment after an approval takes nothing back.
        if review.user and review.state in _DECISIVE:
            last_states[review.user.login] = review.state

    author = pull.user.login if pull.user else ""
    return {login for login, state in last_states.items() if state == "APPROVED" and login != author}
