"""What the page that approvers sign costs after 200 runs of 292 lines: a launch that was watched hourly for a week.

    python tests/benchmarks/sign_off_page.py

Prints the processor time of the page, that of reading the same journals as plain JSON, and their ratio.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from readiness.outcomes import Phase
from readiness.rendering.dossier import gather
from readiness.rendering.sign_off_page import render
from tests.evidence.journals import LAUNCH, again, book, keep

HOURLY, AFTERWARDS, LINES = 167, 33, 292
HOUR = timedelta(hours=1)
RATIO_AT_MOST = 4.0
BARS_MISSED = 3


def write_runs(folder: Path) -> None:
    """Keep a run of each hour of the week after the launch, and some of the sign-off."""
    names = [f"line-{number}" for number in range(LINES)]
    lines = [{**line, "phase": list(Phase)} for line in book(names)]

    watched = keep(folder, Phase.POSTLAUNCH, LAUNCH + HOUR, lines=lines)
    for hour in range(2, HOURLY + 1):
        again(watched, LAUNCH + HOUR, LAUNCH + hour * HOUR)

    week_later = LAUNCH + timedelta(days=7)
    signed = keep(folder, Phase.GA, week_later, lines=lines)
    for minute in range(1, AFTERWARDS):
        again(signed, week_later, week_later + timedelta(minutes=minute))


def read_plainly(folder: Path) -> None:
    """Parse each line of each journal, as no reader could do without."""
    for journal in folder.rglob("journal.jsonl"):
        for line in journal.read_bytes().splitlines():
            json.loads(line)


def processor_seconds(work: Callable[[], object]) -> float:
    """Return the better of two times."""
    took = []
    for _ in range(2):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_runs(folder)
        runs = len(list(folder.rglob("journal.jsonl")))
        reading = processor_seconds(lambda: read_plainly(folder))
        page = processor_seconds(lambda: render(gather(folder, "shop", {})))

    ratio = page / reading
    is_missed = ratio > RATIO_AT_MOST
    print(f"{runs} runs of {LINES} lines")
    print(f"read as JSON    {reading:6.2f} s")
    print(f"the whole page  {page:6.2f} s")
    print(f"ratio           {ratio:6.1f}   at most {RATIO_AT_MOST:.0f}{'   MISSED' if is_missed else ''}")
    return BARS_MISSED if is_missed else 0


if __name__ == "__main__":
    sys.exit(main())
