"""Runbooks as an environment states them: each line with the limits that `lines` of the environment file gives it.

What stands there is the same wherever it is read, so it takes no variable: a run, `verify` and the commands for people
see the same lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from readiness.config.documents import Document, explain, read
from readiness.errors import meant, not_one_of, wrong_value
from readiness.files.canonical_json import JsonObject, to_json
from readiness.runbook.dated_limits import is_dated
from readiness.runbook.line_overlay import LineOverlay, Overlaid
from readiness.runbook.lines import Line, Runbook, load, load_each, locate, shipped
from readiness.runbook.severity import unknown_in
from readiness.shipped import RUNBOOKS

KEY = "lines"
OF_THE_RUNBOOK = Line.model_fields.keys() - {"severity", "id"}
"""Keys of a line that no environment changes: whether it decides, when, and what it is about."""


class _Stated(BaseModel):
    """The part of an environment file that is read here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    lines: dict[str, LineOverlay] = {}


@dataclass(frozen=True)
class _Entry:
    """One entry of `lines`, and where it stands."""

    name: str
    overlay: LineOverlay
    file: str
    place: str


class _Refused(Exception):
    """Why an entry cannot be used, from below the function that tells it."""


def load_stated(names: Sequence[str], path: Path, problems: list[str]) -> list[Runbook]:
    """Return the runbooks beside an environment file as that file states them; `problems` gains what is wrong."""
    books = list(load_each(names, path.parent, problems))
    # Of a runbook that cannot be read nobody knows the lines.
    if len(books) < len(names):
        return books
    return overlaid(books, read(path), problems)


def overlaid(books: Sequence[Runbook], document: Document, problems: list[str]) -> list[Runbook]:
    """Return runbooks with what an environment's document states of their lines; `problems` gains what is wrong.

    What is wrong with the document itself is told by whoever reads the whole of it.
    """
    data = document.data if isinstance(document.data, dict) else {}
    if KEY not in data:
        return list(books)
    try:
        stated = _Stated.model_validate({KEY: data[KEY]})
    except ValidationError as error:
        problems += explain(error, _Stated, document)
        return list(books)

    merged: dict[str, Line] = {}
    for entry in _entries(stated, document):
        try:
            _merge(entry, books, merged)
        except _Refused as refused:
            problems.append(str(refused))
    return [_with(book, merged) for book in books]


def _merge(entry: _Entry, books: Sequence[Runbook], merged: dict[str, Line]) -> None:
    """Put the line that an entry is about, with what it states, among the merged ones. Raises _Refused."""
    name, line = _line_of(entry, books)
    if name in merged:
        raise _Refused(f"{entry.place}: {name} stands here twice; write one entry for it")
    if line is None:
        return
    table = next(book.severities for book in books if name.startswith(f"{book.runbook}/"))
    for problem in unknown_in(entry.overlay.severity or "", table):
        raise _Refused(f"{entry.place}: {problem}")
    merged[name] = _merged(line, entry)


def _entries(stated: _Stated, document: Document) -> Iterator[_Entry]:
    for name, overlay in stated.lines.items():
        place = f"{document.where((KEY, name))}: {KEY}.{name}"
        yield _Entry(name, overlay, document.path.name, place)


def _with(book: Runbook, merged: dict[str, Line]) -> Runbook:
    lines = tuple(merged.get(f"{book.runbook}/{line.id}", line) for line in book.lines)
    return book.model_copy(update={"lines": lines})


def _line_of(entry: _Entry, books: Sequence[Runbook]) -> tuple[str, Line | None]:
    """Return the line that an entry is about, with its full name. Raises _Refused.

    It is None for the line of a runbook that ships and is not followed: its entry waits until it is.
    """
    lines = {f"{book.runbook}/{line.id}": line for book in books for line in book.lines}
    if entry.name in lines:
        return entry.name, lines[entry.name]

    of_this_id = [name for name, line in lines.items() if line.id == entry.name]
    if len(of_this_id) == 1:
        return of_this_id[0], lines[of_this_id[0]]
    if of_this_id:
        raise _Refused(f"{entry.place}: several runbooks have this line; write {' or '.join(of_this_id)}")

    waiting = _waiting(entry.name, books)
    if entry.name in waiting:
        return entry.name, None
    is_full = "/" in entry.name
    names = [*lines, *waiting] if is_full else [line.id for line in lines.values()]
    raise _Refused(f"{entry.place}: line {meant(entry.name, names)}")


def _waiting(name: str, books: Sequence[Runbook]) -> list[str]:
    """Return the lines of the runbook that a name begins with, where it ships and is not followed."""
    runbook = name.partition("/")[0]
    if runbook not in shipped() or any(book.runbook == runbook for book in books):
        return []
    return [f"{runbook}/{line_id}" for line_id in _line_ids(runbook)]


@cache
def _line_ids(runbook: str) -> tuple[str, ...]:
    """Return the ids of the lines of a runbook that ships: an environment may state many of them before it follows."""
    return tuple(line.id for line in load(locate(runbook, RUNBOOKS)).lines)


def _merged(line: Line, entry: _Entry) -> Line:
    """Return a line with what an entry states of it. Raises _Refused."""
    # The evidence is verified where the variables are not set.
    if "${" in to_json(entry.overlay):
        raise _Refused(f"{entry.place}: no variable may stand here; write the value itself")

    stated = _by_check(line, entry)
    own = {check: line.decided_by[check] for check in stated}
    limits = {check: _limits(own[check], more, entry, check) for check, more in stated.items()}
    fields = {name: getattr(line, name) for name in line.model_fields_set}
    fields["decided_by"] = {**line.decided_by, **limits}
    if entry.overlay.severity is not None:
        fields["severity"] = entry.overlay.severity
    try:
        merged = Line.model_validate(fields)
    except ValidationError as error:
        raise _Refused(f"{entry.place}: {wrong_value(error.errors()[0])}") from None

    return merged.stated_by(
        Overlaid(
            file=entry.file,
            place=entry.place,
            stated=stated,
            own=own,
            merged=limits,
            severity=entry.overlay.severity,
            own_severity=line.severity,
            because=entry.overlay.because,
        )
    )


def _by_check(line: Line, entry: _Entry) -> dict[str, JsonObject]:
    """Return what an entry states, by the check that it is about. Raises _Refused."""
    stated: dict[str, JsonObject] = {}
    for key, value in entry.overlay.limits.items():
        if key in line.decided_by:
            stated.setdefault(key, {}).update(_of_check(key, value, entry))
        elif key in OF_THE_RUNBOOK:
            raise _Refused(f"{entry.place}: {key}: that is the runbook's own; write one of yours to say it otherwise")
        elif "." in key:
            raise _Refused(f"{entry.place}: check {not_one_of(key, line.decided_by)}")
        elif len(line.decided_by) == 1:
            (check,) = line.decided_by
            stated.setdefault(check, {})[key] = value
        else:
            raise _Refused(f"{entry.place}: {key}: {_which_check(line, key)}")
    return stated


def _of_check(check: str, value: Any, entry: _Entry) -> JsonObject:
    if not isinstance(value, dict) or not value:
        raise _Refused(f"{entry.place}: {check}: limits with their values are wanted")
    return value


def _which_check(line: Line, key: str) -> str:
    if not line.decided_by:
        return "no check decides this line, so it has no limits"
    checks = " and ".join(line.decided_by)
    return f"{checks} decide this line; say which one: {{{next(iter(line.decided_by))}: {{{key}: ...}}}}"


def _limits(own: JsonObject, more: JsonObject, entry: _Entry, check: str) -> JsonObject:
    """Return the limits of a check with those that an environment states. Raises _Refused."""
    named = own.get("each", {})
    for key in named:
        if key in more:
            each = f"each: {{{key}: [{more[key]}]}}"
            raise _Refused(f"{entry.place}: {check}: the line names several by {key}; write {each}")

    limits = {**own, **{key: _until_then(own.get(key), value, key, entry) for key, value in more.items()}}
    # What is named one by one has no value for all of them.
    for key in more["each"] if isinstance(more.get("each"), dict) else ():
        limits.pop(key, None)
    return limits


def _until_then(own: Any, value: Any, key: str, entry: _Entry) -> Any:
    """Return a limit that binds from a day with the line's own until then. Raises _Refused."""
    if own is None or key == "each" or not is_dated(value) or "until_then" in value:
        return value
    if is_dated(own):
        raise _Refused(f"{entry.place}: {key}: the line's own limit has a date too; state until_then")
    return {**value, "until_then": own}
