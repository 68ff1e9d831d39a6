"""An observation is one fact, fetched through a client, typed, once; the checks that judge it share it.

    @observation
    def connection_pool(postgres: Postgres) -> ConnectionPool: ...

    @observation(needs=CPU)
    def cpu_share(readings: Readings) -> float: ...

A check asks for it by naming it as an argument. The parameters of the observation are names of clients (`http`,
`postgres`, see `readiness.sources.table.Clients`), of the run's context (see `Context`), or else of fields of the
check's limits. Where these are many, one parameter `limits` takes them, typed by a dataclass of their names:

    @dataclass(frozen=True)
    class WatchLimits:
        minutes_at_least: float
        pause_minutes_at_most: float

    @observation
    def watch(history: History, moment: datetime, limits: WatchLimits) -> Watch: ...

Two checks that need the same observation with the same values of those fields share one look. So an observation is
given these fields alone, and never the whole limits of a check.

What must be configured is declared here and read by the plan, the run and the catalogue (see `needs`). A parameter that
is a system needs its section in the environment, unless `optional` names it; `launch_at: datetime` needs a launch time,
`launch_at: datetime | None` does not. What is asked for by name (a reading, a service level, a channel) `needs` says.

A look that does more than read begins when its first check asks for it, and undoes in a `finally` what it did.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import threading
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any, TypeVar

from pydantic import TypeAdapter

from readiness.environment.schema import Environment, KnownReading, Reading
from readiness.files.evidence_file import EvidenceArchive
from readiness.observations.needs import ASKED_BY_NAME, CLIENTS, SYSTEMS, AnyNeed, as_need, derived, sections_of
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.runbook.attestations import Attestations
from readiness.runbook.document_facts import RolloutStage
from readiness.runbook.limits import Limits
from readiness.runbook.schedule import Appointment
from readiness.runbook.sign_off import SignOff
from readiness.sources.table import Clients

Look = TypeVar("Look", bound=Callable[..., object])
Needs = AnyNeed | KnownReading | tuple[AnyNeed | KnownReading, ...]


@dataclass(frozen=True)
class Context:
    """What a run knows by itself; an observation asks for a field by its name."""

    environment: Environment
    moment: datetime
    """The instant that is judged."""
    launch_at: datetime | None
    archive: EvidenceArchive
    """The folder of all evidence."""
    attestations: Attestations
    sign_off: SignOff | None
    line: str
    """`runbook/line:subject` of the item that is judged; each has a look of its own."""
    called_off: threading.Event
    """The run has ended, see `pause`."""
    appointments: Mapping[str, Appointment] = field(default_factory=dict)
    """The schedule of the line's runbook; whoever asks for it asks for `line` too, as each runbook has its own."""
    stages: Mapping[str, RolloutStage] = field(default_factory=dict)
    """The stages of the roll-out by the line's runbook; the same."""
    template_words: frozenset[str] = frozenset()
    """What the runbooks' own templates of incident reports say, normalised."""


CONTEXT = frozenset(field.name for field in fields(Context))
LINE = "line"
READINGS = "readings"
"""The client that a line has as its own runbook asks."""
LIMITS = "limits"
"""The parameter that takes several limits as one object."""
CAME_LATER: Mapping[str, tuple[object, ...]] = {"since": (None,), "within": (None,), "window": (None, "launch")}
"""Limits that observations were given later, and what it is not to state them: it is not told, as it was not before."""
RESERVED = CONTEXT | CLIENTS.keys() | {LIMITS}
"""The parameters that are no limits: a limit that is called so would never arrive."""


@dataclass(frozen=True)
class Given:
    """All that an observation can be given: by the names of its parameters."""

    context: Context
    clients: Clients
    limits: Limits

    def values(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return the value of each name."""
        return {name: self._value(name) for name in names}

    def _value(self, name: str) -> Any:
        if name in CONTEXT:
            return getattr(self.context, name)
        if name == READINGS:
            return self.clients.readings.of(runbook_of(self.context.line))
        if name in CLIENTS:
            return getattr(self.clients, name)
        return getattr(self.limits, name)


@dataclass(frozen=True)
class Observation:
    """A registered look: its function, what it needs, what it does to the target, and whether it must run alone."""

    name: str
    look: Callable[..., object]
    effect: Effect
    quiet: bool
    """It measures time, so it runs after the others and by itself."""
    waits: Callable[[Environment], float]
    """How many seconds it waits for something, at most, by its own settings."""
    stated_needs: tuple[AnyNeed, ...]
    """What it needs configured besides the systems among its parameters."""
    optional: tuple[str, ...]
    """The systems among its parameters that it can do without."""

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters."""
        return tuple(inspect.signature(self.look).parameters)

    @cached_property
    def limits_type(self) -> Callable[..., object] | None:
        """The type of its parameter `limits`; None where it has no such parameter."""
        if LIMITS not in self.parameters:
            return None
        stated: type = typing.get_type_hints(self.look)[LIMITS]
        return stated

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """The names of what tells its looks apart: the limits that it reads, and the line where it asks for that."""
        names: list[str] = []
        for name in self.parameters:
            if name == LIMITS and self.limits_type:
                names += _field_names(self.limits_type)
            elif name == LINE or name not in RESERVED:
                names.append(name)
        return tuple(names)

    @cached_property
    def limit_names(self) -> tuple[str, ...]:
        """The names of the limits that it reads."""
        return tuple(name for name in self.arguments if name != LINE)

    @cached_property
    def sections(self) -> tuple[str, ...]:
        """The sections of the environment file that its clients are made of."""
        return tuple(section for name in self.parameters if name in CLIENTS for section in sections_of(name))

    @property
    def kind(self) -> Any:
        """The type of its value, for writing it to the journal and reading it back."""
        return typing.get_type_hints(self.look)["return"]

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """What writes its value and reads it back. It takes long to make, and is the same for all of one kind."""
        return _adapter(self.kind)

    @cached_property
    def needs(self) -> tuple[AnyNeed, ...]:
        """All that it needs configured."""
        return (*derived(typing.get_type_hints(self.look), self.optional), *self.stated_needs)

    @cached_property
    def readings(self) -> frozenset[str] | None:
        """The names of the readings that it may ask for; None where its needs do not name them: any."""
        if READINGS not in self.parameters:
            return frozenset()
        asking = [need for need in self.stated_needs if READINGS in need.parameters]
        if not asking or not all(need.readings for need in asking):
            return None
        return frozenset(name for need in asking for name in need.readings)

    def lack(self, given: Given) -> NotConfigured | None:
        """Return what is missing in the environment, as the plan and the run tell it; None where nothing is."""
        missing = dict.fromkeys((lack.reason, lack.remedy) for lack in self._missing(given))
        if not missing:
            return None
        reasons, remedies = zip(*missing, strict=True)
        return NotConfigured("; ".join(reasons), "; ".join(remedies))

    def _missing(self, given: Given) -> Iterator[NotConfigured]:
        for need in self.needs:
            try:
                need.find(**given.values(need.parameters))
            except NotConfigured as missing:
                yield missing
            except Unknown:  # it is configured, and cannot be read: the look tells
                continue

    def call(self, given: Given) -> object:
        """Look. Raises NotConfigured before anything is contacted, and Unknown."""
        lack = self.lack(given)
        if lack:
            raise lack
        return self.look(**self.bind(given))

    def bind(self, given: Given) -> dict[str, Any]:
        """Return the value of each parameter."""
        if self.limits_type is None:
            return given.values(self.parameters)

        others = tuple(name for name in self.parameters if name != LIMITS)
        limits = self.limits_type(**given.values(self.limit_names))
        return {**given.values(others), LIMITS: limits}


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _field_names(limits: Callable[..., object]) -> Iterable[str]:
    """Return the names of the limits that a type takes. A model has no signature before it is first used."""
    if isinstance(limits, type) and issubclass(limits, Limits):
        return limits.model_fields
    return inspect.signature(limits).parameters


OBSERVATIONS: dict[str, Observation] = {}
KNOWN_READINGS: dict[str, KnownReading] = {}


def runbook_of(line: str) -> str:
    """Return the runbook of `runbook/line:subject`; the empty text for no line."""
    return line.partition("/")[0]


def _not_at_all(environment: Environment) -> float:
    del environment
    return 0.0


@typing.overload
def observation(look: Look) -> Look: ...
@typing.overload
def observation(
    *,
    needs: Needs | None = ...,
    optional: str | tuple[str, ...] = ...,
    effect: Effect = ...,
    quiet: bool = ...,
    waits: Callable[[Environment], float] = ...,
) -> Callable[[Look], Look]: ...
def observation(
    look: Look | None = None,
    *,
    needs: Needs | None = None,
    optional: str | tuple[str, ...] = (),
    effect: Effect = Effect.READ,
    quiet: bool = False,
    waits: Callable[[Environment], float] = _not_at_all,
) -> Look | Callable[[Look], Look]:
    """Register a look, with what it needs configured (`needs`, `optional`; see the top of this module).

    `effect` needs a check marked with it; `quiet` keeps the pool silent meanwhile.

    >>> from readiness.sources.readings import Readings
    >>> ORDERS = known_reading("orders", "how many orders came in since midnight")
    >>> @observation(needs=ORDERS)
    ... def orders_missing(readings: Readings, orders_at_least: int) -> float:
    ...     return max(0.0, orders_at_least - readings.number(ORDERS))
    >>> OBSERVATIONS["orders_missing"].limit_names
    ('orders_at_least',)
    """
    stated_needs = tuple(as_need(need) for need in _several(needs))
    without = (optional,) if isinstance(optional, str) else optional

    def register(function: Look) -> Look:
        name = function.__name__
        if name in OBSERVATIONS:
            raise ValueError(f"two observations are called {name}")
        made = Observation(name, function, effect, quiet, waits, stated_needs, without)
        problem = _undeclared(made, said=needs is not None)
        if problem:
            raise ValueError(f"the observation {name}: {problem}")
        OBSERVATIONS[name] = made
        return function

    return register(look) if look else register


def _several(needs: Needs | None) -> tuple[AnyNeed | KnownReading, ...]:
    if needs is None:
        return ()
    return needs if isinstance(needs, tuple) else (needs,)


def _undeclared(made: Observation, *, said: bool) -> str | None:
    """Return what is wrong with what an observation declares of its needs; None where nothing is."""
    problem = _limits_problem(made)
    if problem:
        return problem
    unsaid = sorted(ASKED_BY_NAME.intersection(made.parameters))
    if unsaid and not said:
        return f"what of {', '.join(unsaid)} does it ask for? say needs=..., or needs=() for nothing"
    for name in made.optional:
        if name not in SYSTEMS or name not in made.parameters:
            return f"optional: {name} is no system among its parameters"
    for need in made.stated_needs:
        # Two lines whose looks are one must not differ in what they need.
        beyond = set(need.parameters) - CONTEXT - CLIENTS.keys() - set(made.limit_names)
        if beyond:
            return f"it needs {need.key} by {', '.join(sorted(beyond))}, which is no parameter of its own"
    return None


def _limits_problem(made: Observation) -> str | None:
    """Return what is wrong with the parameter `limits` of an observation; None where nothing is, or it has none."""
    if LIMITS not in made.parameters:
        return None
    try:
        stated = made.limits_type
    except (NameError, KeyError) as error:
        return f"the type of its limits cannot be read: {error}"
    if not isinstance(stated, type) or not (is_dataclass(stated) or issubclass(stated, Limits)):
        return f"its limits are {stated}; give them a frozen dataclass with a field for each"

    # A field that is called like a client or the run's context would be given that, and not the limit of the line.
    shadowed = sorted(RESERVED.intersection(made.limit_names))
    if shadowed:
        return f"{stated.__name__} calls a limit {', '.join(shadowed)}, and that is a client's or the run's own name"
    beside = [name for name in made.parameters if name not in RESERVED]
    if beside:
        return f"{', '.join(beside)} is a limit beside its limits; make it a field of {stated.__name__}"
    return None


def known_reading(name: str, says: str, default: Reading | None = None) -> KnownReading:
    """Declare a reading that an observation of this module asks for.

    Its default may ask PostgreSQL of itself and nothing else: no product's table, and no metric. What a document asks
    stands in its runbook (`readings:`), and what a team has in its environment file.

    >>> known_reading("cursors", "the open cursors", Reading(sql="select count(*) from pg_cursors")).default.sql
    'select count(*) from pg_cursors'
    """
    if name in KNOWN_READINGS:
        raise ValueError(f"two readings are called {name}")
    KNOWN_READINGS[name] = KnownReading(name, says, default)
    return KNOWN_READINGS[name]


def pause(called_off: threading.Event, seconds: float) -> None:
    """Wait between two looks at what was begun. Raises Unknown where the run has ended: it is to be undone at once.

    A look that begins something undoes it however the wait ends:

        @observation(effect=Effect.WRITE)
        def imported(http: Http, called_off: threading.Event) -> float:
            job = http.send("POST", "/imports", effect=Effect.WRITE).expect(202).json()["id"]
            try:
                while http.get(f"/imports/{job}").json()["state"] == "running":
                    pause(called_off, seconds=1)
            finally:
                http.send("DELETE", f"/imports/{job}", effect=Effect.WRITE).expect(204)
    """
    if called_off.wait(seconds):
        raise Unknown("the run ended while this was under way", "run it again")


def load_all() -> None:
    """Import every module of this folder, so that all observations are registered."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
