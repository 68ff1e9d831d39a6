"""How often does a healthy service get anything but the good word? Whole runs of all phases, beside the sandbox.

    python tests/benchmarks/healthy_runs.py [RUNS]

Each phase is run so often as a true process, at sandboxes that are healthy: a new one after every few runs, so that
what grows old in one of them is no part of the question. Printed are, for each phase, how many runs ended in the good
word, the wall time of a run, and each false alarm with its lines. The bar is no false alarm.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from readiness.outcomes import Phase  # noqa: E402
from readiness.sandbox import Sandbox  # noqa: E402
from tests.benchmarks.recorded import BARS_MISSED, Ended, run  # noqa: E402

RUNS = 3
RUNS_OF_A_SANDBOX = 5
WEEK = 7
"""Days after the launch on which the last phase is judged."""
GOOD = {Phase.PREFLIGHT: "GO", Phase.SMOKE: "GO", Phase.POSTLAUNCH: "OK", Phase.GA: "APPROVED"}
Runs = dict[Phase, list[Ended]]


def main() -> int:
    """Run everything and print it; return whether the bar was missed."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    ended: Runs = defaultdict(list)
    for begun in range(0, wanted, RUNS_OF_A_SANDBOX):
        for phase, each in _launch(min(RUNS_OF_A_SANDBOX, wanted - begun)):
            ended[phase].append(each)
            if each.word != GOOD[phase]:
                _tell_false_alarm(phase, len(ended[phase]), each)

    return BARS_MISSED if sum(_tell(phase, ended[phase]) for phase in Phase) else 0


def _launch(runs: int) -> Iterator[tuple[Phase, Ended]]:
    """Take one sandbox from before the launch to a week after it; yield how each run of each phase ended."""
    with tempfile.TemporaryDirectory(prefix="readiness-healthy-") as name, Sandbox.start() as sandbox:
        reports = Path(name)
        _drill(reports)
        for phase in Phase:
            if phase is Phase.SMOKE:
                sandbox.launch()
            if phase is Phase.GA:
                sandbox.age(WEEK)
            for _ in range(runs):
                yield phase, run(phase, "local", ROOT / "environments", reports, sandbox.variables)


def _drill(reports: Path) -> None:
    """Leave the evidence of a drill, which the first phase asks for; it starts a sandbox of its own."""
    words = ["drill", "kill-switch", "--env", "local", f"--reports={reports}"]
    subprocess.run([sys.executable, "-m", "readiness", *words], cwd=ROOT, capture_output=True, check=True)


def _tell_false_alarm(phase: Phase, number: int, ended: Ended) -> None:
    print(f"FALSE ALARM {phase} run {number}: {ended.word}, exit {ended.exit}, {ended.seconds:.1f} s", flush=True)
    for line in (*ended.failed, *ended.unknown):
        print(f"            {line}", flush=True)
    if not (ended.failed or ended.unknown):
        print(ended.output, flush=True)


def _tell(phase: Phase, ended: list[Ended]) -> int:
    """Print what the runs of a phase came to; return how many were false alarms."""
    false_alarms = sum(each.word != GOOD[phase] for each in ended)
    seconds = [each.seconds for each in ended]
    word = "MISSED" if false_alarms else "ok    "
    times = f"{median(seconds):5.1f} s a run, {max(seconds):5.1f} s at worst"
    print(f"{word} {phase:<11} {len(ended) - false_alarms} of {len(ended)} {GOOD[phase]}; {times}", flush=True)
    return false_alarms


if __name__ == "__main__":
    raise SystemExit(main())
