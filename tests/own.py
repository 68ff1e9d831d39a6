"""What the suite's own tests share: their tiers and budgets, and the sandboxes that they break.

A plugin beside `conftest.py`, which a user's run in this folder reads too.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from readiness.redaction import secret
from readiness.sandbox import Sandbox
from tests import tiers
from tests.budgets import Budgets
from tests.matrix.telling import CostTwice
from tests.tiers import ByUnit

IN_MEMORY = Path("/dev/shm")
"""Where Linux has a file system in memory; a container may have a small one."""
ROOM = 4_000_000_000
"""Bytes. The folders of all tests together take a tenth of that."""


def pytest_configure(config: pytest.Config) -> None:
    """Tell what each file costs, and know the marks of the tiers."""
    leave_folders_in_memory()
    for mark, says in tiers.MARKS.items():
        config.addinivalue_line("markers", f"{mark}: {says}")
    config.pluginmanager.register(Budgets(), "budgets-of-our-tests")
    config.pluginmanager.register(CostTwice(), "groups-of-faults")


def leave_folders_in_memory() -> None:
    """Have pytest make its temporary folders in memory, where that has room.

    Each whole run has the disk write its evidence sixteen times before it goes on: a fifth of a small run is that wait.
    """
    if not os.access(IN_MEMORY, os.W_OK):
        return
    has_room = shutil.disk_usage(IN_MEMORY).free > ROOM
    starts_programs = not os.statvfs(IN_MEMORY).f_flag & os.ST_NOEXEC
    if has_room and starts_programs:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among 15,000 tests that stay, neither while they are made nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests into their tiers, before any is left out by its mark."""
    tiers.mark(items)


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByUnit | None:
    """Give a worker whole files, or whole kinds of sandboxes, where files are not to be divided."""
    return ByUnit(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_unconfigure() -> None:
    """End the browser of this process, where a page was looked at."""
    chromium = sys.modules.get("tests.evidence.chromium")
    if chromium:
        chromium.SHARED.close()


@pytest.fixture(scope="session")
def starts_servers() -> None:
    """Mark what starts a sandbox, a database or a demo: `make check` leaves it out."""


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_ends_what_is_started() -> Iterator[None]:
    """A shell that starts the tests in the background has them ignore Ctrl-C, and with them all that they start."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module", autouse=True)
def secrets_of_one_file() -> Iterator[None]:
    """Have each file begin without the secrets of others: a test's `password` masked that word in whatever came later.

    Which file comes after which is chance, with several workers.
    """
    before = secret.known_secrets()
    yield
    secret._seen.intersection_update(before)  # nothing but a test ever forgets a secret


@pytest.fixture(scope="module")
def sandbox(starts_servers: None) -> Iterator[Sandbox]:
    """Give the target as it stands an hour before the launch.

    One for each module: a start costs as much as an idle one does in a minute.
    """
    del starts_servers
    with Sandbox.start(replica=True) as running:
        yield running


@pytest.fixture(scope="module")
def launched_sandbox(starts_servers: None) -> Iterator[Sandbox]:
    """Give the target as it stands six minutes after the launch."""
    del starts_servers
    with Sandbox.start(launched=True, replica=True) as running:
        yield running
