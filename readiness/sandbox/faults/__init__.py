"""Faults: each breaks one thing in the running sandbox, mends it again, and names the lines that must turn."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

WAIT_SECONDS = 30.0
Planting = Callable[["SandboxTarget"], Iterator[None]]


@dataclass(frozen=True)
class Fault:
    """How to break one thing, and what must be seen of it."""

    name: str
    area: str
    says: str
    phases: tuple[str, ...]
    turns: Mapping[str, str]
    """`check[line]` or `check[line:subject]` → the outcome it must turn to; `runbook/line` if not ingestion's."""
    plant: Planting
    retells: bool = False
    """It has the past told anew, and what others have counted is lost by that: they are planted after it."""
    cuts_off: bool = False
    """It takes the service's database away, which others need to plant and to mend: they are mended after it."""


FAULTS: dict[str, Fault] = {}


def fault(
    *phases: str, turns: Mapping[str, str], retells: bool = False, cuts_off: bool = False
) -> Callable[[Planting], Planting]:
    """Register a generator that plants, yields and mends. `turns` counts in those phases that have the item."""

    def register(plant: Planting) -> Planting:
        name = plant.__name__.replace("_", "-")
        area = plant.__module__.rpartition(".")[2]
        FAULTS[name] = Fault(name, area, inspect.getdoc(plant) or "", phases, dict(turns), plant, retells, cuts_off)
        return plant

    return register


def turning(outcome: str, *items: str) -> dict[str, str]:
    """Return that all of these items turn to one outcome."""
    return dict.fromkeys(items, outcome)


def wait_until(condition: Callable[[], object], wanted: str, seconds: float = WAIT_SECONDS) -> None:
    """Ask again and again until it is so. Raises TimeoutError, which says what was wanted."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"the sandbox is not as the fault wants it after {seconds:g} s: {wanted}")
        time.sleep(0.02)


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
