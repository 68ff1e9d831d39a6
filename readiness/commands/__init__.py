"""The verbs of the `readiness` command, one module each; here, the options that several of them take."""

from __future__ import annotations

import argparse
from pathlib import Path

from readiness.config.project_root import ENVIRONMENTS, REPORTS, place


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
