"""`readiness plan`: what a run would decide, and whether the environment has all that it needs. Contacts nothing."""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout

import pytest

from readiness.commands import add_env
from readiness.outcomes import Phase
from readiness.plugin.page import NARROWEST, wrapped
from readiness.plugin.plan_rows import WholePlan
from readiness.rendering.terminal import say, say_json

HELP = "show each line: when and how it is decided, and what is not configured; contacts nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_env(parser)
    parser.add_argument("-m", dest="phase", choices=list(Phase), help="one phase only (default: all)")
    parser.add_argument("--as-of", metavar="TIME", help="as it must stand then: T-1h, or 2026-12-01T08:00:00Z")
    parser.add_argument("--environments", metavar="DIR", help="where environment files are (default: environments/)")
    parser.add_argument(
        "--fidelity",
        action="store_true",
        help="whose word each line will be (asked, a file, declared, a person), and what would turn it red",
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON: each limit with where it comes from")


def run(options: argparse.Namespace) -> int:
    """Run pytest as far as it collects, and return its exit code: the same code makes the plan and the run."""
    words = _words(options)
    if not (options.json or options.fidelity):
        return int(pytest.main(words))

    taking = Taking()
    with redirect_stdout(io.StringIO()) as said:
        code = int(pytest.main(words, plugins=[taking]))
    if code or taking.plan is None:
        sys.stderr.write(said.getvalue())
        return code
    if options.json:
        say_json(taking.plan.plain())
        return 0
    for line in _as_text(taking.plan):
        say(line)
    return 0


def _words(options: argparse.Namespace) -> list[str]:
    # By now the suite is imported, which pytest warns of where it is installed as editable; no assertion here is shown.
    words = ["--collect-only", "--no-header", "--no-summary", "-Wignore::pytest.PytestAssertRewriteWarning"]
    words.append(f"--env={options.env}")
    if options.phase:
        words += ["-m", options.phase]
    if options.as_of:
        words.append(f"--as-of={options.as_of}")
    if options.environments:
        words.append(f"--environments={options.environments}")
    return words


class Taking:
    """Takes the plan from the run, in place of pytest's own list."""

    def __init__(self) -> None:
        self.plan: WholePlan | None = None

    @pytest.hookimpl
    def pytest_readiness_plan(self, plan: WholePlan) -> bool:
        """Keep the plan."""
        self.plan = plan
        return True


def _as_text(plan: WholePlan) -> Iterator[str]:
    """Yield what stands behind each line, as wide as the terminal is."""
    width = max(NARROWEST, shutil.get_terminal_size().columns)
    kinds: dict[str, int] = {}
    for row in plan.rows:
        for line in row.text():
            yield from wrapped(line, width)
        for kind in dict.fromkeys(str(source.kind) for source in row.sources):
            kinds[kind] = kinds.get(kind, 0) + 1
        yield ""
    counted = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    yield f"{len(plan.rows)} decisions: {counted}"
