"""`python -m readiness.sandbox`: the sandbox itself, in the foreground."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from readiness.sandbox.control import Control
from readiness.sandbox.folder import own_folder
from readiness.sandbox.target import SandboxTarget, build

PARENT_SECONDS = 0.5


def main() -> None:
    """Run until told to stop: by a signal, or by the end of the pipe that a parent holds."""
    parser = argparse.ArgumentParser(prog="python -m readiness.sandbox", description=__doc__)
    parser.add_argument("--launched", action="store_true", help="as it stands six minutes after the launch")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="plant a fault (repeatable)")
    parser.add_argument("--replica", action="store_true", help="with a streaming replica of the database")
    parser.add_argument("--papers", type=Path, metavar="FOLDER", help="where attestations and the sign-off stay")
    parser.add_argument("--piped", action="store_true", help="speak JSON to a parent, and end with it")
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with own_folder() as folder:
        target = build(folder, replica=options.replica, papers=options.papers)
        try:
            _serve(target, options, ended)
        finally:
            target.stop()


def _serve(target: SandboxTarget, options: argparse.Namespace, ended: threading.Event) -> None:
    parent = os.getppid()
    control = Control(target)
    if options.launched:
        target.launch()
    for fault in options.fault:
        control.plant(fault)
    _print_variables(control.variables(), piped=options.piped)
    if options.piped:
        threading.Thread(target=_until_alone, args=(ended,), daemon=True).start()
    while not ended.wait(PARENT_SECONDS):
        # The pipe alone does not tell: a process that the parent has forked may hold its other end.
        if options.piped and os.getppid() != parent:
            break
    control.web.leave()


def _until_alone(ended: threading.Event) -> None:
    sys.stdin.read()  # ends when the parent closes its end, or dies
    ended.set()


def _print_variables(variables: dict[str, str], *, piped: bool) -> None:
    if piped:
        print(json.dumps(variables), flush=True)
        return
    print("# The sandbox is up; Ctrl-C stops it. In another shell:")
    print("\n".join(f"export {name}='{value}'" for name, value in variables.items()), flush=True)


if __name__ == "__main__":
    main()
