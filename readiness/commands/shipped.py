"""`readiness shipped`: where the checks, the load rehearsals and the example environments lie that came along."""

from __future__ import annotations

import argparse

from readiness import shipped

HELP = "tell where the shipped checks, load rehearsals and environments lie, to read, to copy, or to hand to a tool"
FOLDERS = {"checks": shipped.checks, "loadtests": shipped.loadtests, "environments": shipped.environments}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("folder", choices=FOLDERS, help="which of them")


def run(options: argparse.Namespace) -> int:
    """Print the folder and return 0."""
    print(FOLDERS[options.folder]())
    return 0
