"""The limits that a check compares only where its line states them: `if limits.x is not None: measure(...)`.

Another limit may have a figure of the check's own in its place, such as the client's deadline: one that an environment
states there may demand less.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator

LIMITS = "limits"
_LEAVES = (ast.Return, ast.Raise, ast.Break, ast.Continue)
"""After these the rest of the check may be left out."""


def compared_where_stated(check: Callable[..., object]) -> frozenset[str]:
    """Return the limits in whose place a check has nothing; none where its source cannot be read."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(check))))
    except (OSError, TypeError, SyntaxError):
        return frozenset()
    return frozenset(_neutral_in(tree))


def _neutral_in(tree: ast.Module) -> Iterator[str]:
    """Yield the limits that stand in no other place than under their own condition.

    >>> held = "if limits.seconds_below is not None: measure(1).below(limits.seconds_below)"
    >>> list(_neutral_in(ast.parse(held)))
    ['seconds_below']
    >>> list(_neutral_in(ast.parse(f"{held}; measure(2).below(limits.seconds_below)")))
    ['seconds_below']
    >>> list(_neutral_in(ast.parse("measure(1).below(limits.seconds_below or 5)")))
    []
    """
    # What is handed on as a whole is read by somebody else.
    if len(list(_names(tree, LIMITS))) > len(list(_limits_in(tree))):
        return
    for condition in [node for node in ast.walk(tree) if isinstance(node, ast.If)]:
        name = _asked_for(condition)
        everywhere, here = _count(tree, name), _count(condition, name)
        if name and everywhere == here and not condition.orelse and not _reaches_out(condition, tree):
            yield name


def _asked_for(condition: ast.If) -> str:
    """Return the limit that `if limits.x is not None` asks for; the empty text for another condition."""
    test = condition.test
    if not isinstance(test, ast.Compare) or ast.unparse(test.comparators[-1]) != "None" or len(test.ops) > 1:
        return ""
    is_stated = isinstance(test.ops[0], ast.IsNot)
    return next(_limits_in(test), "") if is_stated and isinstance(test.left, ast.Attribute) else ""


def _reaches_out(condition: ast.If, tree: ast.Module) -> bool:
    """Check whether what is under a condition changes what the check does besides."""
    if any(isinstance(node, _LEAVES) for node in ast.walk(condition)):
        return True
    stored = {node.id for node in ast.walk(condition) if isinstance(node, ast.Name) and _is_stored(node)}
    return any(len(list(_names(tree, name))) > len(list(_names(condition, name))) for name in stored)


def _is_stored(node: ast.Name) -> bool:
    return not isinstance(node.ctx, ast.Load)


def _names(tree: ast.AST, name: str) -> Iterator[ast.Name]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name)


def _limits_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == LIMITS:
            yield node.attr


def _count(tree: ast.AST, name: str) -> int:
    return list(_limits_in(tree)).count(name)
