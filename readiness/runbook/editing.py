"""Editing of a YAML file that people keep: one entry is put in, all else stays as it is, comments and order too."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import yaml

from readiness.config.documents import LOADER, read
from readiness.errors import BadInput, not_one_of
from readiness.files.atomic_write import SHARED, write_whole
from readiness.files.canonical_json import JsonObject
from readiness.runbook.entry_files import misnamed_files
from readiness.runbook.lines import Runbook
from readiness.runbook.overlays import load_stated

WIDTH = 110
INDENT = 2


def text_of(path: Path, head: str) -> str:
    """Return what a file of entries holds, or `head` where there is none. Raises BadInput for what is no such file."""
    if not path.is_file():
        return head
    document = read(path)
    lines = [line.strip() for line in path.read_bytes().splitlines()]
    is_empty = all(not line or line.startswith(b"#") for line in lines)
    if document.problems and not is_empty:
        raise BadInput(document.problems)
    return path.read_text(encoding="utf-8")


def put(text: str, key: str, name: str, entry: Mapping[str, Any]) -> str:
    """Return the text with `key: {name: entry}` in it; an older entry of the name is replaced. Raises BadInput."""
    root = yaml.compose(text, Loader=LOADER)
    lines = text.splitlines()

    # An empty file, or one that only holds comments.
    if root is None:
        return _joined([*lines, f"{key}:", *_block(name, entry, INDENT)])
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise BadInput(["the file is not a block of keys, one a line; write it so and try again"])

    section = next(((key_node, value) for key_node, value in root.value if key_node.value == key), None)
    if section is None:
        return _joined([*lines, f"{key}:", *_block(name, entry, INDENT)])

    key_node, entries = section
    place = _place(key_node, entries, name, key)
    # `key: {}` cannot take a block below it.
    if not _has_entries(entries):
        lines[key_node.start_mark.line] = f"{key}:"
    return _joined([*lines[: place.begin], *_block(name, entry, place.indent), *lines[place.end :]])


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Place:
    """The lines that an entry takes, from 0: from `begin` to before `end`; none of them where it is new."""

    begin: int
    end: int
    indent: int


def _has_entries(entries: yaml.Node) -> TypeGuard[yaml.MappingNode]:
    return isinstance(entries, yaml.MappingNode) and bool(entries.value)


def _place(key_node: yaml.Node, entries: yaml.Node, name: str, key: str) -> _Place:
    """Return where the entry of a name stands, or where a new one is to stand. Raises BadInput."""
    if not _has_entries(entries):
        below_key = key_node.start_mark.line + 1
        return _Place(below_key, below_key, INDENT)
    if entries.flow_style:
        raise BadInput([f"{key} is written in braces; write it as a block of keys, one a line, and try again"])

    indent = entries.value[0][0].start_mark.column
    for name_node, value in entries.value:
        if name_node.value == name:
            return _Place(name_node.start_mark.line, _end(value), indent)

    below_last = max(_end(value) for _, value in entries.value)
    return _Place(below_last, below_last, indent)


def _end(node: yaml.Node) -> int:
    """Return the line after the last one of a value; comments that follow it are not its own."""
    # A block ends for YAML where the next one begins, behind comments: its last part knows better.
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        return max(_end(part) for pair in node.value for part in pair)
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return max(_end(part) for part in node.value)

    # A text of several lines ends at the begin of the line after it, all else within its own last line.
    mark = node.end_mark
    if mark.column == 0 and mark.line > node.start_mark.line:
        return int(mark.line)
    return int(mark.line + 1)


def _block(name: str, entry: Mapping[str, Any], indent: int) -> list[str]:
    text = yaml.safe_dump({name: dict(entry)}, sort_keys=False, allow_unicode=True, width=WIDTH)
    return [f"{' ' * indent}{line}".rstrip() for line in text.splitlines()]


def write(path: Path, text: str, check: Callable[[Path], object]) -> None:
    """Write the file whole, once `check` could read it as it will stand there. Raises BadInput, and writes nothing."""
    with tempfile.TemporaryDirectory(prefix="readiness-entry-") as folder:
        draft = Path(folder) / path.name
        draft.write_text(text, encoding="utf-8")
        check(draft)
    try:
        write_whole(path, text, SHARED)
    except OSError as error:
        raise BadInput([f"{path} could not be written: {error}"]) from None


def runbooks_of(environment: str, folder: Path) -> tuple[list[Runbook], JsonObject]:
    """Return the runbooks that an environment follows, and its file as it stands: no variable is needed for that.

    Raises BadInput.
    """
    path = folder / f"{environment}.yaml"
    if not path.is_file():
        stems = [file.name.removesuffix(".yaml") for file in folder.glob("*.yaml")]
        # prod.attestations.yaml lies beside prod.yaml, and is no environment.
        environments = [stem for stem in stems if "." not in stem]
        raise BadInput([f"--env {not_one_of(environment, environments)}, in {folder}/"])

    document = read(path)
    if document.problems:
        raise BadInput(document.problems)

    names = document.data.get("runbooks")
    if not isinstance(names, list) or not names:
        raise BadInput([f"{document.where(('runbooks',))}: runbooks is missing"])
    problems = list(misnamed_files(environment, folder))
    runbooks = load_stated([str(name) for name in names], path, problems)
    if problems:
        raise BadInput(problems)
    return runbooks, document.data
