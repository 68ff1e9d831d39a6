"""The files of checks that a run imports: one is left out where no line of the run names a check of its.

To import and collect all checks that ship takes half of a small run. What a file holds beside checks runs as it is, so
a file is left out only where all of it is known: checks, their limits, and what these need.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from readiness.plugin.own_fixtures import is_own
from readiness.plugin.session import SESSION
from readiness.plugin.settings import FOLDERS

MEASURE = "measure"
"""The fixture that every check takes, and no other test: what asks for it is decided by a line."""
_PATTERNS = {"python_functions": ["test"], "python_classes": ["Test"], "python_files": ["test_*.py", "*_test.py"]}
"""What pytest collects unless a configuration file says otherwise."""
_COLLECTED = ("test", "Test", "pytest_", "pytestmark")
"""How the names begin that mean something to pytest."""


def folders(config: pytest.Config) -> tuple[Path, ...]:
    """Return the folders of checks that a run collects by itself."""
    configured = tuple(config.rootpath / folder for folder in config.getini("testpaths"))
    return config.stash.get(FOLDERS, configured)


def room(path: Path) -> str:
    """Return what the ids of a file's checks begin with: of test_database.py it is `database`."""
    return path.stem.removeprefix("test_")


def parsed(path: Path) -> ast.Module | None:
    """Return what is in a file; None where it cannot be read."""
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


class LeftOut(pytest.Module):
    """A file that is neither imported nor collected."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        """Return nothing."""
        return []


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Leave out a file of checks of which this run decides none, unless the command line names it."""
    config = parent.config
    if SESSION not in config.stash or room(module_path) in config.stash[SESSION].run.rooms:
        return None
    if parent.session.isinitpath(module_path) or not is_own(parent, MEASURE):
        return None

    is_ours = any(module_path.is_relative_to(folder) for folder in folders(config))
    is_usual = all(config.getini(name) == pattern for name, pattern in _PATTERNS.items())
    tree = parsed(module_path) if is_ours and is_usual else None
    if tree is None or not has_only_checks(tree):
        return None
    left_out: LeftOut = LeftOut.from_parent(parent, path=module_path)
    return left_out


def has_only_checks(tree: ast.Module) -> bool:
    """Check whether a file has nothing that pytest would run beside checks."""
    models = set(_of_readiness(tree))
    for statement in tree.body:
        if not _is_known(statement, models):
            return False
        if isinstance(statement, ast.ClassDef):
            models.add(statement.name)
    return True


def _is_known(statement: ast.stmt, models: set[str]) -> bool:
    """Check whether a statement of a file brings no test beside checks. `models` are classes that are no tests."""
    match statement:
        case ast.FunctionDef(name=name, args=arguments):
            takes_measure = MEASURE in {argument.arg for argument in arguments.args}
            return takes_measure or not name.startswith(_COLLECTED)
        case ast.ClassDef(name=name, bases=bases, body=body):
            # What derives from unittest's TestCase is collected whatever its name is.
            is_model = bool(bases) and all(isinstance(base, ast.Name) and base.id in models for base in bases)
            has_tests = any(isinstance(one, ast.FunctionDef) and one.name.startswith("test") for one in body)
            return is_model and not has_tests and not name.startswith(_COLLECTED)
        case ast.Import() | ast.ImportFrom() | ast.Assign() | ast.AnnAssign():
            names = list(_names(statement))
            return bool(names) and not any(name.startswith((*_COLLECTED, "*")) for name in names)
        case ast.Expr(value=ast.Constant()):  # a docstring
            return True
    return False


def _of_readiness(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a file has from this package."""
    for statement in tree.body:
        is_ours = isinstance(statement, ast.ImportFrom) and (statement.module or "").partition(".")[0] == "readiness"
        if is_ours:
            yield from _names(statement)


def _names(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that an import or an assignment brings."""
    for node in ast.walk(statement):
        if isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
