"""What a user of a load rehearsal does, as data: steps with what is sent, what is expected, and what is kept."""

from __future__ import annotations

import csv
import json
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from readiness.measurements import is_digits

_PLACE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
BUILT_IN = ("unique", "braces")
"""`{{unique}}` is another text in each visit, and `{{braces}}` is `{{` itself, where it begins no place."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Upload(_Part):
    """A file sent as multipart form data."""

    field: str = "file"
    name: str = "rows.csv"
    type: str = "text/csv"
    text: str
    fields: dict[str, str] = {}
    """Sent beside the file."""


class Step(_Part):
    """One request. `{{name}}` in it comes from the row, from what was kept, or is one of `BUILT_IN`.

    Not to be renamed lightly: the visitors that teams have written import it by this name.
    """

    path: Annotated[str, Field(pattern=r"^(/|\{\{|https?://)")]
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    name: str | None = None
    """How it is called in the report; without it the path as it stands here, so that ids make no thousand rows."""
    headers: dict[str, str] = {}
    json_body: Any = Field(default=None, alias="json")
    text: str | None = None
    form: dict[str, str] | None = None
    upload: Upload | None = None
    status: tuple[int, ...] = (200, 201, 202, 204, 301, 302, 303, 304, 307, 308)
    """The answers that are as wanted; a redirect is an answer and is not followed."""
    contains: str | None = None
    keep: dict[str, str] = {}
    """Name → JSON pointer (RFC 6901) into the answer, for later steps."""
    seconds_below: Annotated[float, Field(gt=0)] | None = None
    """Waited for at most; without it the environment's."""

    @model_validator(mode="after")
    def _one_body(self) -> Step:
        bodies = [name for name in ("json_body", "text", "form", "upload") if getattr(self, name) is not None]
        if len(bodies) > 1:
            raise ValueError(f"a step sends one body, here: {', '.join(bodies)}")
        return self

    @property
    def title(self) -> str:
        """How it is called in the report."""
        return self.name or self.path


class Journey(_Part):
    """Steps in order, taken over and over; `weight` says how often beside the other journeys."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    weight: Annotated[float, Field(gt=0)] = 1.0
    rows: Path | None = None
    """A CSV file beside the environment; each visit takes the next row, and starts again at the end."""


def read_rows(journey: Journey, folder: Path) -> list[dict[str, str]]:
    """Return the rows of a journey, by column. Raises ValueError where the file is missing or empty."""
    if journey.rows is None:
        return [{}]

    path = folder / journey.rows
    try:
        # A spreadsheet puts a byte order mark before its CSV.
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"rows: {path.name} cannot be read: {error}") from None

    if not rows:
        raise ValueError(f"rows: {path.name} has no row below its header")
    return rows


def check_names(journey: Journey, rows: list[dict[str, str]]) -> None:
    """Raise ValueError where a step holds a `{{name}}` that no row, no earlier step and nothing built in gives."""
    given = dict.fromkeys([*rows[0], *BUILT_IN], "")
    for number, step in enumerate(journey.steps):
        for key, part in step.model_dump(by_alias=True, exclude={"name", "keep"}).items():
            try:
                fill_all(part, given)
            except ValueError as error:
                raise ValueError(f"steps.{number}.{key}: {error}") from None
        given |= dict.fromkeys(step.keep, "")


def built_in() -> dict[str, str]:
    """Return the values that are there without a row, for one visit."""
    return {"unique": uuid.uuid4().hex, "braces": "{{"}


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a text with each `{{name}}` replaced by its value. Raises ValueError for a name that nothing gave."""
    # Run for each request: most texts have no place to fill.
    if "{{" not in text:
        return text

    def value(place: re.Match[str]) -> str:
        name = place[1]
        if name not in values:
            raise ValueError(f"{{{{{name}}}}} has no value: no row and no earlier step gave it")
        return values[name]

    return _PLACE.sub(value, text)


def fill_all(data: Any, values: Mapping[str, str]) -> Any:
    """Return a JSON value with every text in it filled, but for the keys. Raises ValueError as `fill` does."""
    if isinstance(data, str):
        return fill(data, values)
    if isinstance(data, list):
        return [fill_all(item, values) for item in data]
    if isinstance(data, dict):
        return {key: fill_all(item, values) for key, item in data.items()}
    return data


def point(document: bytes, pointer: str) -> str:
    """Return the text of the value that a JSON pointer (RFC 6901) names. Raises ValueError where there is none."""
    try:
        here = json.loads(document)
    except ValueError:
        raise ValueError("the answer is not JSON") from None

    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and key in here:
            here = here[key]
        elif isinstance(here, list) and is_digits(key) and int(key) < len(here):
            here = here[int(key)]
        else:
            raise ValueError(f"the answer has nothing at {pointer}")

    # A step puts it into a text: an object, a list or nothing is no part of one.
    if isinstance(here, dict | list) or here is None:
        raise ValueError(f"the answer has no plain value at {pointer}")
    return str(here)
