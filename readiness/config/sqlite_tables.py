"""SQLite: which tables a statement that reads looks at, and how many rows come of it at most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from readiness.config.sqlite_statement import Token, tokens_of
from readiness.measurements import is_digits

_END: Token = ("", "")
_BEGINS = {"select", "values", "with"}
"""Words that a query begins with, in brackets of its own too."""
_AFTER_TABLES = {"where", "group", "having", "window", "order", "limit", "union", "intersect", "except"}
_ENDS_A_LIMIT = {",", "offset", ")", ";", ""}
_FORM_ROWS = {"json_each", "json_tree", "generate_series"}
"""Functions that stand for a table and make rows of nothing but what they are given."""


@dataclass
class _Level:
    """What is known within one pair of brackets, or outside of all."""

    is_from: bool = False
    """Tables are listed here, one after each comma."""
    wants_table: bool = False
    """The next name is that of a table."""
    makes_rows: bool = True
    """How many rows come out of it says how many the whole has; a bracket that stands for one value has no say."""


def names_no_table(statement: str) -> bool:
    """Check whether a statement looks at no table: what it answers stands in it, or is the time.

    >>> names_no_table("select 5 as value from (select 1)"), names_no_table("select count(*) from orders")
    (True, False)
    """
    tokens = list(tokens_of(statement))
    return not any(_tables(tokens))


def row_limits(statement: str, params: Sequence[object]) -> frozenset[int | None]:
    """Return how many rows come at most, by each `limit` of a statement; None for one that is no plain number.

    >>> sorted(row_limits("select id from (select id from orders limit 50) limit ?", [10]))
    [10, 50]
    """
    tokens = list(tokens_of(statement))
    bound = _bound(tokens, params)
    return frozenset(
        size
        for index, level in _levels(tokens)
        if tokens[index][0] == "name" and tokens[index][1].lower() == "limit" and level.makes_rows
        for size in _size_behind(tokens, index, bound)
    )


def _tables(tokens: list[Token]) -> Iterator[str]:
    """Yield each name of a table; a query that has a name in the same statement is none."""
    own = set(_named_queries(tokens))
    for index, level in _levels(tokens):
        kind, text = tokens[index]
        if kind == "name" and text.lower() == "pragma":
            yield text
        if not level.wants_table or kind not in {"name", "quoted"} or _begins_query(tokens, index):
            continue
        following = _at(tokens, index + 1)[1]
        is_own = following != "." and _bare(tokens[index]) in own
        forms_rows = following == "(" and text.lower() in _FORM_ROWS
        if not (is_own or forms_rows):
            yield text


def _levels(tokens: list[Token]) -> Iterator[tuple[int, _Level]]:
    """Yield the index of each token with its level, as it is before the token."""
    levels = [_Level()]
    for index, (kind, text) in enumerate(tokens):
        level = levels[-1]
        yield index, level
        if text == "(":
            levels.append(_opened(tokens, index, level))
            level.wants_table = False
        elif text == ")":
            del levels[max(1, len(levels) - 1) :]  # the outermost stays
        elif text == ",":
            level.wants_table = level.is_from
        elif kind in {"name", "quoted"}:
            _move(tokens, index, level)


def _opened(tokens: list[Token], index: int, around: _Level) -> _Level:
    """Return the level that a bracket opens."""
    before = _at(tokens, index - 1)[1].lower()
    stands_for_rows = around.wants_table or before in {"as", "materialized", "in"}
    return _Level(around.wants_table, around.wants_table, around.makes_rows and stands_for_rows)


def _move(tokens: list[Token], index: int, level: _Level) -> None:
    """Take over into its level what a word says of what follows."""
    word = tokens[index][1].lower() if tokens[index][0] == "name" else ""
    level.wants_table = False
    if word in {"from", "join"} and not _is_comparison(tokens, index):
        level.is_from = level.wants_table = True
    elif word == "in":
        level.wants_table = _at(tokens, index + 1)[1] != "("
    elif word in _BEGINS | _AFTER_TABLES:
        level.is_from = False


def _begins_query(tokens: list[Token], index: int) -> bool:
    """Check whether a query begins here, where a table might stand."""
    kind, text = tokens[index]
    return kind == "name" and text.lower() in _BEGINS


def _is_comparison(tokens: list[Token], index: int) -> bool:
    """Check whether a FROM belongs to IS DISTINCT FROM."""
    return _at(tokens, index - 1)[1].lower() == "distinct"


def _named_queries(tokens: list[Token]) -> Iterator[str]:
    """Yield the name of each query behind WITH: `name as (`, `name (columns) as materialized (`."""
    if not any(kind == "name" and text.lower() == "with" for kind, text in tokens):
        return
    for index, (kind, _) in enumerate(tokens):
        before = _at(tokens, index - 1)[1].lower()
        if kind not in {"name", "quoted"} or before not in {"with", "recursive", ","}:
            continue
        behind = index + 1
        if _at(tokens, behind)[1] == "(":
            behind = next((place for place in range(behind, len(tokens)) if tokens[place][1] == ")"), behind) + 1
        words = [text.lower() for _, text in tokens[behind : behind + 4]]
        if words[:1] == ["as"] and next((word for word in words[1:] if word not in {"not", "materialized"}), "") == "(":
            yield _bare(tokens[index])


def _size_behind(tokens: list[Token], index: int, bound: Mapping[int, object]) -> Iterator[int | None]:
    """Yield how many rows the LIMIT at an index lets through; nothing where it lets all through."""
    first, end = _expression(tokens, index + 1)
    # The first of `limit 10, 5` is where the rows begin.
    size = _expression(tokens, end + 1)[0] if _at(tokens, end)[1] == "," else first
    texts = [tokens[place][1] for place in size]
    if texts[:1] == ["-"] and is_digits("".join(texts[1:])):
        return
    text = str(bound.get(size[0])) if len(size) == 1 and size[0] in bound else "".join(texts)
    if text.startswith("-") and is_digits(text[1:]):
        return
    yield int(text) if len(size) == 1 and is_digits(text) else None


def _expression(tokens: list[Token], begins: int) -> tuple[list[int], int]:
    """Return the places of an expression's tokens, and that of what ends it."""
    depth = 0
    for place in range(begins, len(tokens)):
        text = tokens[place][1].lower()
        if depth == 0 and text in _ENDS_A_LIMIT:
            return list(range(begins, place)), place
        depth += (text == "(") - (text == ")")
    return list(range(begins, len(tokens))), len(tokens)


def _bound(tokens: list[Token], params: Sequence[object]) -> dict[int, object]:
    """Return what is bound to each variable, by its place; SQLite numbers those that bear no number."""
    numbers: dict[str, int] = {}
    bound: dict[int, object] = {}
    last = 0
    for place, (kind, text) in enumerate(tokens):
        if kind != "variable":
            continue
        stated = int(text[1:]) if is_digits(text[1:]) and text.startswith("?") else None
        number = stated or (numbers.get(text) if text != "?" else None) or last + 1
        numbers[text] = number
        last = max(last, number)
        if number <= len(params):
            bound[place] = params[number - 1]
    return bound


def _bare(token: Token) -> str:
    """Return a name as names are compared."""
    kind, text = token
    return (text[1:-1] if kind == "quoted" else text).lower()


def _at(tokens: list[Token], index: int) -> Token:
    return tokens[index] if 0 <= index < len(tokens) else _END
