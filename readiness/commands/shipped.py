"""`readiness shipped`: where the checks and the load rehearsals lie that came with the suite."""

from __future__ import annotations

import argparse

from readiness import shipped

HELP = "tell where the shipped checks and load rehearsals lie, to read them or to hand them to pytest or Locust"
FOLDERS = {"checks": shipped.checks, "loadtests": shipped.loadtests}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("folder", choices=FOLDERS, help="which of them")


def run(options: argparse.Namespace) -> int:
    """Print the folder and return 0."""
    print(FOLDERS[options.folder]())
    return 0
