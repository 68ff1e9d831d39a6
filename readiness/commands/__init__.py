"""The verbs of the `readiness` command, one module each; here, the options that several of them take."""

from __future__ import annotations

import argparse
from pathlib import Path

from readiness.config.project_root import ENVIRONMENTS, REPORTS, place
from readiness.measurements import is_digits

MOST = 1_000_000
"""What a count on a command line may be; far more than there is of anything, and few enough for every library."""


def add_env(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add the option that names an environment."""
    parser.add_argument("--env", required=required, metavar="NAME", help="the environment: environments/NAME.yaml")


def add_environments(parser: argparse.ArgumentParser) -> None:
    """Add the option for the folder of environment files."""
    text = "where environment files are (default: environments)"
    parser.add_argument("--environments", type=Path, default=place(ENVIRONMENTS), metavar="DIR", help=text)


def add_reports(parser: argparse.ArgumentParser) -> None:
    """Add the option for the folder of evidence."""
    text = "where the evidence lies (default: reports)"
    parser.add_argument("--reports", type=Path, default=place(REPORTS), metavar="DIR", help=text)


def add_anchor(parser: argparse.ArgumentParser, text: str) -> None:
    """Add the option for a place that keeps heads of the ledger."""
    forms = "file:PATH, git-note: or command: (repeatable)"
    parser.add_argument("--anchor", action="append", default=[], metavar="WHERE", help=f"{text}: {forms}")


def count(text: str) -> int:
    """Return a count that stands on a command line. Raises ArgumentTypeError, which argparse reports in a line."""
    number = int(text) if is_digits(text) and len(text) <= len(str(MOST)) else 0
    if not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no count from 1 to {MOST:,}")
    return number
