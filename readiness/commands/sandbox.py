"""`readiness sandbox`: the embedded target in the foreground, whole or with faults, to try the suite on."""

from __future__ import annotations

import argparse
import importlib
import shlex
import signal
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from readiness.errors import BadInput, not_one_of
from readiness.sandbox import Sandbox, SandboxFailed, lacking

if TYPE_CHECKING:
    from readiness.sandbox.faults import Fault

HELP = "run the embedded target, with faults if you like, and say how to point a shell at it"

TELLS_SECRETS = True
"""Those of a database that lives as long as the command does: they are printed to be pasted into another shell."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--launched", action="store_true", help="as it stands six minutes after the launch")
    parser.add_argument("--replica", action="store_true", help="with a streaming replica of the database")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="plant a fault (repeatable)")
    parser.add_argument("--list-faults", action="store_true", help="name the faults: what each breaks, in which phase")


def run(options: argparse.Namespace) -> int:
    """Run the sandbox until Ctrl-C or SIGTERM, and return 0. Raises BadInput."""
    if options.list_faults:
        print(catalogue())
        return 0

    unknown = [name for name in options.fault if name not in faults()]
    if unknown:
        raise BadInput([f"--fault {not_one_of(name, faults())}" for name in unknown])

    # Set by a signal, so that the sandbox is taken down in the ordinary way, its servers too.
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())

    try:
        with Sandbox.start(launched=options.launched, replica=options.replica) as sandbox:
            for name in options.fault:
                sandbox.keep(name)
            print(directions(sandbox, options.fault, launched=options.launched), flush=True)
            ended.wait()
    except SandboxFailed as error:
        raise BadInput([str(error)]) from None
    return 0


def faults() -> Mapping[str, Fault]:
    """Return the faults by name. Raises BadInput where the packages of the sandbox are not installed."""
    # Imported here: other commands need none of those packages.
    try:
        module = importlib.import_module("readiness.sandbox.faults")
    except ModuleNotFoundError as error:
        raise BadInput([lacking(str(error.name))]) from None
    return cast("Mapping[str, Fault]", module.FAULTS)


def catalogue() -> str:
    """Return the faults by area, one a line: its name, what it breaks, in which phases."""
    lines: list[str] = []
    by_name = sorted(faults().items())
    width = max(len(name) for name, _ in by_name)

    for area in sorted({fault.area for _, fault in by_name}):
        lines.append(area)
        for name, fault in by_name:
            if fault.area == area:
                sentence = fault.says.partition("\n")[0]
                lines.append(f"  {name:<{width}}  {sentence}  ({', '.join(fault.phases)})")
    return "\n".join(lines)


def directions(sandbox: Sandbox, faults: list[str], *, launched: bool) -> str:
    """Return how to point a shell at the sandbox, and what to run there."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in sorted(sandbox.variables.items())]
    planted = f", broken on purpose by {', '.join(faults)}" if faults else ""
    phase = "postlaunch" if launched else "preflight"
    return "\n".join(
        [
            f"# The sandbox is up{planted}; Ctrl-C stops it. Paste this into another shell:",
            *exports,
            f"# and there: pytest -m {phase} --env local",
        ]
    )
