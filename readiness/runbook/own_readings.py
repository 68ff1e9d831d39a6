"""A runbook's own readings: the queries that its document states, for the lines of this runbook alone.

They name tables, columns and metrics of the product that the document is about. They are asked where the environment
file states no source for the reading; that file says where each system is, so a query never names a host.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, model_validator

from readiness.files.canonical_json import to_json

SOURCES = ("sql", "metric", "promql")


class OwnReading(BaseModel):
    """A query for one fact, as a reading of an environment file has it. Exactly one source.

    >>> OwnReading(sql="select count(*) from staging_rows").sql
    'select count(*) from staging_rows'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sql: str | None = None
    """A query through `postgres`; columns are matched by name."""
    metric: str | None = None
    """A sample of the exposition page; `labels` narrow it, several samples are added up."""
    promql: str | None = None
    """A query to `prometheus`."""
    labels: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_source(self) -> OwnReading:
        stated = [name for name in SOURCES if getattr(self, name) is not None]
        if len(stated) != 1:
            raise ValueError(
                f"a runbook's own reading has one source of sql, metric and promql; here: {stated or 'none'};"
                " an address or a file stands in the environment file, under the same name"
            )
        return self


def digest_of(readings: Mapping[str, OwnReading]) -> str:
    """Return the digest of what a runbook asks by itself: a changed query changes it."""
    plain = {name: reading.model_dump(mode="json", exclude_unset=True) for name, reading in readings.items()}
    return hashlib.sha256(to_json(plain).encode()).hexdigest()
