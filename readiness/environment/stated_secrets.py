"""The secrets that an environment's files name, learned as a run learns them, and without the model of these files.

For commands outside of a run: they must not need the variables, and have no time to import the model of all sections.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from readiness.config.documents import Loc, read
from readiness.config.variables import FILE, filled_where_set, remember_used, remember_words
from readiness.files import bounded_read
from readiness.redaction.secret import Secret
from readiness.redaction.surroundings import remember_surroundings

SECRET_PLACES = (
    "*.token",
    "*.contact",
    "postgres.url",
    "replica.url",
    "pooler.url",
    "storage.key",
    "notify.urls.*",
    "drills.restore.server",
)
"""Where the model of an environment file takes a secret; a test holds this list against the model."""


def is_secret_place(loc: Loc) -> bool:
    """Check whether an environment file has a secret at a place."""
    dotted = ".".join(map(str, loc))
    return any(fnmatchcase(dotted, pattern) for pattern in SECRET_PLACES)


def remember_secrets(names: Iterable[str], folder: Path, variables: Mapping[str, str]) -> None:
    """Have masked what the files of these environments name as secret, and what variables hold that they do not name.

    A file that is missing or wrong, and a variable that is not set, are no problem here.
    """
    names = list(names)
    remember_surroundings(variables, "\n".join(text_in_the_open(folder / f"{name}.yaml") for name in names))
    for name in names:
        data = _data(folder / f"{name}.yaml")
        beside = [_data(path) for path in _files_beside(name, folder, data, variables)]
        for each in (data, *beside):
            _remember_all(each, (), variables)


def text_in_the_open(path: Path) -> str:
    """Return what an environment file says, and what it is called; nothing of one that cannot be read."""
    try:
        return f"{path.stem}\n{bounded_read.read_text(path)}"
    except (OSError, UnicodeDecodeError):
        return ""


def rehearsed_in(name: str, folder: Path) -> str | None:
    """Return the environment whose rehearsals count for one, as its file states it."""
    stated = _section(_section(_data(folder / f"{name}.yaml"), "load"), "rehearsed_in")
    return stated if isinstance(stated, str) else None


def _files_beside(name: str, folder: Path, data: Any, variables: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files that people write beside an environment file, and those that it names."""
    yield from sorted(folder.glob(f"{glob.escape(name)}.*.yaml"))

    journeys = _section(_section(data, "load"), "journeys")
    stated = [_section(data, "attestations"), *(journeys.values() if isinstance(journeys, dict) else ())]
    for path in stated:
        if isinstance(path, str):
            yield folder / filled_where_set(path, variables)


def _remember_all(value: Any, loc: Loc, variables: Mapping[str, str]) -> None:
    """Remember what is secret in what a file says, at any depth."""
    if isinstance(value, dict):
        for key, part in value.items():
            _remember_all(part, (*loc, str(key)), variables)
    elif isinstance(value, list):
        remember_words(value, variables)
        for index, part in enumerate(value):
            _remember_all(part, (*loc, index), variables)
    elif isinstance(value, str):
        _remember(value, loc, variables)


def _remember(text: str, loc: Loc, variables: Mapping[str, str]) -> None:
    """Remember what is secret in the text of a file, as far as its variables are set."""
    remember_used(text, loc, variables)
    if not is_secret_place(loc):
        return

    filled = filled_where_set(text, variables)
    Secret(_text_of(Path(filled.removeprefix(FILE))) if filled.startswith(FILE) else filled)


def _text_of(path: Path) -> str:
    """Return what a file of a secret holds; the empty text where it cannot be read."""
    try:
        return bounded_read.read_text(path.expanduser()).strip()
    except (OSError, RuntimeError, UnicodeDecodeError, ValueError):
        return ""


def _data(path: Path) -> Any:
    return read(path).data if path.is_file() else None


def _section(data: Any, key: str) -> Any:
    return data.get(key) if isinstance(data, dict) else None
