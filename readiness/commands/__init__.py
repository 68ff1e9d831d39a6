"""The verbs of the `readiness` command, one module each; here, the options that several of them take."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from readiness.config.project_root import ENVIRONMENTS, REPORTS, place
from readiness.environment.stated_secrets import rehearsed_in, remember_secrets
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


def remember_secrets_of(options: argparse.Namespace) -> None:
    """Have masked what is secret for the environments that a command line is about, before anything is printed."""
    stated = getattr(options, "environments", None)
    folder = Path(stated) if stated else place(ENVIRONMENTS)

    named = [name for name in _names(options) if os.path.isfile(folder / f"{name}.yaml")]  # noqa: PTH113  pathlib raises for what is no name
    copies = filter(None, (rehearsed_in(name, folder) for name in named))
    remember_secrets({*named, *copies}, folder, os.environ)


def _names(options: argparse.Namespace) -> set[str]:
    """Return all that may name an environment: each word, and each folder of a path, as evidence lies in its own."""
    values = [value if isinstance(value, list | tuple) else [value] for value in vars(options).values()]
    words = [word for several in values for word in several if isinstance(word, str | Path)]
    return {part for word in words for part in Path(word).absolute().parts}
