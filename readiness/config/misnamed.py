"""Files whose name is nearly one that is read: who wrote such a file believes that it counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path, PurePath

from readiness.config.documents import read

ENDINGS = (".yaml", ".yml", ".json", ".txt", ".yaml.txt", ".yml.txt", "")
"""How a file may end that was meant to be YAML."""
_OF_EDITORS = {".bak", ".disabled", ".old", ".orig", ".rej", ".save", ".swo", ".swp", ".tmp"}
_EXAMPLES = {"dist", "example", "sample", "template"}

_OF_OTHER_DOCUMENTS = {"environment", "lines", "runbook", "runbooks", "target"}


def is_set_aside(name: str) -> bool:
    """Check whether a file is one that nobody means to be read: an editor's, a hidden one, a backup, an example.

    >>> [name for name in ("keys.yaml~", ".keys.yaml.swp", "keys.example.yaml", "KEYS.YAML") if is_set_aside(name)]
    ['keys.yaml~', '.keys.yaml.swp', 'keys.example.yaml']
    """
    parts = name.casefold().split(".")
    is_backup = name.startswith((".", "#")) or name.endswith("~") or f".{parts[-1]}" in _OF_EDITORS
    return is_backup or not _EXAMPLES.isdisjoint(parts)


def is_nearly(name: str, wanted: str) -> bool:
    """Check whether a name is another one, apart from its case, its ending and one letter at most.

    >>> [name for name in ("KEYS.YAML", "key.yml", "team.yaml", "keys.yaml") if is_nearly(name, "keys.yaml")]
    ['KEYS.YAML', 'key.yml']
    """
    if name == wanted or is_set_aside(name):
        return False
    bare = wanted.removesuffix(PurePath(wanted).suffix).casefold()
    return any(_is_within_one_edit(name.casefold(), f"{bare}{ending}") for ending in ENDINGS)


def nearly_named(folder: Path, wanted: str, others: Collection[str] = ()) -> Iterator[Path]:
    """Yield the files of a folder whose names are nearly the one that is read, and none of others that are read."""
    for path in files_of(folder):
        if path.name not in others and is_nearly(path.name, wanted) and not is_another_document(path):
            yield path


def is_another_document(path: Path) -> bool:
    """Check whether a file is surely an environment or a runbook, which may have nearly the name of something else."""
    data = read(path).data if path.is_file() else None
    return isinstance(data, dict) and not _OF_OTHER_DOCUMENTS.isdisjoint(data)


def files_of(folder: Path) -> list[Path]:
    """Return the files of a folder by name, also links that lead nowhere: somebody meant them to be there."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.is_dir())


def folders_of(folder: Path) -> list[Path]:
    """Return the folders in a folder by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _is_within_one_edit(name: str, wanted: str) -> bool:
    """Check whether one letter at most is added, left out, another one, or changes places with its neighbour."""
    same = next((at for at, pair in enumerate(zip(name, wanted, strict=False)) if pair[0] != pair[1]), len(wanted))
    rest, rest_wanted = name[same:], wanted[same:]
    swapped = rest_wanted[1:2] + rest_wanted[:1] + rest_wanted[2:]
    return rest in {rest_wanted, swapped} or rest_wanted in {rest[1:], rest} or rest_wanted[1:] in {rest, rest[1:]}
