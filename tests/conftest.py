"""Loads what the suite's own tests share, where they are what is run."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Leave a user's run alone: pytest reads this file in a run of the checks too."""
    is_a_run = bool(config.getoption("env", None))
    if not is_a_run:
        config.pluginmanager.import_plugin("tests.own")
