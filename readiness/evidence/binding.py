"""What a project states now of an environment, as a run is bound to it when it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from readiness.config.pipeline import pipeline_of
from readiness.config.repository import Repository, repository_of
from readiness.environment.stated import StatedEnvironment, stated_environment, text_digest
from readiness.errors import BadEnvironment
from readiness.evidence.recorded_binding import (
    RecordedBinding,
    RecordedCommit,
    RecordedFile,
    RecordedPipeline,
    RecordedProject,
)
from readiness.redaction.redactor import REDACTOR
from readiness.runbook.lines import locate


def binding_of(
    environments: Path, name: str, reports: Path, variables: Mapping[str, str] | None = None
) -> RecordedBinding:
    """Return what an environment is bound to now. Raises BadInput where one of its files is not there.

    `variables` are those of the process, where its pipeline is asked for.
    """
    stated = stated_environment(environments / f"{name}.yaml")
    repository = repository_of(environments.resolve().parent, reports.resolve())
    pipeline = pipeline_of(variables) if variables else None
    bound = RecordedBinding(
        project=_project(stated, repository),
        environment=RecordedFile(digest=stated.digest, keys=tuple(sorted(stated.keys)), paths=dict(stated.paths)),
        runbooks={runbook: RecordedFile(digest=_digest(runbook, environments)) for runbook in stated.runbooks},
        commit=RecordedCommit(id=repository.commit, dirty=repository.is_dirty) if repository.commit else None,
        pipeline=RecordedPipeline(**asdict(pipeline)) if pipeline else None,
    )
    # Masked here and not only in the journal: the ledger has its digest.
    return RecordedBinding.model_validate(REDACTOR.plain(bound.model_dump(mode="json")))


def _project(stated: StatedEnvironment, repository: Repository) -> RecordedProject:
    return RecordedProject(
        stated=stated.project,
        root_commit=repository.root_commit,
        remote=repository.remote,
        place=repository.place,
    )


def _digest(runbook: str, environments: Path) -> str:
    """Return the digest of a runbook's text. Raises BadInput."""
    path = locate(runbook, environments)
    try:
        return text_digest(path)
    except (OSError, UnicodeDecodeError) as error:
        raise BadEnvironment([f"{path.name}: cannot be read: {error}"]) from None
