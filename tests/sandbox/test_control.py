"""Several faults at once: one that cannot be mended leaves none of the others planted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import cast

import pytest

from readiness.sandbox.control import Control
from readiness.sandbox.faults import FAULTS, Fault
from readiness.sandbox.target import SandboxTarget


class Nothing:
    """A target that none of these faults touches."""

    class monitoring:  # noqa: N801  the target's own attribute is called so
        together = nullcontext

        @staticmethod
        def forget_missed() -> None:
            """Nothing was looked at, so nothing was missed."""


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch, done: list[str]) -> Iterator[Control]:
    for name, options in {"first": {}, "stuck": {}, "last": {"cuts_off": True}, "before": {"retells": True}}.items():
        fault = Fault(name, "", "", (), {}, planting(name, done), **options)
        monkeypatch.setitem(FAULTS, name, fault)
    made = Control(cast("SandboxTarget", Nothing()))
    yield made
    made.web.stop()


def planting(name: str, done: list[str]) -> Callable[[object], Iterator[None]]:
    def plant(target: object) -> Iterator[None]:
        del target
        done.append(f"{name} planted")
        yield
        if name == "stuck":
            raise OSError("the system is away")
        done.append(f"{name} mended")

    return plant


def test_what_takes_the_database_away_is_planted_last_and_mended_first(control: Control, done: list[str]) -> None:
    control.plant("last", "first", "before")
    assert done == ["before planted", "first planted", "last planted"]
    control.mend("before", "first", "last")
    assert done[3:] == ["last mended", "first mended", "before mended"]


def test_one_that_cannot_be_mended_leaves_none_of_the_others_planted(control: Control, done: list[str]) -> None:
    control.plant("first", "stuck", "last")
    with pytest.raises(OSError, match="the system is away"):
        control.mend("first", "stuck", "last")
    assert done[3:] == ["last mended", "first mended"]

    control.plant("stuck")
    assert done[-1] == "stuck planted"
