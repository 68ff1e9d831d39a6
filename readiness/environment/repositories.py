"""Where an environment's code, its issues and its tests are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from readiness.config.fields import STRICT, BaseUrl, SecretReference


def _one_place(text: str) -> str:
    if text.count("{revision}") != 1:
        raise ValueError("ref holds {revision} once, such as tags/{revision}")
    return text


class Repository(BaseModel):
    """A repository of GitHub. Its token is fine-grained and read-only: issues, and what the section says besides."""

    model_config = STRICT

    url: BaseUrl = "https://api.github.com"
    """https://HOST/api/v3 for an Enterprise server."""
    token: SecretReference
    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    """owner/name"""


class GitHub(Repository):
    """Where the code is; the token also reads contents, pull requests, checks and commit statuses."""

    ref: Annotated[str, AfterValidator(_one_place)] = "{revision}"
    """How target.revision is called there: a commit as it is, tags/{revision}, or tags/v{revision}."""
    labels: dict[str, str] = {}
    """Priority in the runbook's words → the label's name; without an entry the word itself is looked for."""
    required_checks: tuple[str, ...] = ()
    """Check runs or statuses without which CI is not green, however many others are."""
    rollback_procedure: str | None = None
    """The path of the document that says how to roll back."""
