"""`readiness plan`: what a run would decide, and whether the environment has all that it needs. Contacts nothing."""

from __future__ import annotations

import argparse

import pytest

from readiness.commands import add_env
from readiness.outcomes import Phase

HELP = "show each line: when and how it is decided, and what is not configured; contacts nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_env(parser)
    parser.add_argument("-m", dest="phase", choices=list(Phase), help="one phase only (default: all)")
    parser.add_argument("--as-of", metavar="TIME", help="as it must stand then: T-1h, or 2026-12-01T08:00:00Z")
    parser.add_argument("--environments", metavar="DIR", help="where environment files are (default: environments/)")


def run(options: argparse.Namespace) -> int:
    """Run pytest as far as it collects, and return its exit code: the same code makes the plan and the run."""
    # By now the suite is imported, which pytest warns of where it is installed as editable; no assertion here is shown.
    words = ["--collect-only", "--no-header", "--no-summary", "-Wignore::pytest.PytestAssertRewriteWarning"]
    words.append(f"--env={options.env}")
    if options.phase:
        words += ["-m", options.phase]
    if options.as_of:
        words.append(f"--as-of={options.as_of}")
    if options.environments:
        words.append(f"--environments={options.environments}")
    return int(pytest.main(words))
