"""`readiness tools`: the programs beside Python that the suite runs: where they are, and how to bring them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from readiness.rendering.terminal import say
from readiness.tools import BY_NAME, TOOLS, Tool, find, version
from readiness.tools.fetching import fetch, may_fetch
from readiness.tools.places import BrokenTool

HELP = "list the programs that the sandbox and the pages need, or fetch those that are missing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="bring what is missing: the system's packages, else the projects' releases into ~/.cache/readiness",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=sorted(BY_NAME),
        metavar="NAME",
        help=f"one of {', '.join(BY_NAME)} (repeatable)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the tools; return 0 when all that were asked for are there and start, else 1. Raises BadInput."""
    named = options.only or [tool.name for tool in TOOLS if not tool.is_of_lab]
    tools = [tool for tool in TOOLS if tool.name in named]
    may_fetch()  # raises on a mistake in the variable, also where nothing is fetched

    failures: Mapping[str, Sequence[str]] = {}
    if options.fetch:
        failures = fetch(tools, say)

    width = max(len(tool.name) for tool in tools)
    # Each is asked for its version: a program that is there and does not start is as good as none.
    complete = [_list(tool, width, failures.get(tool.name, ())) for tool in tools]
    if all(complete):
        return 0

    if not options.fetch:
        say()
        say("to bring what is missing: readiness tools --fetch")
    return 1


def _list(tool: Tool, width: int, failures: Sequence[str]) -> bool:
    """Print a tool and where it is; return whether it is there and starts."""
    blank = " " * width
    program = find(tool)
    if program is None:
        say(f"{tool.name:<{width}}  missing; needed for {tool.needed_for}")
        for reason in failures:
            say(f"{blank}  not fetched: {reason}")
        say(f"{blank}  install {tool.name} yourself: {tool.by_hand}")
        return False

    try:
        stated = version(program)
    except BrokenTool as error:
        say(f"{tool.name:<{width}}  broken: {error}")
        say(f"{blank}  needed for {tool.needed_for}; mend or remove that program")
        return False

    say(f"{tool.name:<{width}}  {program}, {stated}")
    say(f"{blank}  for {tool.needed_for}")
    return True
