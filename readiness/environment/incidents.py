"""Incident reports: Markdown with front matter, one for each incident, in a folder or as issues of a tracker.

    ---
    id: INC-12
    title: uploads refused
    started_at: 2026-12-03T09:10:00Z
    ended_at: 2026-12-03T09:52:00Z      # null while it lasts
    written_at: 2026-12-04T15:00:00Z
    alerts: [HighErrorRate]             # that told of it
    ---
    ## Summary
    ...

A field such as `customer_impact` is a key of the front matter or a heading of the text: `## Customer impact`. An issue
is such a text too; what its front matter leaves out the tracker knows: id (#12), title, when it was opened and closed.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from readiness.config.documents import LOADER, is_too_deep
from readiness.config.fields import STRICT, Instant, StatedPath
from readiness.config.wording import says_nothing
from readiness.environment.repositories import Repository
from readiness.errors import wrong_value
from readiness.files.canonical_json import JsonObject
from readiness.runbook.sign_off import Said

_FRONT = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n(.*))?\Z", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_LONGEST_FRONT = 20_000
"""Characters."""
_MOST_BRACKETS = 500
"""Deep nesting costs the reader of YAML minutes."""


class Tracker(Repository):
    """Reports that are issues of a GitHub repository."""

    label: Annotated[str, Field(min_length=1)] = "incident"
    """What tells them from other issues."""


class Incidents(BaseModel):
    """Where incidents are written down, and what knows of them besides `readings.known_incidents`."""

    model_config = STRICT

    folder: StatedPath | None = None
    """Of the reports: Markdown files with front matter; README.md and template.md are none."""
    tracker: Tracker | None = None
    alerts: str | None = None
    """Alerts of this severity each have a report; Prometheus tells when they fired."""

    @model_validator(mode="after")
    def _somewhere(self) -> Incidents:
        if self.folder is None and self.tracker is None:
            raise ValueError("reports are in a folder or in a tracker; name one")
        return self


class _Front(BaseModel):
    # Teams keep more in their reports than is asked for here.
    model_config = ConfigDict(extra="allow", frozen=True)

    id: Said
    title: Said
    started_at: Instant
    ended_at: Instant | None
    written_at: Instant | None = None
    alerts: tuple[str, ...] = Field(())

    @model_validator(mode="after")
    def _in_order(self) -> _Front:
        if self.ended_at and self.ended_at < self.started_at:
            raise ValueError("ended_at is before started_at")
        if self.written_at and self.written_at < self.started_at:
            raise ValueError("written_at is before started_at")
        return self


@dataclass(frozen=True)
class Report:
    """One incident's report."""

    id: str
    title: str
    started_at: datetime
    ended_at: datetime | None
    """None while the incident lasts."""
    written_at: datetime | None
    alerts: tuple[str, ...]
    fields: tuple[str, ...]
    """What it tells: the keys and headings with a text that is no placeholder."""


class NoReport(ValueError):
    """A file that is no incident report; the message says why, in one line."""


def parse(text: str, defaults: Mapping[str, object] | None = None, template: Container[str] = ()) -> Report:
    """Return the report in a text; the `defaults` stand in for front matter that it lacks.

    A field that says what the `template` says by itself tells nothing.

    Raises NoReport.
    """
    text = text.replace("\r\n", "\n").lstrip("\ufeff")
    match = _FRONT.match(text)
    if not match and not defaults:
        raise NoReport("it does not begin with front matter between two lines of ---")

    data = dict(defaults or {})
    body = text
    if match:
        data |= _mapping(match[1])
        body = match[2] or ""

    try:
        front = _Front.model_validate(data)
    except ValidationError as error:
        raise NoReport("; ".join(_sentence(problem) for problem in error.errors())) from None

    texts = {key: _text(value) for key, value in data.items()} | dict(_sections(body))
    return Report(
        id=front.id,
        title=front.title,
        started_at=front.started_at,
        ended_at=front.ended_at,
        written_at=front.written_at,
        alerts=front.alerts,
        fields=tuple(sorted(_key(name) for name, text in texts.items() if not says_nothing(text, template))),
    )


def _mapping(text: str) -> JsonObject:
    """Return the front matter. Raises NoReport, for what would keep the reader of YAML busy too."""
    brackets = text.count("[") + text.count("{")
    if len(text) > _LONGEST_FRONT or brackets > _MOST_BRACKETS:
        raise NoReport(f"its front matter has more than {_LONGEST_FRONT:,} characters or {_MOST_BRACKETS} brackets")
    if is_too_deep(text):
        raise NoReport("its front matter is nested too deeply")

    try:
        # An alias is not even loaded: ten within each other make a billion texts.
        aliased = any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, LOADER))
        data = None if aliased else yaml.load(text, LOADER)  # noqa: S506  a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        # Marks count from 0, and the line of --- stands above.
        place = f"line {mark.line + 2}: " if mark else ""
        raise NoReport(f"{place}its front matter is not YAML: {getattr(error, 'problem', error)}") from None
    except ValueError as error:  # 2026-02-30
        raise NoReport(f"its front matter holds an impossible date: {error}") from None

    if aliased:
        raise NoReport("its front matter holds an alias (*name); write the text out")
    if not isinstance(data, dict):
        raise NoReport("its front matter is no mapping of keys")
    return {str(key): value for key, value in data.items()}


def _sentence(problem: ErrorDetails) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{key} is missing"

    message = wrong_value(problem)
    # A mistake between two keys is at none of them.
    return f"{key}: {message}" if key else message


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "\n".join(_text(part) for part in value)
    if isinstance(value, dict):
        return "\n".join(f"{_text(key)} {_text(part)}" for key, part in value.items())
    return str(value)


def _sections(body: str) -> Iterator[tuple[str, str]]:
    """Yield each heading with the text below it, to the next heading of its level or above."""
    headings = list(_HEADING.finditer(body))
    for index, heading in enumerate(headings):
        level = len(heading[1])
        ends = (later.start() for later in headings[index + 1 :] if len(later[1]) <= level)
        text = body[heading.end() : next(ends, len(body))]
        # Headings within it are no text: an empty template with subheadings still says nothing.
        yield heading[2], _HEADING.sub("", text)


def _key(heading: str) -> str:
    """Return `Customer impact:` as customer_impact."""
    return re.sub(r"[^a-z0-9]+", "_", heading.casefold()).strip("_")
