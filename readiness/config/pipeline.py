"""Which pipeline a run belongs to, by the variables that its own system sets. They are stated by it, not proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

from readiness.redaction.shown import shown

LETTERS_AT_MOST = 200


@dataclass(frozen=True)
class Pipeline:
    """A run of a pipeline: each word masked, on one line and of a bounded length."""

    system: str
    execution: str
    """The address of the run, or its id."""
    workflow: str
    actor: str
    """Who or what started it."""
    repository: str


@dataclass(frozen=True)
class _System:
    """The variable by which a system is known, and what says the rest; the first that is whole counts."""

    name: str
    known_by: str
    execution: tuple[str, ...]
    workflow: tuple[str, ...]
    actor: tuple[str, ...]
    repository: tuple[str, ...]


SYSTEMS = (
    _System(
        "GitHub Actions",
        "GITHUB_ACTIONS",
        ("$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID", "$GITHUB_RUN_ID"),
        ("$GITHUB_WORKFLOW",),
        ("$GITHUB_TRIGGERING_ACTOR", "$GITHUB_ACTOR"),
        ("$GITHUB_REPOSITORY",),
    ),
    _System(
        "GitLab CI",
        "GITLAB_CI",
        ("$CI_JOB_URL", "$CI_PIPELINE_URL", "$CI_JOB_ID"),
        ("$CI_JOB_NAME",),
        ("$GITLAB_USER_LOGIN",),
        ("$CI_PROJECT_PATH",),
    ),
    _System(
        "Buildkite",
        "BUILDKITE",
        ("$BUILDKITE_BUILD_URL", "$BUILDKITE_BUILD_ID"),
        ("$BUILDKITE_PIPELINE_SLUG",),
        ("$BUILDKITE_BUILD_CREATOR",),
        ("$BUILDKITE_REPO",),
    ),
    _System(
        "CircleCI",
        "CIRCLECI",
        ("$CIRCLE_BUILD_URL", "$CIRCLE_WORKFLOW_ID"),
        ("$CIRCLE_JOB",),
        ("$CIRCLE_USERNAME",),
        ("$CIRCLE_PROJECT_USERNAME/$CIRCLE_PROJECT_REPONAME", "$CIRCLE_REPOSITORY_URL"),
    ),
    _System(
        "Azure Pipelines",
        "TF_BUILD",
        ("${SYSTEM_COLLECTIONURI}$SYSTEM_TEAMPROJECT/_build/results?buildId=$BUILD_BUILDID", "$BUILD_BUILDID"),
        ("$BUILD_DEFINITIONNAME",),
        ("$BUILD_REQUESTEDFOR",),
        ("$BUILD_REPOSITORY_NAME", "$BUILD_REPOSITORY_URI"),
    ),
    _System(
        "Jenkins",
        "JENKINS_URL",
        ("$BUILD_URL", "$BUILD_TAG"),
        ("$JOB_NAME",),
        ("$BUILD_USER_ID", "$CHANGE_AUTHOR"),
        ("$GIT_URL",),
    ),
)


def pipeline_of(variables: Mapping[str, str]) -> Pipeline | None:
    """Return the pipeline that these variables are of; None for a person at a terminal, and for an unknown system.

    >>> pipeline_of({"CIRCLECI": "true", "CIRCLE_JOB": "gate", "CIRCLE_USERNAME": "ada"}).actor
    'ada'
    """
    for system in SYSTEMS:
        if variables.get(system.known_by):
            return Pipeline(
                system.name,
                _said(system.execution, variables),
                _said(system.workflow, variables),
                _said(system.actor, variables),
                _said(system.repository, variables),
            )
    return None


def _said(ways: tuple[str, ...], variables: Mapping[str, str]) -> str:
    """Return the first way to say it of which every variable is set; empty where none is."""
    for way in ways:
        names = Template(way).get_identifiers()
        if all(variables.get(name) for name in names):
            return shown(Template(way).substitute(variables), LETTERS_AT_MOST)
    return ""
