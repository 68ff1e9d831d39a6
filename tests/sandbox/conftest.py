"""A visitor to the launched sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from readiness.sandbox import Sandbox
from tests.sandbox.visitor import Visitor


@pytest.fixture(scope="module")
def visitor(launched_sandbox: Sandbox) -> Iterator[Visitor]:
    """Somebody who uses the service after the launch."""
    found = Visitor(launched_sandbox)
    with found.http:
        yield found
