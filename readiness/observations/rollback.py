"""The way back: is there a version to go back to, and has somebody looked at how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from readiness.clients.github import GitHub
from readiness.environment.schema import Environment
from readiness.observations import known_reading, observation
from readiness.observations.needs import need, revision
from readiness.outcomes import NotConfigured, Unknown
from readiness.sources.readings import Readings, revision_of

PREVIOUS_VERSION = known_reading("previous_version", "the version to go back to: a deployment's id, a tag")
ANY = "*"
LOOKED_AT = 20
"""More tags are not compared with what runs."""
_BEFORE = {"ahead", "diverged"}


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
    """Find a tag of an earlier commit than the one that runs; or take what the environment says."""
    runs_now = revision_of(environment.target, readings)
    way_back(github, readings, tag)
    if tag == ANY and readings.configured(PREVIOUS_VERSION):
        told = str(readings.value(PREVIOUS_VERSION))
        return PreviousVersion(runs_now, [told] if told != runs_now else [])
    sha = github.combined(github.ref(runs_now)).sha
    fitting = [known for known in github.tags() if fnmatchcase(known.name, tag) and known.commit.sha != sha]
    # What the deployed commit is ahead of came before it; a tag of a newer commit is no way back.
    found = next(
        (known.name for known in fitting[:LOOKED_AT] if github.ancestry(known.commit.sha, sha) in _BEFORE), None
    )
    if found is None and len(fitting) > LOOKED_AT:
        raise Unknown(
            f"the first {LOOKED_AT} of {len(fitting)} tags {tag} are all of newer commits than {runs_now}",
            "set readings.previous_version, or name the tags more closely in a runbook of your own",
        )
    return PreviousVersion(runs_now, [found] if found else [])


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
    """Find the pull request that the document's last change came with, and who approved it."""
    path = rollback_procedure(github)
    changes = github.changes(path)
    if not changes:
        return Review(path, exists=False, approvals=0, days=0)
    last = changes[0]
    approving: set[str] = set()
    for pull in github.pulls(last.sha):
        if pull.merged_at is None:
            continue
        author = pull.user.login if pull.user else ""
        word = {
            said.user.login: said.state for said in github.reviews(pull.number) if said.user and _decides(said.state)
        }
        approving |= {who for who, state in word.items() if state == "APPROVED" and who != author}
    return Review(path, exists=True, approvals=len(approving), days=(moment - last.commit.committer.date).days)


def _decides(state: str) -> bool:
    """Tell whether a review says yes or no: a comment after an approval takes nothing back."""
    return state in {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}
