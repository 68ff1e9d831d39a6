"""The sandboxes that the suite's own tests break: one before the launch, one after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from readiness.sandbox import Sandbox


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
