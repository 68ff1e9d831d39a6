"""What an environment file says as it stands there: for commands that must not need its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

from readiness.config.documents import read


def stated_target(path: Path, variables: Mapping[str, str]) -> str:
    """Return the address of the target that a file names; empty where that cannot be known from here."""
    data = read(path).data if path.is_file() else None
    target = data.get("target") if isinstance(data, dict) else None
    url = target.get("url") if isinstance(target, dict) else None
    if not isinstance(url, str):
        return ""

    filled = Template(url).safe_substitute(variables)
    return "" if "${" in filled else filled


def demands_signature(path: Path) -> bool:
    """Check whether an environment's file demands that its evidence is signed (`evidence: {signed: true}`).

    A file that cannot be read may have demanded it. One that is not there demands nothing.
    """
    if not path.is_file():
        return False
    document = read(path)
    if document.problems:
        return True
    section = document.data.get("evidence") if isinstance(document.data, dict) else None
    if section is None:
        return False
    # Whatever stands there and is not a plain no is refused when a run begins: until then it is a demand.
    return not isinstance(section, dict) or section.get("signed", False) is not False
