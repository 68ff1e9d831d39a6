"""YAML files that people write: read strictly, and every mistake told with its place and the nearest valid name."""

from __future__ import annotations

import types
import typing
from collections.abc import Container, Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from readiness.errors import not_one_of

Loc = tuple[int | str, ...]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where libyaml is there
DEEPEST = 50
"""Levels of nesting that a file may have. The libraries stop at limits of their own, each with other words; the files
that ship have ten levels at most."""
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
    """The plain data of one YAML file, and the line each key stands on."""

    path: Path
    data: Any = None
    problems: list[str] = field(default_factory=list)
    _places: dict[Loc, int] = field(default_factory=dict)

    def where(self, loc: Loc) -> str:
        """Return `file:line` of the deepest part of `loc` that the file has."""
        while loc and loc not in self._places:
            loc = loc[:-1]
        return f"{self.path.name}:{self._places.get(loc, 1)}"


class _Constructor(yaml.constructor.SafeConstructor):
    """Leaves dates as they are written: the models read them, and tell what is wrong with 2026-02-30."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Give the value of a node. Raises ConstructorError, which knows the line, for all that is none."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError):
            raise _unreadable(node, f"this cannot be read as {node.tag.rpartition(':')[2]}") from None

    def refuse(self, node: yaml.Node) -> Any:
        """Refuse a tag that nobody knows."""
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
        text = path.read_text(encoding="utf-8")
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
    """Return what stands behind the file's name: the line, and what is wrong there."""
    if is_too_deep(text):
        return f": {TOO_DEEP}"
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    why = "" if isinstance(error, yaml.constructor.ConstructorError) else "this is not YAML: "
    return f":{line}: {why}{error.problem}"


def is_too_deep(text: str) -> bool:
    """Return whether YAML is nested deeper than DEEPEST, as far as it can be read.

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
    """Read the data and its places. Raises YAMLError and RecursionError."""
    node = yaml.compose(text, Loader=LOADER)
    for loc, place in _walk(node, ()):
        if loc in document._places:  # noqa: SLF001  its own module
            document.problems.append(f"{document.path.name}:{place}: {_dotted(loc)} stands here twice")
        document._places.setdefault(loc, place)  # noqa: SLF001
    document.data = _Constructor().construct_document(node) if node else None
    if not isinstance(document.data, dict):
        document.problems.append(f"{document.path.name}:1: a mapping of keys is wanted")


def _walk(node: yaml.Node | None, loc: Loc) -> Iterator[tuple[Loc, int]]:
    if len(loc) > DEEPEST:
        raise RecursionError
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _unreadable(key, "a key is one word, and this one is a list or mapping; put {{ }} in quotes")
            here = (*loc, str(key.value))
            yield here, key.start_mark.line + 1
            yield from _walk(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            here = (*loc, index)
            yield here, value.start_mark.line + 1
            yield from _walk(value, here)


def _dotted(loc: Loc) -> str:
    return ".".join(str(part) for part in loc) or "the file"


def explain(error: ValidationError, model: type[BaseModel], document: Document, told: Container[Loc] = ()) -> list[str]:
    """Turn pydantic's findings into one line each: place, key, what is wrong, what would be valid.

    What stands at a place among `told` has been complained about already.
    """
    found = [one for one in error.errors() if one["loc"] not in told]
    return [f"{document.where(one['loc'])}: {_sentence(one, model)}" for one in found]


def _sentence(found: ErrorDetails, model: type[BaseModel]) -> str:
    loc, kind = found["loc"], found["type"]
    if kind == "extra_forbidden":
        known = _keys(model, loc[:-1])
        return f"{_dotted(loc[:-1]) + ': ' if loc[:-1] else ''}key {not_one_of(str(loc[-1]), known)}"
    if kind == "missing":
        return f"{_dotted(loc)} is missing"
    if kind in {"enum", "literal_error"} and isinstance(found["input"], str):
        known = [word.strip(" '") for word in found["ctx"]["expected"].replace(" or ", ",").split(",")]
        return f"{_dotted(loc)}: {not_one_of(found['input'], known)}"
    message = found["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    shown = found["input"]
    value = "" if kind == "value_error" or isinstance(shown, dict | list) else f", not {shown!r}"
    return f"{_dotted(loc)}: {message[:1].lower()}{message[1:]}{value}"


def _keys(model: type[BaseModel], loc: Loc) -> list[str]:
    """Name the keys that are valid at `loc` below `model`."""
    here: set[Any] = {model}
    for part in loc:
        # An index of a list or a key of a mapping leads no deeper: its model was reached with the field itself.
        here = {step for kind in here for step in _below(kind, part)} or here
    return [name for kind in here if _is_model(kind) for name in kind.model_fields]


def _below(kind: Any, part: Hashable) -> set[Any]:
    if not _is_model(kind):
        return set()
    found = kind.model_fields.get(part)
    return set(_models(found.annotation)) if found else set()


def _models(kind: Any) -> Iterator[Any]:
    if _is_model(kind):
        yield kind
    elif typing.get_origin(kind) in {typing.Union, types.UnionType, dict, list, tuple, typing.Annotated}:
        for argument in typing.get_args(kind):
            yield from _models(argument)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
