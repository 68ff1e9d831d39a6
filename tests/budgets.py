"""What each file of tests costs, told at the end beside what it may cost. Nothing turns red by it.

It is processor time, of the tests and of all that they started and waited for, so that a busy machine does not matter;
a server counts where it is stopped.
"""

from __future__ import annotations

import resource
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from tests import warm

SECONDS = 15.0
"""What a file may cost unless it is named below."""
MORE_SECONDS = {
    "tests/matrix/test_fault_matrix.py": 400.0,
    "tests/packaging/test_demo.py": 45.0,
    "tests/packaging/test_other_suites.py": 20.0,
    "tests/packaging/test_wheel.py": 20.0,  # builds the wheel, and installs it
    "tests/whole_runs/test_run_endings.py": 75.0,
    "tests/sandbox/test_faults.py": 45.0,  # fifty faults, each planted, looked at and mended
    "tests/sandbox/test_life.py": 25.0,  # a sandbox for each way to end
    "tests/whole_runs/test_diagnostics.py": 25.0,
    "tests/fail_open/test_fail_open.py": 25.0,  # fifty situations, each a run
    "tests/plugin/test_held_back.py": 30.0,  # thirty histories, each of several runs
    "tests/plugin/test_never_ended.py": 30.0,  # nine ends, each of several runs
    "tests/plugin/test_killed_runs.py": 20.0,  # seven histories, each of several runs
    "tests/plugin/test_run_after_run.py": 20.0,
    "tests/plugin/test_overlapping.py": 20.0,  # nine histories, each of several runs
    "tests/plugin/test_since_approved.py": 25.0,  # twenty histories, each of several runs
    "tests/plugin/test_odd_input.py": 20.0,  # sixty inputs, each a run
    "tests/commands/test_gate.py": 45.0,
    "tests/evidence/test_hostile_files.py": 30.0,  # each file is read by every command
    "tests/evidence/test_summary_at_the_end.py": 30.0,  # thirty ways to end, each by pytest and by the gate
    "tests/plugin/test_lines.py": 20.0,
    "tests/redaction/test_redaction.py": 20.0,
    "tests/test_warm.py": 40.0,
    "tests/whole_runs/test_output_unread.py": 40.0,  # processes of their own: they begin without descriptors
    "tests/whole_runs/test_decided.py": 20.0,
    "tests/whole_runs/test_shipped_ladders.py": 25.0,  # eighteen worlds, each a run
    "tests/observations/test_needs.py": 20.0,
    "tests/loadtests/test_rehearsing.py": 75.0,
    "tests/loadtests/test_rehearse_command.py": 30.0,
    "tests/loadtests/test_secrets.py": 30.0,
}
SHOWN = 20
COST = "processor seconds"


def spent() -> float:
    """Return the processor time of this process, of those it waited for, and of the runs forked for it."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime + warm.cpu_seconds()


class Budgets:
    """Counts what each test costs on its worker, and adds it up for each file."""

    def __init__(self) -> None:
        self._before = spent()
        self._cost: dict[str, float] = defaultdict(float)
        self._tests: Counter[str] = Counter()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Note the cost with the last report of a test: a worker sends it along."""
        if call.when == "teardown":
            now = spent()
            item.user_properties.append((COST, now - self._before))
            self._before = now
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up."""
        if report.when != "teardown":
            return
        file = report.nodeid.partition("::")[0]
        self._tests[file] += 1
        self._cost[file] += sum(float(str(value)) for name, value in report.user_properties if name == COST)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell the costliest files, and those over their budget."""
        terminalreporter.section("processor seconds of each file, and its budget")
        terminalreporter.line(f"{sum(self._cost.values()):8.1f}        all {self._tests.total()} tests")
        costliest = sorted(self._cost.items(), key=lambda one: -one[1])
        for place, (file, cost) in enumerate(costliest):
            budget = MORE_SECONDS.get(file, SECONDS)
            is_over = cost > budget
            said = "   OVER ITS BUDGET: make it cheaper, or say in tests/budgets.py why it may cost more"
            if is_over or place < SHOWN:
                row = f"{cost:8.1f} {budget:6.0f} {file} ({self._tests[file]} tests){said if is_over else ''}"
                terminalreporter.line(row, red=is_over)
