"""What is wrong with the links that people need in a hurry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

ANSWERS = "links.answers[{}]"
DASHBOARD = (ANSWERS.format("key-links:dashboard"), ANSWERS.format("launch400k/key-links:dashboard"))
LOGS = ANSWERS.format("key-links:logs")
APPLICATION = ANSWERS.format("umbrella/key-links:application")


@fault("preflight", turns=turning("fail", *DASHBOARD))
def dashboard_link_gone(target: SandboxTarget) -> Iterator[None]:
    """The dashboard has moved, and the link still leads to its old place."""
    target.papers.page_status["uploads"] = 404
    yield
    target.papers.page_status["uploads"] = 200


@fault("preflight", turns={APPLICATION: "fail"})
def application_link_gone(target: SandboxTarget) -> Iterator[None]:
    """The shop has another address since it was moved, and the link still leads to the old one."""
    target.papers.page_status["shop"] = 410
    yield
    target.papers.page_status["shop"] = 200


@fault("preflight", turns={LOGS: "unknown"})
def logs_asked_too_often(target: SandboxTarget) -> Iterator[None]:
    """Where the logs are, too many have asked today: nobody knows whether the link is right."""
    target.papers.page_status["api"] = 429
    yield
    target.papers.page_status["api"] = 200
