"""Where pytest and its plugins are to write: refused before a run begins where that would destroy something else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from readiness.files.named_output import JUNIT, LOG, PYTEST_HTML, output_place, outside_of_evidence

_OPTIONS = {"htmlpath": ("--html", PYTEST_HTML), "xmlpath": ("--junitxml", JUNIT), "log_file": ("--log-file", LOG)}
"""What names a file to write: the option's name in pytest's configuration, on the command line, and what it writes."""


def refuse_what_is_no_output(config: pytest.Config, folders: Iterable[Path]) -> None:
    """Raise ValueError where an option names a device, a pipe, a folder, or a file that no such option has written.

    `folders` are the project's, which nothing empties.
    """
    for name, (option, kind) in _OPTIONS.items():
        stated = getattr(config.option, name, None) or _in_settings(config, name)
        if not stated:
            continue
        try:
            outside_of_evidence(Path(stated))
            output_place(Path(stated), kind)
        except OSError as error:
            raise ValueError(f"{option}: {error}") from None
    _refuse_what_would_be_emptied(config, folders)


def _refuse_what_would_be_emptied(config: pytest.Config, folders: Iterable[Path]) -> None:
    """Raise ValueError where pytest's folder for temporary files, which it empties, is one of the project's."""
    stated = getattr(config.option, "basetemp", None)
    if not stated:
        return
    emptied = Path(stated).resolve()
    for kept in (folder.resolve() for folder in folders):
        if kept.is_relative_to(emptied) or emptied.is_relative_to(kept):
            raise ValueError(f"--basetemp: pytest empties {emptied}, and {kept} must stay; name another folder")


def _in_settings(config: pytest.Config, name: str) -> str | None:
    """Return what the settings file or `-o` says; None where pytest knows no such setting."""
    try:
        return str(config.getini(name) or "") or None
    except ValueError:
        return None
