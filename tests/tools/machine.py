"""A machine of our own: a PATH with just these programs, and an empty cache."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from readiness.tools import TOOLS, find

USUAL = ("sh", "sleep", "cat", "env", "git")
EXITS = "#!/bin/sh\necho 'the template is gone' >&2\nexit 1\n"
HANGS = "#!/bin/sh\nexec sleep 3600\n"
NO_PROGRAM = "\x00\x01 neither a script nor a program of this machine"


def script(path: Path, text: str) -> Path:
    """Write a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def machine(folder: Path, *real: str, **broken: str) -> dict[str, str]:
    """Return the variables of a machine that has the usual programs, these real ones, and broken ones with a text."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name in (*USUAL, *real):
        program = _program(name)
        if program:
            (programs / name).symlink_to(program)
    for name, text in broken.items():
        script(programs / name, text)
    return {"PATH": str(programs), "XDG_CACHE_HOME": str(folder / "cache"), "HOME": os.environ.get("HOME", "/")}


def _program(name: str) -> str | Path | None:
    """Return where a program is: one of the tools may be in the cache, where `make setup` has put it."""
    for tool in TOOLS:
        if name in tool.programs:
            return find(tool)
    return shutil.which(name)
