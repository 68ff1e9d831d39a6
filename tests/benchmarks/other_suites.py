"""What the installed plugin costs a test suite that has nothing to do with it; the bar is 20 ms.

    .venv/bin/python tests/benchmarks/other_suites.py

An empty suite is started with and without the plugin in turn, each time in a process of its own. Told are the medians
and the least of the processor's time (a busy machine lengthens that on the clock) and of the time on the clock.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = int(os.environ.get("RUNS", "40"))
ALLOWED_MS = 20.0
WORDS = {"with": (), "without": ("-p", "no:readiness.plugin")}


def once(folder: Path, words: tuple[str, ...]) -> tuple[float, float]:
    """Return the seconds of the processor and of the clock that one start takes."""
    before, began = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    after, ended = os.times(), time.perf_counter()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used, ended - began


def main() -> int:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in WORDS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing(): pass\n", encoding="utf-8")
        for _ in range(RUNS):
            for word, words in WORDS.items():
                found[word].append(once(folder, words))
    costs = []
    for position, clock in enumerate(("processor", "clock")):
        medians = {word: statistics.median(run[position] for run in runs) * 1000 for word, runs in found.items()}
        least = {word: min(run[position] for run in runs) * 1000 for word, runs in found.items()}
        costs.append(medians["with"] - medians["without"])
        print(
            f"{clock:<10} median {medians['with']:.0f} ms with, {medians['without']:.0f} without: {costs[-1]:+.1f} ms;"
            f" least {least['with'] - least['without']:+.1f} ms"
        )
    return int(costs[0] > ALLOWED_MS)


if __name__ == "__main__":
    raise SystemExit(main())
