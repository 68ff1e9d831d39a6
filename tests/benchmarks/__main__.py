"""All benchmarks that fit into 20 minutes, one after the other: `make lab`. Each prints its figures beside its bar.

A bar that is missed and a benchmark that takes too long are told and turn nothing red: they depend on the machine. So
is one that this machine lacks a tool for. One that breaks turns it red. `load_launch`, a quarter of an hour by itself,
`load_stalls`, five minutes, and `load_crowd`, three, are run by hand.
"""

from __future__ import annotations

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
"""Together 38 minutes at most; on two idle cores they take about 21, of which `load_truth` takes about 9."""
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
    """Run all that are named, or all there are."""
    wanted = sys.argv[1:] or list(SECONDS_AT_MOST)
    broken = []
    for name in wanted:
        print(f"=== {name}", flush=True)
        if not run(name, SECONDS_AT_MOST[name]):
            broken.append(name)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
