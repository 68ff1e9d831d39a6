"""The embedded target, for an environment that says `sandbox: true`: started for the run, or stood in for."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readiness.config.documents import read
from readiness.errors import BadInput
from readiness.sandbox import PAPERS, PREFIX, Sandbox, SandboxFailed
from readiness.sandbox.attested import TEMPLATE, template_variables

NOT_STARTED = "sandbox-not-started"
NOWHERE = "http://127.0.0.1:1"
_VARIABLE = re.compile(r"\$\{(" + PREFIX + r"\w+)\}")


def is_wanted(path: Path, variables: Mapping[str, str]) -> bool:
    """Check whether the environment file asks for a sandbox, and none runs yet."""
    data = read(path).data if path.is_file() else None
    asks = isinstance(data, dict) and data.get("sandbox") is True
    runs = f"{PREFIX}URL" in variables
    return asks and not runs


def stand_ins(path: Path) -> dict[str, str]:
    """Return values for the variables of a sandbox that does not run: for a plan, and to find mistakes before."""
    names = set(_VARIABLE.findall(path.read_text(encoding="utf-8")))
    return {name: _stand_in(name) for name in names} | template_variables()


def _stand_in(name: str) -> str:
    """Return a value of the kind that the end of a variable's name stands for."""
    if name.endswith("_ATTESTATIONS"):
        return str(TEMPLATE)
    if name.endswith("_AT"):
        # As the sandbox stands before its launch.
        return (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    if name.endswith("_DATABASE_URL"):
        return f"postgresql://{NOT_STARTED}@127.0.0.1:1/none"
    return NOWHERE if name.endswith("_URL") else NOT_STARTED


def start(config: pytest.Config, *, launched: bool, evidence: Path) -> None:
    """Start it, stop it when pytest is done, and hand its variables to this process and to workers. Raises BadInput.

    What its people wrote stays beside the evidence, so that who comes later can hold it against that.
    """
    try:
        sandbox = Sandbox.start(launched=launched, papers=evidence / PAPERS)
    except SandboxFailed as error:
        raise BadInput([str(error)]) from None
    config.add_cleanup(sandbox.stop)

    before = {name: os.environ.get(name) for name in sandbox.variables}
    config.add_cleanup(lambda: _restore(before))
    os.environ.update(sandbox.variables)


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
