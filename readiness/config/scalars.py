"""Which plain words of YAML mean one thing to every reader: PyYAML reads YAML 1.1, most editors and people YAML 1.2."""

from __future__ import annotations

import re

import yaml

_TAG = "tag:yaml.org,2002:"
SAME_FOR_ALL = {
    f"{_TAG}null": re.compile(r"~|null|Null|NULL|"),
    f"{_TAG}bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    f"{_TAG}int": re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+"),
    f"{_TAG}float": re.compile(
        r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    ),
}
"""The words of each kind that YAML 1.1 and the core schema of YAML 1.2 read as the same value."""


def is_ambiguous(node: yaml.Node) -> bool:
    """Check whether YAML 1.1 makes a number or a truth of a word, and YAML 1.2 something else.

    >>> [text for text in ("1:30", "012", "yes", "1_000", "12", "0.5") if is_ambiguous(yaml.compose(text))]
    ['1:30', '012', 'yes', '1_000']
    """
    same_for_all = SAME_FOR_ALL.get(node.tag)
    return same_for_all is not None and not same_for_all.fullmatch(str(node.value))


def ambiguity(text: str, value: object) -> str:
    """Return what is wrong with such a word, and what to write instead."""
    read_as = str(value).lower() if isinstance(value, bool) else value
    if value is None:
        return f"{text} is nothing by its tag, and says something: leave the tag !!null out, or write ~"
    instead = f"write {read_as}" if isinstance(value, bool) else "write the number in plain digits"
    return f"{text} is {read_as} in YAML 1.1 and something else in YAML 1.2: {instead}, or put text in quotes"
