"""What the tables of a runbook's document are called here: for SQL that is printed for a review, and never run.

tables:
data_uploads: {table: ingest.jobs, columns: {id: job_id, status: state}, values: {status: {failed: FAILED}}}
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from readiness.config.fields import STRICT

PARTS_AT_MOST = 2
"""A schema, and the table in it."""


def _name(text: str) -> str:
    parts = text.split(".")
    if len(parts) > PARTS_AT_MOST or not all(part and part.isprintable() for part in parts):
        raise ValueError(f"{text!r} is no table; write jobs, or ingest.jobs with its schema")
    return text


def _column(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"{text!r} is no column")
    return text


Column = Annotated[str, Field(min_length=1), AfterValidator(_column)]


class TableHere(BaseModel):
    """One of them."""

    model_config = STRICT

    table: Annotated[str, AfterValidator(_name)]
    """Its name, with its schema where that is not on the search path."""
    columns: dict[str, Column] = {}
    """The document's column → the one here; what is left out is called the same."""
    values: dict[str, dict[str, str]] = {}
    """The document's column → its value → the value here."""
