"""The sandbox's environment, for other runbooks than its own."""

from __future__ import annotations

from collections.abc import Iterable

BREAKERS = '  circuit_breakers: {sql: "select name, state from circuit_breaker_state"}\n'
"""What the document of the ingestion runbook asks by itself, and that of the launch leaves to the team."""


def following(environment: str, runbooks: Iterable[str]) -> str:
    """Return the text of the sandbox's environment with these runbooks, and what their lines ask besides."""
    follows = environment.replace("runbooks: [ingestion]", f"runbooks: [{', '.join(runbooks)}]")
    return follows.replace("\nreadings:\n", f"\nreadings:\n{BREAKERS}", 1)
