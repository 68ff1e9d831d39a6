"""The names of the environments that there are."""

from __future__ import annotations

from pathlib import Path

from readiness.config.documents import read


def names(folder: Path) -> list[str]:
    """Return the names of the environments of a folder."""
    files = [path for path in folder.glob("*.yaml") if path.is_file()]
    # prod.attestations.yaml lies beside prod.yaml, and is no environment.
    return sorted(path.stem for path in files if "." not in path.stem and not _is_another_document(path))


def _is_another_document(path: Path) -> bool:
    """Check whether a file is surely none of an environment: a runbook lies beside those that follow it."""
    data = read(path).data
    return isinstance(data, dict) and not {"environment", "runbooks", "target"} & {*data}
