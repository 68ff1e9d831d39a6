"""What the suite asks for as a user would: an upload that must work, requests that billing must refuse."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from readiness.config.fields import STRICT, Seconds, SecretReference


class SyntheticUpload(BaseModel):
    """The upload that proves the pipeline; it writes, so it runs only where writing is allowed."""

    model_config = STRICT

    workspace: str
    workspace_field: str = "workspace_id"
    """The name of the form's field that takes the workspace."""
    token: SecretReference
    platform: str = "meta"
    source: str = "manual"
    path: str = "/v1/uploads"
    id_pointer: str = "/id"
    """Where the id stands in the answer to an upload that was taken (RFC 6901)."""
    seconds_at_most: Seconds = 60.0
    """How long to wait for the upload to be completed."""
    csv: str = (
        "day,campaign,impressions,clicks,spend\n"
        "2026-01-01,readiness probe,1000,10,1.50\n"
        "2026-01-02,readiness probe,2000,20,3.00\n"
        "2026-01-03,readiness probe,3000,30,4.50\n"
    )
    staged_rows_sql: str = "select count(*) from staging_rows where upload_id = %s"
    production_rows_sql: str | None = None
    """Queries that count the rows of one upload; the parameter is its id."""
    status_sql: str = "select status, row_count from data_uploads where id = %s"
    """Its state, where the service itself shows no upload; the parameter is its id."""
    clean_up: bool = True
    """Delete the upload afterwards, through the service; one that the service cannot delete stays."""


class Stop(BaseModel):
    """A request of a test account that billing must refuse. It reads, so that it costs nothing where it is served."""

    model_config = STRICT

    path: Annotated[str, Field(pattern="^/")]
    """At the target."""
    token: SecretReference
    """The test account's own."""
    refused_with: Annotated[tuple[int, ...], Field(min_length=1)] = (402,)
    """The statuses that mean: billing says no. 401 and 404 mean something else."""


class Billing(BaseModel):
    """What billing enforces."""

    model_config = STRICT

    hard_limit: Stop
    """An account that has used up what its plan gives."""
    paywall: Stop
    """An account without a plan, at something that must be paid for."""
