"""All benchmarks that fit into a time, one after the other: `make lab`. Each prints its figures beside its bar.

A bar that is missed and a benchmark that takes too long are told and turn nothing red: they depend on the machine. So
is one that this machine lacks a tool for. One that breaks turns it red. `load_launch`, a quarter of an hour by itself,
`load_stalls`, five minutes, and `load_crowd`, three, are run by hand.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS_AT_MOST = {
    "open_arrivals": 120,
    "observation_pool": 60,
    "sign_off_page": 120,
    "postlaunch": 120,
    "healthy_runs": 180,
    "blind_runs": 240,
    "production_wire": 240,
    "hostile_answers": 300,
    "load_cost": 240,
    "load_truth": 660,
}
"""On two idle cores they take about 21 minutes together, of which `load_truth` takes about 9."""
MINUTES = 20.0
"""How long all together may take unless `--minutes` says so. What does not fit is told: a slow machine makes the last
ones shorter, never the whole longer."""
BARS_MISSED = 3
LACKS_A_TOOL = 77
"""As the GNU tools say of a test that cannot be tried on this machine."""


def run(name: str, seconds: int) -> bool:
    """Run one benchmark, and end it with all that it started when its time is over; return whether it worked."""
    began = time.monotonic()
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, str(ROOT / "tests" / "benchmarks" / f"{name}.py")]
    with subprocess.Popen(words, cwd=ROOT, env=variables, start_new_session=True) as process:
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = None
    ended = {
        None: f"stopped: it has {seconds} s",
        0: "done",
        BARS_MISSED: "a bar was missed, see above",
        LACKS_A_TOOL: "not tried",
    }
    print(f"=== {name}: {ended.get(code, f'broke with {code}')} ({time.monotonic() - began:.0f} s)\n", flush=True)
    return code in ended


def main() -> int:
    """Run all that are named, or of all there are those that fit into the time."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for all together (default: %(default)g)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="these alone, whatever time they take together")
    asked = parser.parse_args()

    ends_at = math.inf if asked.names else time.monotonic() + asked.minutes * 60
    broken = []
    for name in asked.names or SECONDS_AT_MOST:
        print(f"=== {name}", flush=True)
        left = ends_at - time.monotonic()
        if left < 1:
            print(f"=== {name}: not tried: {asked.minutes:g} minutes are over\n", flush=True)
            continue
        if not run(name, int(min(left, SECONDS_AT_MOST[name]))):
            broken.append(name)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
