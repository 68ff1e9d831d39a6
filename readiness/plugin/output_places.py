"""Where pytest and its plugins are to write: refused before a run begins where that would destroy what is no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.files.atomic_write import place_of

_OPTIONS = {"htmlpath": "--html", "xmlpath": "--junitxml", "log_file": "--log-file"}
"""What names a file to write: the option's name in pytest's configuration, and on the command line."""


def refuse_what_is_no_file(config: pytest.Config) -> None:
    """Raise ValueError where an option names a device, a pipe, a folder, or somebody else's file."""
    for name, option in _OPTIONS.items():
        stated = getattr(config.option, name, None) or _in_settings(config, name)
        if not stated:
            continue
        try:
            place_of(Path(stated))
        except OSError as error:
            raise ValueError(f"{option}: {error}") from None


def _in_settings(config: pytest.Config, name: str) -> str | None:
    """Return what the settings file or `-o` says; None where pytest knows no such setting."""
    try:
        return str(config.getini(name) or "") or None
    except ValueError:
        return None
