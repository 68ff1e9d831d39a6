"""The checks that there are, by the names in their files: also those that this run does not collect."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import pytest

from readiness.plugin.check_files import folders, parsed
from readiness.plugin.run import check_id


class Catalogue:
    """The checks below the folders that a run collects by itself; their files are read where others are asked for."""

    def __init__(self, config: pytest.Config, collected: Iterable[pytest.Function]) -> None:
        self._files = list(_files(config))
        files = set(self._files)
        self._collected = {
            check_id(node.path.stem, node.originalname)
            for node in collected
            if node.path in files and node.cls is None  # as in `ids`: what stands in a class is no check
        }

    @cached_property
    def ids(self) -> set[str]:
        """The ids of all checks."""
        return {
            check_id(path.stem, node.name)
            for path, tree in self._trees.items()
            for node in (tree.body if tree else [])
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        }

    @cached_property
    def _trees(self) -> dict[Path, ast.Module | None]:
        """The syntax tree of each file; None where it cannot be read."""
        return {path: parsed(path) for path in self._files}

    def __contains__(self, check: str) -> bool:
        """Check whether there is such a check, or whether its file cannot be read, which pytest reports itself."""
        if check in self._collected or check in self.ids:
            return True

        unreadable = {check_id(path.stem, "") for path, tree in self._trees.items() if tree is None}
        return f"{check.partition('.')[0]}." in unreadable


def _files(config: pytest.Config) -> Iterator[Path]:
    """Yield the files of checks, in the folders that a run collects by itself."""
    for folder in folders(config):
        yield from sorted(folder.rglob("test_*.py"))
