"""GraphQL: whether a document asks and does nothing else.

It is read by the language's own lexical rules (October 2021, section 2.1), so that neither a text nor a comment hides
a second operation. What these rules do not know is refused: a server might read it in another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TOKEN = re.compile(
    r"""
    (?P<ignored>[ \t\n\r,]+|\#[^\n\r]*)
  | (?P<block>\"{3}(?>\\\"{3}|(?!\"{3}).)*+\"{3})
  | (?P<text>(?!\"{3})\"(?>[^\"\\\n\r]|\\(?:u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]+\}|["\\/bfnrt]))*+\")
  | (?P<name>[_A-Za-z][_0-9A-Za-z]*)
  | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
  | (?P<mark>\.\.\.|[!$&():=@\[\]{}|])
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}
_PAGE = {"limit", "first", "last"}
"""The arguments that say how many rows come at most."""
SHOWN = 20


class _NoGraphQL(ValueError):
    """It cannot be read; the message says where."""


def why_no_query(document: str) -> str:
    """Return why a document is not one single query; empty where it is.

    >>> why_no_query("query ($zone: string!) { viewer { zones(filter: {zoneTag: $zone}) { id } } }")
    ''
    >>> why_no_query("mutation { deleteZone }")
    'it is a mutation: only a query is sent'
    """
    try:
        kinds = list(_definitions(list(_tokens(document))))
    except _NoGraphQL as error:
        return str(error)

    for kind in kinds:
        if kind not in {"query", "fragment"}:
            is_operation = kind in {"mutation", "subscription"}
            return f"it is a {kind}: only a query is sent" if is_operation else f"{kind!r} begins no query"
    queries = kinds.count("query")
    return "" if queries == 1 else f"it has {queries} queries: one is sent"


def page_sizes(document: str, variables: Mapping[str, Any]) -> frozenset[int]:
    """Return how many rows come at most, by each `limit` or `first` of a query that can be read.

    >>> sorted(page_sizes("query ($m: Int = 7) { a(limit: 100) { id } b(first: $n) { id } c(last: $m) }", {"n": 5}))
    [5, 7, 100]
    """
    tokens = list(_tokens(document))
    given = {**dict(_defaults(tokens)), **variables}
    # A variable of such a name may be anything; a key within one is what an argument of that name would be.
    sizes = {size for part in variables.values() for size in _sizes_within(part)}
    for (_, name), (_, colon), (kind, value), (_, after) in zip(
        tokens, tokens[1:], tokens[2:], [*tokens[3:], ("", "")], strict=False
    ):
        if name not in _PAGE or colon != ":":
            continue
        size = given.get(after) if value == "$" else value
        if kind == "number" or value == "$":
            sizes.update(_whole(size))
    return frozenset(sizes)


def _defaults(tokens: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield each variable that is a number where nothing is given for it: `$n: Int = 5`."""
    for index, (_, mark) in enumerate(tokens):
        if mark != "$" or [text for _, text in tokens[index + 2 : index + 3]] != [":"]:
            continue
        type_ends = index + 3
        while type_ends < len(tokens) and (tokens[type_ends][0] == "name" or tokens[type_ends][1] in set("[]!")):
            type_ends += 1
        sign, value = [*tokens[type_ends : type_ends + 2], ("", ""), ("", "")][:2]
        if sign[1] == "=" and value[0] == "number":
            yield tokens[index + 1][1], value[1]


def _sizes_within(value: object) -> Iterator[int]:
    """Yield each size that a variable has within it: `page: {limit: 5}`."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _whole(part) if key in _PAGE else _sizes_within(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _sizes_within(part)


def _whole(size: object) -> Iterator[int]:
    text = str(size)
    if text.isascii() and text.isdecimal():
        yield int(text)


def _tokens(document: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of each token. Raises _NoGraphQL."""
    position = 0
    while position < len(document):
        match = _TOKEN.match(document, position)
        if match is None:
            line = document.count("\n", 0, position) + 1
            raise _NoGraphQL(f"its line {line} cannot be read at {document[position : position + SHOWN]!r}")
        position = match.end()
        if match.lastgroup != "ignored":
            yield str(match.lastgroup), match[0]


def _definitions(tokens: list[tuple[str, str]]) -> Iterator[str]:
    """Yield the kind of each definition; a selection without a word before it is a query. Raises _NoGraphQL."""
    open_marks: list[str] = []
    is_within = False
    for kind, text in tokens:
        if not is_within:
            yield "query" if text == "{" else text
            is_within = True
        if kind != "mark":
            continue

        if text in "([{":
            open_marks.append(text)
        elif text in _CLOSES:
            if not open_marks or open_marks.pop() != _CLOSES[text]:
                raise _NoGraphQL(f"its brackets do not match: {text} closes nothing")
            # The selection of a definition is its last part, and stands in no other brackets.
            is_within = bool(open_marks) or text != "}"
    if is_within:
        raise _NoGraphQL("its last part is not closed")
