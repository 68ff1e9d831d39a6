"""A pooler between the service and its database, asked about its own pools."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from readiness.config.fields import STRICT, Seconds, SecretReference


class Pooler(BaseModel):
    """PgBouncer, by its admin console: the database that is called `pgbouncer` there."""

    model_config = STRICT

    url: SecretReference
    """`postgresql://role:password@host:6432/pgbouncer`; one of `stats_users` may show, and change nothing."""
    database: Annotated[str, Field(min_length=1)] | None = None
    """The service's database, as PgBouncer calls it; None is each that it has."""
    seconds_at_most: Seconds = 5.0
    """For the connection and all that is asked over it."""
