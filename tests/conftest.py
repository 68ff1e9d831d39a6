"""The sandboxes that the suite's own tests break: one before the launch, one after it; and how Hypothesis looks."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from readiness.sandbox import Sandbox

# The same examples on every machine, however busy; HYPOTHESIS_PROFILE=default looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


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
