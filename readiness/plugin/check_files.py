"""The files of checks that a run imports: one is left out where no line of the run names a check of its.

To import and collect all checks that ship takes half of a small run. What a file holds beside checks runs as it is, so
a file is left out only where all of it is known: checks, their limits, and what these need.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from readiness.plugin.own_fixtures import is_own
from readiness.plugin.session import SESSION
from readiness.plugin.settings import FOLDERS

MEASURE = "measure"
"""The fixture that every check takes, and no other test: what asks for it is decided by a line."""
_PATTERNS = {"python_functions": ["test"], "python_classes": ["Test"], "python_files": ["test_*.py", "*_test.py"]}
"""What pytest collects unless a configuration file says otherwise."""
_HOOKS = ("pytest_pycollect_makemodule", "pytest_pycollect_makeitem")
"""By these a plugin or a conftest.py collects what it likes of a file."""
_USUAL_COLLECTORS = ("_pytest.", "readiness.", "anyio.", "pytest_asyncio.")
"""Whose collecting is known: the last two only say how a coroutine is run, and a file with one is read."""
_REACHING = {"__import__", "compile", "eval", "exec", "globals", "importlib", "locals", "setattr", "sys", "vars"}
"""What can give a file names that nobody reads in it."""
_REACHING_MODULES = {"builtins", "importlib", "sys"}
_MARKS = "pytest.mark."
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
    """Return what is in a file; None where it cannot be read. Whoever asks changes nothing in it."""
    try:
        return tree_of(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


@cache
def tree_of(source: bytes) -> ast.Module:
    """Return the syntax tree of a file; the catalogue asks for the same ones again. Raises SyntaxError, ValueError."""
    return ast.parse(source)


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
    tree = parsed(module_path) if is_ours and _collects_as_usual(config) else None
    if tree is None or not has_only_checks(tree):
        return None
    left_out: LeftOut = LeftOut.from_parent(parent, path=module_path)
    return left_out


def _collects_as_usual(config: pytest.Config) -> bool:
    """Check whether what pytest collects of a file is known without reading more than the file."""
    collectors = [impl.function.__module__ for hook in _HOOKS for impl in getattr(config.hook, hook).get_hookimpls()]
    is_known = all(module.startswith(_USUAL_COLLECTORS) for module in collectors)
    return is_known and all(config.getini(name) == pattern for name, pattern in _PATTERNS.items())


@cache
def has_only_checks(tree: ast.Module) -> bool:
    """Check whether a file has nothing that pytest would run beside checks."""
    if any(_reaches_further(node) for node in ast.walk(tree)):
        return False

    models: set[str] = set()
    for statement in tree.body:
        if not _is_known(statement, models):
            return False
        names = set(_names(statement))
        # A name may be given again, to something else.
        models -= names
        if isinstance(statement, ast.ClassDef) or (
            isinstance(statement, ast.ImportFrom) and _is_of_readiness(statement)
        ):
            models |= names
    return True


def _reaches_further(node: ast.AST) -> bool:
    """Check whether a part of a file may add names to it, or a fixture of the name that makes a check."""
    match node:
        case ast.Name(id=name):
            return name in _REACHING
        case ast.ImportFrom(module=module):
            return module in _REACHING_MODULES
        case ast.Global():
            return True
        case ast.Constant(value=str(value)):
            # As parameters have it: "measure", and "figure, measure".
            return MEASURE in value.replace(",", " ").split() and len(value.splitlines()) == 1
    return False


def _is_known(statement: ast.stmt, models: set[str]) -> bool:
    """Check whether a statement of a file brings no test beside checks. `models` are classes that are no tests."""
    match statement:
        case ast.FunctionDef(name=name):
            return _has_marks_alone(statement) and (_is_given_measure(statement) or not name.startswith(_COLLECTED))
        case ast.ClassDef(name=name, bases=bases, body=body):
            # What derives from unittest's TestCase is collected whatever its name is.
            is_model = bool(bases) and all(isinstance(base, ast.Name) and base.id in models for base in bases)
            has_tests = any(isinstance(one, ast.FunctionDef) and one.name.startswith("test") for one in body)
            is_plain = not statement.decorator_list and not statement.keywords
            return is_model and is_plain and not has_tests and not name.startswith(_COLLECTED)
        case ast.Import() | ast.ImportFrom() | ast.Assign() | ast.AnnAssign():
            # What another file of the team's brings may be a fixture, whatever it is called here.
            is_foreign = isinstance(statement, ast.ImportFrom) and not _is_of_known_package(statement)
            names = list(_names(statement))
            is_collected = any(name.startswith((*_COLLECTED, "*")) or name == MEASURE for name in names)
            return bool(names) and not is_foreign and not is_collected
        case ast.Expr(value=ast.Constant()):  # a docstring
            return True
    return False


def _has_marks_alone(function: ast.FunctionDef) -> bool:
    """Check whether only pytest's marks stand above a function: others make a fixture of it, or give it arguments."""
    called = [one.func if isinstance(one, ast.Call) else one for one in function.decorator_list]
    return all(ast.unparse(decorator).startswith(_MARKS) for decorator in called)


def _is_given_measure(function: ast.FunctionDef) -> bool:
    """Check whether a function asks for the fixture; what has a default, pytest gives nothing."""
    arguments = function.args.args
    without_default = arguments[: len(arguments) - len(function.args.defaults)]
    return MEASURE in {argument.arg for argument in without_default}


def _is_of_readiness(statement: ast.ImportFrom) -> bool:
    return not statement.level and (statement.module or "").partition(".")[0] == "readiness"


def _is_of_known_package(statement: ast.ImportFrom) -> bool:
    package = (statement.module or "").partition(".")[0]
    is_known = package in sys.stdlib_module_names or package in {"pytest", "readiness"}
    return is_known and not statement.level


def _names(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement brings to a file: a definition its own, and not those within it."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
