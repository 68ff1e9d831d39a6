"""How an item will come by its facts: asked of which system, read from a file, declared, or a person's word.

It reads what each observation declares of its needs, and contacts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import pytest

from readiness.clients.programs import shown_command
from readiness.environment.posts import ByHttp
from readiness.environment.schema import Environment, KnownReading, Reading
from readiness.observations import KNOWN_READINGS, OBSERVATIONS, READINGS, Given, Observation
from readiness.observations.needs import AnyNeed, alternative, sections_of
from readiness.plugin.observer import Observer
from readiness.plugin.session import STATE
from readiness.redaction.shown import shown
from readiness.sources.provenance import declared_ahead
from readiness.sources.readings import Readings


class SourceKind(StrEnum):
    """How a fact is come by."""

    ASKED = "asked"
    FILE = "file"
    DECLARED = "declared"
    """It stands in a file, and nobody looks."""
    PERSON = "a person's word"
    PLANNED = "planned"
    RENDERED = "rendered"
    """No check decides the line: a part of the report answers it."""
    NOT_CONFIGURED = "not configured"


@dataclass(frozen=True)
class PlannedSource:
    """One place that an item has its facts from."""

    kind: SourceKind
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


_KEY = re.compile(r"[a-z_]+(?:\.[A-Za-z0-9_-]+)*")
"""A key of the environment file among the words of a need."""
_SYSTEM_OF = {"sql": "postgres", "promql": "prometheus", "metric": "metrics"}
POST_SHOWN = 120
_WITHIN = ("backup.supabase", "communication.discord", "communication.slack", "communication.status_page")
"""Systems that stand in a section beside others."""
_NO_SYSTEM = {"backup", "billing", "communication", "drills", "incidents", "load", "synthetic_upload"}
"""Sections that say how something is looked at; what is asked there is told by another key, or is the target."""
_FILES = {"backup.folder"}
_STATED = {"launch_at", "internal_workspaces", "team"}
_OWN_FILES = {"archive": "the suite's own evidence", "history": "the suite's own runs"}
"""Parameters of observations that lead to a file."""
_PERSONS_WORD = {"attestations": "an attestation", "sign_off": "the sign-off"}


def sources_of(node: pytest.Item, observer: Observer) -> list[PlannedSource]:
    """Return where an item has its facts from, each place once; what is not configured is told in its place."""
    state = node.stash[STATE]
    if state.limits_lack:
        return [PlannedSource(SourceKind.NOT_CONFIGURED, str(state.limits_lack).removeprefix("not configured: "))]
    given = observer.given(state.limits, state.item.name)
    names = [name for name in getattr(node, "fixturenames", ()) if name in OBSERVATIONS]
    return list(dict.fromkeys(source for name in names for source in _of_look(OBSERVATIONS[name], given)))


def _of_look(observation: Observation, given: Given) -> Iterator[PlannedSource]:
    lack = observation.lack(given)
    if lack:
        yield PlannedSource(SourceKind.NOT_CONFIGURED, str(lack).removeprefix("not configured: "))
        return
    for need in observation.needs:
        yield from _of_need(need, given)
    yield from _asked_besides(observation, given.context.environment)
    for name in observation.parameters:
        if name == "http":
            yield PlannedSource(SourceKind.ASKED, "the target")
        elif name == "chats":
            yield from _of_chats(given.context.environment)
        elif name == "incident_reports":
            yield from _of_incident_reports(given.context.environment)
        elif name in _OWN_FILES:
            yield PlannedSource(SourceKind.FILE, _OWN_FILES[name])
        elif name in _PERSONS_WORD:
            yield PlannedSource(SourceKind.PERSON, _PERSONS_WORD[name])


def _asked_besides(observation: Observation, environment: Environment) -> Iterator[PlannedSource]:
    """Yield the systems that a look can do without, and asks where the environment names them."""
    needed = " ".join(need.key for need in observation.needs)
    for section in (section for name in observation.optional for section in sections_of(name)):
        if section not in needed and _is_stated(section, environment):
            yield from _of_section(section, environment)


def _of_need(need: AnyNeed, given: Given) -> Iterator[PlannedSource]:
    """Yield what meets a need: each key that it names and that the environment has."""
    environment = given.context.environment
    chosen = alternative(need, given.values)
    key = chosen.key.format(**given.values(chosen.parameters))
    for path in _KEY.findall(key):
        section, _, rest = path.partition(".")
        if section == "readings":
            yield from _of_reading(rest, given)
        elif section == "service_levels":
            yield from _of_level(rest, environment)
        elif path == "target.revision":
            yield from _of_revision(environment)
        elif section in type(environment).model_fields and _is_stated(path, environment):
            yield from _of_section(path, environment)


def _is_stated(path: str, environment: Environment) -> bool:
    """Check whether the environment has something at a path."""
    value: object = environment
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return value not in (None, (), {}, "")


def _of_section(path: str, environment: Environment) -> Iterator[PlannedSource]:
    """Yield what a key of the environment leads to: a system, a file, or what stands there."""
    section = path.partition(".")[0]
    system = next((system for system in _WITHIN if path.startswith(system)), "")
    is_file_of_team = section == "team" and environment.team is not None and environment.team.file is not None
    if path in _FILES or is_file_of_team:
        yield PlannedSource(SourceKind.FILE, path)
    elif section in _STATED:
        yield PlannedSource(SourceKind.DECLARED, path)
    elif section == "status_pages":
        yield PlannedSource(SourceKind.ASKED, path)
    elif system or section not in _NO_SYSTEM:
        yield PlannedSource(SourceKind.ASKED, system or section)


def _of_chats(environment: Environment) -> Iterator[PlannedSource]:
    communication = environment.communication
    if communication and communication.slack:
        yield PlannedSource(SourceKind.ASKED, "communication.slack")
    if communication and communication.discord:
        yield PlannedSource(SourceKind.ASKED, "communication.discord")


def _of_incident_reports(environment: Environment) -> Iterator[PlannedSource]:
    incidents = environment.incidents
    if incidents and incidents.folder:
        yield PlannedSource(SourceKind.FILE, "incidents.folder")
    if incidents and incidents.tracker:
        yield PlannedSource(SourceKind.ASKED, "incidents.tracker")
    if incidents and incidents.alerts:
        yield PlannedSource(SourceKind.ASKED, "prometheus for incidents.alerts")


def _of_reading(name: str, given: Given) -> Iterator[PlannedSource]:
    readings: Readings = given.values((READINGS,))[READINGS]
    reading = KNOWN_READINGS.get(name, KnownReading(name, name))
    source = readings.source(reading)
    if source is not None:
        yield _of_source(f"readings.{name}", source, list(map(str, readings.declared_ahead(reading))))


def _of_source(key: str, source: Reading, stated: list[str]) -> PlannedSource:
    """Return how a reading is come by; `stated` says how it is no question, as a constant in a query is none."""
    if stated:
        return PlannedSource(SourceKind.DECLARED, stated[0])
    if source.file is not None:
        return PlannedSource(SourceKind.FILE, f"{key} ({source.file.name})")
    if source.command is not None:
        return PlannedSource(SourceKind.ASKED, f"{shown_command(source.command)} for {key}")
    system = next((system for name, system in _SYSTEM_OF.items() if getattr(source, name) is not None), None)
    return PlannedSource(SourceKind.ASKED, f"{system or _of_http(source)} for {key}")


def way_of(source: Reading | None) -> str:
    """Return how a source is asked, where whoever reads the plan should know: a program is run, a POST is sent."""
    if source is None:
        return ""
    if source.command is not None:
        return f"; runs {shown_command(source.command)}"
    return f"; by POST, {shown(source.post.kind, POST_SHOWN)}" if source.post else ""


def _of_http(source: ByHttp) -> str:
    """Return whom a source asks by HTTP, and by what right a POST is taken for a read."""
    if source.post is None:
        return source.http or ""
    return f"{source.http} by POST ({shown(source.post.kind, POST_SHOWN)})"


def _of_revision(environment: Environment) -> Iterator[PlannedSource]:
    revision = environment.target.revision
    if isinstance(revision, Reading):
        stated = list(map(str, declared_ahead("target.revision", revision, f"{environment.environment}.yaml")))
        yield _of_source("target.revision", revision, stated)
    elif revision is not None:
        yield PlannedSource(SourceKind.DECLARED, f"target.revision is stated in {environment.environment}.yaml")


def _of_level(name: str, environment: Environment) -> Iterator[PlannedSource]:
    level = environment.service_levels.get(name)
    if level is None:
        return
    if level.history is not None:
        yield PlannedSource(SourceKind.FILE, f"the suite's own runs for service_levels.{name}")
    for _, figure in level.figures():
        system = next((system for key, system in _SYSTEM_OF.items() if getattr(figure, key, None) is not None), None)
        yield PlannedSource(SourceKind.ASKED, f"{system or _of_http(figure)} for service_levels.{name}")
