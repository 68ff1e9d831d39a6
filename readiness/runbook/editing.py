"""Puts one entry into a YAML file that people keep: everything else, comments and order too, stays as it is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from readiness.config.documents import LOADER, read
from readiness.errors import BadInput, not_one_of
from readiness.files.atomic_write import write_whole
from readiness.runbook.lines import Runbook, load, locate

WIDTH = 110
INDENT = 2


def put(text: str, key: str, name: str, entry: Mapping[str, Any]) -> str:
    """Give the text with `key: {name: entry}` in it; an older entry of the name is replaced. Raises BadInput."""
    root = yaml.compose(text, Loader=LOADER)
    lines = text.splitlines()
    if root is None:
        return "\n".join([*lines, f"{key}:", *_block(name, entry, INDENT)]) + "\n"
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise BadInput(["the file is not a block of keys, one a line; write it so and try again"])
    found = next(((one, value) for one, value in root.value if one.value == key), None)
    if found is None:
        return "\n".join([*lines, f"{key}:", *_block(name, entry, INDENT)]) + "\n"
    top, held = found
    begin, end, indent = _place(top, held, name, key)
    block = _block(name, entry, indent)
    if not (isinstance(held, yaml.MappingNode) and held.value):  # `key:` or `key: {}`
        lines[top.start_mark.line] = f"{key}:"
    return "\n".join([*lines[:begin], *block, *lines[end:]]) + "\n"


def _place(top: yaml.Node, held: yaml.Node, name: str, key: str) -> tuple[int, int, int]:
    """Say which lines the entry takes, and how far it is indented."""
    if not isinstance(held, yaml.MappingNode) or not held.value:
        after = top.start_mark.line + 1
        return after, after, INDENT
    if held.flow_style:
        raise BadInput([f"{key} is written in braces; write it as a block of keys, one a line, and try again"])
    indent = held.value[0][0].start_mark.column
    for one, value in held.value:
        if one.value == name:
            return one.start_mark.line, _end(value), indent
    after = max(_end(value) for _, value in held.value)
    return after, after, indent


def _end(node: yaml.Node) -> int:
    """Give the line after the last one of a value; comments that follow it are not its own."""
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        return max(_end(part) for pair in node.value for part in pair)
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return max(_end(part) for part in node.value)
    mark = node.end_mark
    return int(mark.line if mark.column == 0 and mark.line > node.start_mark.line else mark.line + 1)


def _block(name: str, entry: Mapping[str, Any], indent: int) -> list[str]:
    text = yaml.safe_dump({name: dict(entry)}, sort_keys=False, allow_unicode=True, width=WIDTH)
    return [f"{' ' * indent}{line}".rstrip() for line in text.splitlines()]


def write(path: Path, text: str, check: Callable[[Path], object]) -> None:
    """Write the file whole, once `check` could read it as it will stand there. Raises BadInput, and writes nothing."""
    with tempfile.TemporaryDirectory(prefix="readiness-entry-") as folder:
        tried = Path(folder) / path.name
        tried.write_text(text, encoding="utf-8")
        check(tried)
    write_whole(path, text)


def runbooks_of(environment: str, folder: Path) -> tuple[list[Runbook], dict[str, Any]]:
    """Read the runbooks that an environment follows, and its file as it stands: no variable is needed for that.

    Raises BadInput.
    """
    path = folder / f"{environment}.yaml"
    if not path.is_file():
        known = (one.name.removesuffix(".yaml") for one in folder.glob("*.yaml"))
        raise BadInput([f"--env {not_one_of(environment, (one for one in known if '.' not in one))}, in {folder}/"])
    document = read(path)
    if document.problems:
        raise BadInput(document.problems)
    named = document.data.get("runbooks")
    if not isinstance(named, list) or not named:
        raise BadInput([f"{document.where(('runbooks',))}: runbooks is missing"])
    return [load(locate(str(name), folder)) for name in named], document.data
