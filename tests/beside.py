"""Other people's plugins of pytest, in a folder of their own: a run loads them only where that is on its path.

`python -m tests.beside` fills the folder, as `make setup` does; else the first test that asks for it does.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements-beside.lock"
WARNS_EVERYWHERE = """\


import warnings


def pytest_configure(config):
    warnings.warn("at configure")


def pytest_sessionstart(session):
    warnings.warn("at session start")


def pytest_collection_modifyitems(items):
    warnings.warn("at collection")


def pytest_terminal_summary(terminalreporter):
    warnings.warn("at the summary")


def pytest_sessionfinish(session):
    warnings.warn("at the finish")


def pytest_unconfigure(config):
    warnings.warn("at the end")
"""
"""A plugin that warns in every hook: no warning of another plugin is one of a check."""


class PluginsLack(Exception):
    """The plugins are not there and could not be brought."""


def plugins() -> Path:
    """Return the folder with the plugins, and fill it where nobody has yet. Raises PluginsLack."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    folder = Path(sys.prefix) / f"beside-{digest[:12]}"
    if folder.is_dir():
        return folder

    filled = Path(tempfile.mkdtemp(prefix="beside-", dir=sys.prefix))
    try:
        _fill(filled)
        filled.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another test was first
            raise
    finally:
        shutil.rmtree(filled, ignore_errors=True)
    return folder


def _fill(folder: Path) -> None:
    """Install what the lock file says, and nothing that it does not: the rest is there already."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locked = ["--require-hashes", "--no-deps", "--requirement", str(LOCK)]
    ran = subprocess.run([*pip, "--target", str(folder), *locked], capture_output=True, text=True, check=False)
    if ran.returncode:
        lacking = f"the plugins of {LOCK.name} are not here, and a package index that has them does not answer"
        raise PluginsLack(f"{lacking}: run `python -m tests.beside` where one does\n{ran.stderr}")


if __name__ == "__main__":
    try:
        plugins()
    except PluginsLack as error:
        sys.exit(str(error))
