"""What an observation needs configured, declared once where it is written: for the plan, the run and the catalogue.

A need is a function that finds something in the environment, or raises NotConfigured with what to set. It contacts
nobody. Its parameters are named like those of an observation. An observation calls the same function for the value:

    @need("billing")
    def billing(environment: Environment) -> Billing: ...

    @observation(needs=billing)
    def billing_stops(http: Http, environment: Environment) -> Stops:
        settings = billing(environment)
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, ParamSpec, TypeVar

from readiness.environment.readings import WHEN_ASKED
from readiness.environment.schema import Environment, KnownReading
from readiness.outcomes import NotConfigured
from readiness.sources.levels import Levels
from readiness.sources.readings import Readings, require_revision
from readiness.sources.table import Clients

Since = Literal["launch"]
"""A line that states it speaks of the time since the launch: what it asks about begins there, and not before."""
Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")

CLIENTS: Mapping[str, Any] = typing.get_type_hints(Clients)
"""The name of each client, and its type."""
SYSTEMS = frozenset(name for name, kind in CLIENTS.items() if hasattr(kind, "require_configured"))
"""The clients of a system that the environment names in a section of its own, or does not name."""
SECTIONS = {"exposition": "metrics", "incident_reports": "incidents", "roster": "team", "tickets": "support"}
"""The client of a system → its section, where the two are not called the same."""
_MADE_OF = {"chats": ("communication",), "backups": ("backup",), "replica": ("replica", "postgres")}
"""Other clients → the sections that they are made of."""
ASKED_BY_NAME = frozenset({"readings", "levels", "chats", "backups"})
"""Clients that hold many things: having them as a parameter does not say which of these must be configured."""


def sections_of(client: str) -> tuple[str, ...]:
    """Return the sections of the environment file that a client is made of, besides what every run has.

    >>> sections_of("roster"), sections_of("replica"), sections_of("readings")
    (('team',), ('replica', 'postgres'), ())
    """
    if client in _MADE_OF:
        return _MADE_OF[client]
    return (SECTIONS.get(client, client),) if client in SYSTEMS else ()


@dataclass(frozen=True)
class Need(Generic[Parameters, Value]):
    """Something that must be configured: its key in the environment file, and the function that finds it."""

    key: str
    parameters: tuple[str, ...]
    find: Callable[Parameters, Value]
    alternatives: tuple[Need[..., Any], ...] = ()
    """The needs of which any one meets it."""
    readings: tuple[str, ...] = ()
    """The readings that meet it, by their names; none where it does not tell."""

    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Value:
        """Return what is configured. Raises NotConfigured."""
        return self.find(*args, **kwargs)


AnyNeed = Need[..., Any]


def need(key: str) -> Callable[[Callable[Parameters, Value]], Need[Parameters, Value]]:
    """Declare a need of the environment; `key` names it there, for people.

    >>> @need("loki")
    ... def log_labels(environment: Environment) -> dict[str, str]:
    ...     if environment.loki is None:
    ...         raise NotConfigured("no log is configured", "set loki.url in the environment file")
    ...     return environment.loki.labels
    >>> log_labels.key, log_labels.parameters
    ('loki', ('environment',))
    """

    def declare(find: Callable[Parameters, Value]) -> Need[Parameters, Value]:
        return Need(key, tuple(inspect.signature(find).parameters), find)

    return declare


@need("launch_at")
def stated(launch_at: datetime | None) -> datetime:
    """Return the launch time. Raises NotConfigured where the environment names none."""
    if launch_at is None:
        raise NotConfigured("the environment names no launch time", "set launch_at in the environment file")
    return launch_at


@need("launch_at, where the line says since: launch")
def launch_meant(launch_at: datetime | None, since: Since | None) -> None:
    """Make sure that the launch time is there where a line counts from it. Raises NotConfigured."""
    if since:
        stated(launch_at)


@need("target.revision")
def revision(environment: Environment, readings: Readings) -> None:
    """Make sure that something says which revision runs. Raises NotConfigured."""
    require_revision(environment.target, readings)


@need("readings.{reading}")
def named_reading(readings: Readings, reading: str) -> None:
    """Make sure that there is the reading which the line's limit `reading` names. Raises NotConfigured."""
    readings.require(readings.named(reading))


@need("readings.{reading}, with its time, where the line says since: launch")
def time_meant(readings: Readings, reading: str, since: Since | None) -> None:
    """Make sure that a reading says of when it is, where its line counts from the launch. Raises NotConfigured."""
    if since and not readings.says_its_time(readings.named(reading)):
        raise says_no_time(reading)


def says_no_time(reading: str) -> NotConfigured:
    """Return the error for a reading without a time, in a line that counts from the launch."""
    return NotConfigured(
        f"nothing says of when readings.{reading} is, and the line counts from the launch",
        f"set readings.{reading}.at: a column, a pointer, a query of promql, or `{WHEN_ASKED}` where it looks at now",
    )


def system(name: str) -> AnyNeed:
    """Return the need of a system: its section in the environment."""

    def find(**clients: Any) -> None:
        clients[name].require_configured()

    return Need(SECTIONS.get(name, name), (name,), find)


def reading(known_reading: KnownReading) -> AnyNeed:
    """Return the need of a reading: a source for it, and the system that the source asks."""

    def find(readings: Readings) -> None:
        readings.require(known_reading)

    return Need(f"readings.{known_reading.name}", ("readings",), find, readings=(known_reading.name,))


def figures(*names: str, of: str | None = None) -> AnyNeed:
    """Return the need of figures of a service level: of the one named here, or by the line's limit `of`."""
    fixed = of

    def find_fixed(levels: Levels) -> None:
        levels.require(fixed or "", names)

    def find_named(levels: Levels, of: str) -> None:
        levels.require(of, names)

    listed = ", ".join(names)
    if fixed:
        return Need(f"service_levels.{fixed}: {listed}", ("levels",), find_fixed)
    return Need(f"service_levels.{{of}}: {listed}", ("levels", "of"), find_named)


def either(*needs: AnyNeed | KnownReading) -> AnyNeed:
    """Return a need that any one of these meets; where none is met, the last one says what to set.

    >>> either(system("loki"), KnownReading("log_lines", "the lines of the log")).key
    'loki or readings.log_lines'
    """
    alternatives = [as_need(need_or_reading) for need_or_reading in needs]
    parameters = tuple(dict.fromkeys(name for part in alternatives for name in part.parameters))

    def find(**values: Any) -> None:
        for place, part in enumerate(alternatives, 1):
            try:
                part.find(**{name: values[name] for name in part.parameters})
            except NotConfigured:
                # The last one says what to set.
                if place == len(alternatives):
                    raise
            else:
                return

    key = " or ".join(part.key for part in alternatives)
    names = tuple(name for part in alternatives for name in part.readings)
    return Need(key, parameters, find, tuple(alternatives), names)


def alternative(need: AnyNeed, values: Callable[[tuple[str, ...]], Mapping[str, Any]]) -> AnyNeed:
    """Return which of a need's alternatives is met, the first of them, or the need itself where it has none."""
    for part in need.alternatives:
        try:
            part.find(**values(part.parameters))
        except NotConfigured:
            continue
        return part
    return need


def as_need(need_or_reading: AnyNeed | KnownReading) -> AnyNeed:
    """Return the need of a reading where a reading is named, else the need itself."""
    return reading(need_or_reading) if isinstance(need_or_reading, KnownReading) else need_or_reading


def derived(hints: Mapping[str, Any], optional: tuple[str, ...]) -> tuple[AnyNeed, ...]:
    """Return what parameters need by themselves: a system its section, a `launch_at: datetime` the launch time."""
    systems = tuple(system(name) for name in hints if name in SYSTEMS and name not in optional)
    return (*systems, stated) if hints.get("launch_at") is datetime else systems
