"""The checks that there are, by the names in their files: also those that this run does not collect."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from readiness.plugin.run import check_id
from readiness.plugin.settings import FOLDERS


class Catalogue:
    """The ids of all checks below the folders that a run collects by itself."""

    def __init__(self, config: pytest.Config) -> None:
        self.ids: set[str] = set()
        self._unreadable: set[str] = set()
        for path in _files(config):
            try:
                tree = ast.parse(path.read_bytes())
            except (OSError, SyntaxError, ValueError):
                self._unreadable.add(check_id(path.stem, ""))
                continue
            functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
            self.ids |= {check_id(path.stem, node.name) for node in functions if node.name.startswith("test_")}

    def __contains__(self, check: str) -> bool:
        """Tell whether there is such a check, or whether its file cannot be read, which pytest tells itself."""
        return check in self.ids or f"{check.partition('.')[0]}." in self._unreadable


def _files(config: pytest.Config) -> Iterator[Path]:
    named = (config.rootpath / folder for folder in config.getini("testpaths"))
    for folder in config.stash.get(FOLDERS, named):
        yield from sorted(folder.rglob("test_*.py"))
