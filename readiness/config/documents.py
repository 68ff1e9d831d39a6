"""YAML files that people write: read strictly; each mistake names its place and the nearest valid name."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from readiness.config.scalars import ambiguity, is_ambiguous
from readiness.errors import not_one_of, wrong_value
from readiness.files import bounded_read

Loc = tuple[int | str, ...]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where libyaml is there
DEEPEST = 50
"""Levels of nesting that a file may have. The libraries stop at limits of their own, each with other words; the files
that ship have ten levels at most."""
_NO_VALUE = {f"tag:yaml.org,2002:{kind}" for kind in ("binary", "set", "omap", "pairs")}
"""Tags that make bytes, sets and pairs, which no key takes and no journal holds."""
_MERGE = "tag:yaml.org,2002:merge"
_OF_PYDANTIC = re.compile(r"[a-z-]+\[.*\]$")
"""A part of a place that stands in no file: `function-after[...]`."""
MOST_ENTRIES = 100_000
"""Keys and list items that a file may have, each alias (*name) counted by what it repeats. Nine lines of nine aliases
make a billion; the largest file that ships has some thousands."""
TOO_DEEP = "nested too deeply, or an alias stands within what it repeats"
_OPENING = (
    yaml.FlowSequenceStartToken
    | yaml.FlowMappingStartToken
    | yaml.BlockSequenceStartToken
    | yaml.BlockMappingStartToken
)
_CLOSING = yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken | yaml.BlockEndToken


@dataclass
class Document:
    """The plain data of one YAML file, and the line that each key is on."""

    path: Path
    data: Any = None
    problems: list[str] = field(default_factory=list)
    _places: dict[Loc, int] = field(default_factory=dict)

    def where(self, loc: Loc) -> str:
        """Return `file:line` of the deepest part of `loc` that the file has: a missing key is looked for there."""
        return f"{self.path.name}:{self._places.get(self.deepest(loc), 1)}"

    def deepest(self, loc: Loc) -> Loc:
        """Return the deepest part of a place that the file has."""
        while loc and loc not in self._places:
            loc = loc[:-1]
        return loc


class _Constructor(yaml.constructor.SafeConstructor):
    """Leaves dates as they are written: the models read them, and name what is wrong with 2026-02-30."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node. Raises ConstructorError, which knows the line, for all that is none."""
        try:
            value = super().construct_object(node, deep)
        except (ValueError, KeyError):
            raise _unreadable(node, f"this cannot be read as {node.tag.rpartition(':')[2]}") from None
        if is_ambiguous(node):
            raise _unreadable(node, ambiguity(node.value, value))
        return value

    def refuse(self, node: yaml.Node) -> Any:
        """Raise ConstructorError for a tag that nobody knows."""
        raise _unreadable(node, f"the tag {node.tag} is not known; put text in quotes, write a variable as ${{NAME}}")


_Constructor.yaml_constructors = {  # as `add_constructor` would, whose type is that of its parent
    **yaml.constructor.SafeConstructor.yaml_constructors,
    "tag:yaml.org,2002:timestamp": yaml.constructor.SafeConstructor.construct_yaml_str,
    None: _Constructor.refuse,
}


def _unreadable(node: yaml.Node, why: str) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, why, node.start_mark)


def read(path: Path) -> Document:
    """Read one YAML file; what is wrong with it is in `problems`, never raised."""
    document = Document(path)

    try:
        text = bounded_read.read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        document.problems.append(f"{path.name}: cannot be read: {error}")
        return document

    try:
        _fill(document, text)
    except yaml.MarkedYAMLError as error:
        document.problems.append(f"{path.name}{_message(error, text)}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, text.find(chr(error.character))) + 1
        document.problems.append(f"{path.name}:{line}: the character U+{error.character:04X} is not allowed; remove it")
    except RecursionError:
        document.problems.append(f"{path.name}: {TOO_DEEP}")
    return document


def _message(error: yaml.MarkedYAMLError, text: str) -> str:
    """Return what follows the file's name in a message: the line, and what is wrong there."""
    # The libraries' own words for it change from release to release.
    if is_too_deep(text):
        return f": {TOO_DEEP}"

    line = error.problem_mark.line + 1 if error.problem_mark else 1
    why = "" if isinstance(error, yaml.constructor.ConstructorError) else "this is not YAML: "
    return f":{line}: {why}{error.problem}"


def is_too_deep(text: str) -> bool:
    """Check whether YAML is nested deeper than DEEPEST, as far as it can be read.

    The scanner in Python has no limit of its own and no recursion, so that the answer, and with it our message, is the
    same whichever loader reads the text.
    """
    depth = 0
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, _OPENING):
                depth += 1
            elif isinstance(token, _CLOSING):
                depth -= 1
            if depth > DEEPEST:
                return True
    except yaml.YAMLError:
        return False
    return False


def _fill(document: Document, text: str) -> None:
    """Put the data and the line of each key into a document. Raises YAMLError and RecursionError."""
    node = yaml.compose(text, Loader=LOADER)

    places = document._places  # noqa: SLF001  its own module
    for count, (loc, line) in enumerate(_walk(node, ())):
        if node and count == MOST_ENTRIES:
            raise _unreadable(node, f"more than {MOST_ENTRIES:,} entries, with what aliases (*name) repeat; write less")
        # YAML's libraries keep the last of two; who reads the file may see the first.
        if loc in places:
            document.problems.append(f"{document.path.name}:{line}: {_dotted(loc)} stands here twice")
        else:
            places[loc] = line

    document.data = _Constructor().construct_document(node) if node else None
    if not isinstance(document.data, dict):
        document.problems.append(f"{document.path.name}:1: a mapping of keys is wanted")


def _walk(node: yaml.Node | None, loc: Loc) -> Iterator[tuple[Loc, int]]:
    """Yield each key and list item with its line, counted from 1."""
    if len(loc) > DEEPEST:
        raise RecursionError
    if node is not None and node.tag in _NO_VALUE:
        tag = f"!!{node.tag.rpartition(':')[2]}"
        raise _unreadable(
            node, f"{_dotted(loc)}: the tag {tag} makes what no key takes; write it as text or as a number"
        )
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _unreadable(key, "a key is one word, and this one is a list or mapping; put {{ }} in quotes")
            if key.tag in _NO_VALUE:
                raise _unreadable(
                    key, "a key is text, and the tag before this one makes bytes of it; leave the tag out"
                )
            key_loc = (*loc, str(key.value))
            yield key_loc, key.start_mark.line + 1
            yield from _walk(value, key_loc)
            if key.tag == _MERGE and isinstance(value, yaml.SequenceNode):
                _refuse_merged_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            item_loc = (*loc, index)
            yield item_loc, value.start_mark.line + 1
            yield from _walk(value, item_loc)


def _refuse_merged_twice(parts: yaml.SequenceNode) -> None:
    """Raise ConstructorError where two mappings of a merge differ in a key: releases of PyYAML differ in which counts.

    Two that have a key from the same place, as from common defaults, do not differ.
    """
    seen: dict[str, yaml.Node] = {}
    for part in parts.value:
        for name, key in _merged_keys(part).items():
            if seen.setdefault(name, key) is not key:
                raise _unreadable(part, f"<<: more than one of the mappings has {name}; leave it in one of them")


def _merged_keys(node: yaml.Node) -> dict[str, yaml.Node]:
    """Return the keys of a mapping with those that are merged into it, each as it is written where it counts."""
    own: dict[str, yaml.Node] = {}
    merged: dict[str, yaml.Node] = {}
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        if key.tag != _MERGE:
            own[str(key.value)] = key
            continue
        for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            merged = {**_merged_keys(part), **merged}
    return {**merged, **own}


def _dotted(loc: Loc) -> str:
    return ".".join(str(part) for part in loc) or "the file"


def explain(
    error: ValidationError, model: type[BaseModel], document: Document, *, reported: Container[Loc] = ()
) -> list[str]:
    """Format each of pydantic's errors as one line: place, key, what is wrong, what would be valid.

    Errors at a place among `reported` are left out: the caller has a better word for them.
    """
    own = [problem for problem in error.errors() if not _lacks_what_is_wrong(problem)]
    every = [{**problem, "loc": in_the_file(problem["loc"])} for problem in own]
    problems = [cast("ErrorDetails", problem) for problem in every if problem["loc"] not in reported]
    return [f"{document.where(problem['loc'])}: {_sentence(problem, model)}" for problem in problems]


def _lacks_what_is_wrong(problem: ErrorDetails) -> bool:
    """Check whether a list is only short of the parts that are wrong themselves, each of which is told by itself."""
    stated = problem["input"]
    is_short = problem["type"] == "too_short" and isinstance(stated, list | dict)
    return is_short and len(stated) >= problem["ctx"]["min_length"]


def in_the_file(loc: Loc) -> Loc:
    """Return a place without pydantic's own words in it, such as the branch of a union that it tried."""
    return tuple(part for part in loc if isinstance(part, int) or not _OF_PYDANTIC.match(part))


def _sentence(problem: ErrorDetails, model: type[BaseModel]) -> str:
    loc = problem["loc"]
    kind = problem["type"]
    value = problem["input"]

    if kind == "extra_forbidden":
        section = loc[:-1]
        place = f"{_dotted(section)}: " if section else ""
        return f"{place}key {not_one_of(str(loc[-1]), _keys(model, section))}"

    if kind == "missing":
        return f"{_dotted(loc)} is missing"

    if kind in {"enum", "literal_error"} and isinstance(value, str):
        return f"{_dotted(loc)}: {not_one_of(value, _expected_words(problem))}"

    message = wrong_value(problem)
    sentence = f"{_dotted(loc)}: {message[:1].lower()}{message[1:]}"
    # Our own validators name the value themselves, and a whole section is too much for one line.
    if kind == "value_error" or isinstance(value, dict | list):
        return sentence
    # A key with nothing behind it, or with comments alone.
    if value is None:
        return f"{sentence}, and nothing stands here"
    return f"{sentence}, not {value!r}"


def _expected_words(problem: ErrorDetails) -> list[str]:
    """Return the valid words, which pydantic has as one text: `'a', 'b' or 'c'`."""
    expected: str = problem["ctx"]["expected"]
    return [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]


def _keys(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys that are valid at `loc` below `model`."""
    models = {model}
    for part in loc:
        # An index of a list or a key of a mapping leads no deeper: its model was reached with the field itself.
        models = {below for parent in models for below in _models_of_field(parent, part)} or models
    return [name for candidate in models for name in candidate.model_fields]


def _models_of_field(model: type[BaseModel], part: int | str) -> Iterator[type[BaseModel]]:
    if part in model.model_fields:
        yield from _models(model.model_fields[str(part)].annotation)


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    """Yield the models within a type: of `dict[str, A | B] | None` A and B."""
    if _is_model(kind):
        yield kind
    elif typing.get_origin(kind) in {typing.Union, types.UnionType, dict, list, tuple, typing.Annotated}:
        for argument in typing.get_args(kind):
            yield from _models(argument)


def _is_model(kind: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
