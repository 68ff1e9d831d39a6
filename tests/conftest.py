"""The sandboxes that the suite's own tests break: one before the launch, one after it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from readiness.sandbox import Sandbox


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_ends_what_is_started() -> Iterator[None]:
    """A shell that starts the tests in the background has them ignore Ctrl-C, and with them all that they start."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Give the target as it stands an hour before the launch."""
    with Sandbox.start(replica=True) as running:
        yield running


@pytest.fixture(scope="session")
def launched_sandbox() -> Iterator[Sandbox]:
    """Give the target as it stands six minutes after the launch."""
    with Sandbox.start(launched=True, replica=True) as running:
        yield running
