"""An observation is one fact, fetched through a client, typed, once; the checks that judge it share it.

    @observation
    def connection_pool(postgres: Postgres) -> ConnectionPool: ...

A check asks for it by naming it as an argument. The parameters of the observation say what it needs: the field name of
a client (`http`, `postgres`, see `readiness.sources.table.Clients`), `environment`, `moment` (the instant that is
judged), `launch_at`, `archive` (the folder of all evidence), `attestations`, `line` (`runbook/line:subject` of the item
that is judged; each has a look of its own) and `called_off` (the run has ended, see `pause`), or else the name of a
field of the check's limits. Two checks that need the same observation with the same values of those fields share one
look.

A look that does more than read begins when its first check asks for it, and undoes in a `finally` what it did.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import threading
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from readiness.environment.schema import Environment, KnownReading, Reading
from readiness.outcomes import Effect, NotConfigured, Unknown

Look = TypeVar("Look", bound=Callable[..., object])


@dataclass(frozen=True)
class Observation:
    """A registered look: its function, what it does to the target, and whether it must run alone."""

    name: str
    look: Callable[..., object]
    effect: Effect
    quiet: bool
    """It measures time, so it runs after the others and by itself."""
    waits: Callable[[Environment], float]
    """How many seconds it waits for something, at most, by its own settings."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of its parameters."""
        return tuple(inspect.signature(self.look).parameters)

    @property
    def kind(self) -> Any:
        """The type of its value, for writing it to the journal and reading it back."""
        return typing.get_type_hints(self.look)["return"]


OBSERVATIONS: dict[str, Observation] = {}
KNOWN_READINGS: dict[str, KnownReading] = {}


def _not_at_all(environment: Environment) -> float:
    del environment
    return 0.0


@typing.overload
def observation(look: Look) -> Look: ...
@typing.overload
def observation(
    *, effect: Effect = ..., quiet: bool = ..., waits: Callable[[Environment], float] = ...
) -> Callable[[Look], Look]: ...
def observation(
    look: Look | None = None,
    *,
    effect: Effect = Effect.READ,
    quiet: bool = False,
    waits: Callable[[Environment], float] = _not_at_all,
) -> Look | Callable[[Look], Look]:
    """Register a look. `effect` needs a check marked with it; `quiet` keeps the pool silent meanwhile."""

    def register(function: Look) -> Look:
        name = function.__name__
        if name in OBSERVATIONS:
            raise ValueError(f"two observations are called {name}")
        OBSERVATIONS[name] = Observation(name, function, effect, quiet, waits)
        return function

    return register(look) if look else register


def known_reading(name: str, says: str, default: Reading | None = None) -> KnownReading:
    """Declare a reading that an observation of this module asks for, and its default."""
    if name in KNOWN_READINGS:
        raise ValueError(f"two readings are called {name}")
    KNOWN_READINGS[name] = KnownReading(name, says, default)
    return KNOWN_READINGS[name]


def stated(launch_at: datetime | None) -> datetime:
    """Give the launch time. Raises NotConfigured where the environment names none."""
    if launch_at is None:
        raise NotConfigured("the environment names no launch time", "set launch_at in the environment file")
    return launch_at


def pause(called_off: threading.Event, seconds: float) -> None:
    """Wait between two looks at what was begun. Raises Unknown where the run has ended: it is to be undone at once."""
    if called_off.wait(seconds):
        raise Unknown("the run ended while this was under way", "run it again")


def load_all() -> None:
    """Import every module of this folder, so that all observations are registered."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
