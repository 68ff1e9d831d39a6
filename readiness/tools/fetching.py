"""Bringing what is missing, in the first way that this machine allows."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from readiness.errors import BadInput, ReadinessError, not_one_of
from readiness.tools import apt, releases
from readiness.tools.catalogue import Tool
from readiness.tools.places import NotFetched, cache, find, forget, version

VARIABLE, ON_THE_PATH = "READINESS_TOOLS", "path"


@dataclass(frozen=True)
class Way:
    """One way to bring a tool."""

    says: str
    """What it does, before it does it."""
    bring: Callable[[], None]
    """Raises ReadinessError."""


def may_fetch() -> bool:
    """Return whether anything may be fetched: READINESS_TOOLS=path forbids it. Raises BadInput."""
    setting = os.environ.get(VARIABLE, "")
    if setting not in {"", ON_THE_PATH}:
        raise BadInput([f"{VARIABLE} {not_one_of(setting, [ON_THE_PATH])}"])
    return setting != ON_THE_PATH


def fetch(tools: Sequence[Tool], say: Callable[[str], None]) -> dict[str, list[str]]:
    """Bring the tools that are missing; return by name why some could not be brought. Raises BadInput.

    `say` is told in one line what is about to be fetched, and what for.
    """
    missing = [tool for tool in tools if find(tool) is None]
    if missing and not may_fetch():
        return {tool.name: [f"{VARIABLE}={ON_THE_PATH} forbids to fetch it"] for tool in missing}
    # What comes in one package, as promtool comes with prometheus, is brought once, and fails once.
    tried: dict[str, list[str]] = {}
    for tool in missing:
        if find(tool) is None and tool.package not in tried:
            tried[tool.package] = _bring(tool, say)
    return {tool.name: tried[tool.package] for tool in missing if find(tool) is None}


def _bring(tool: Tool, say: Callable[[str], None]) -> list[str]:
    """Try one way after the other; return why each failed, or nothing once the tool is there."""
    reasons: list[str] = []
    for way in ways(tool):
        say(f"{tool.name}: {way.says}; needed for {tool.needed_for}")
        try:
            way.bring()
            program = find(tool)
            if program:
                version(program)
                return []
            reasons.append(f"{tool.name} was brought, and is not found")
        except (ReadinessError, OSError) as error:
            reasons.append(str(error))
        forget(tool)
    return reasons or [f"there is no way to bring it on {releases.this_platform()}"]


def ways(tool: Tool) -> list[Way]:
    """Return the ways to bring a tool on this machine, best first."""
    possible: list[Way] = []
    if apt.is_there() and apt.has_package(tool):
        if os.geteuid() == 0:
            possible.append(Way(f"installing the package {tool.package} with apt-get", lambda: apt.install(tool)))
        else:
            where = cache() / "packages"
            description = f"downloading the package {tool.package} with apt-get, to unpack it in {where} without root"
            possible.append(Way(description, lambda: apt.unpack(tool)))
    if tool.release:
        try:
            archive = releases.archive_for(tool, releases.pinned())
        except NotFetched:
            return possible
        possible.append(Way(f"downloading {archive.url}", lambda: releases.bring(archive)))
    return possible
