"""Where the model of a file wants a secret: by the type that stands there, never by the name of a key."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel

from readiness.config.documents import Loc
from readiness.config.fields import AsWritten, SecretReference
from readiness.redaction.secret import Secret

_REFERENCE = SecretReference.__metadata__  # type: ignore[attr-defined]  # typing does not declare it of an alias
_SEVERAL = {typing.Union, types.UnionType}


def wants_reference(model: type[BaseModel], loc: Loc) -> bool:
    """Check whether the model takes only what comes from a variable or a file at a place."""
    return any(_is_reference(kind) for kind in _kinds_at(model, loc))


def takes_secret(model: type[BaseModel], loc: Loc) -> bool:
    """Check whether the model has a secret at a place, such as a contact, which may also stand in the file itself."""
    return any(kind is Secret or _bare(kind) is Secret for kind in _kinds_at(model, loc))


def why_as_written(model: type[BaseModel], loc: Loc) -> str:
    """Return why no variable may stand at a place; empty where it may."""
    marks = [mark for kind in _kinds_at(model, loc) for mark in getattr(kind, "__metadata__", ())]
    return next((mark.why for mark in marks if isinstance(mark, AsWritten)), "")


def _kinds_at(model: type[BaseModel], loc: Loc) -> list[Any]:
    """Return the types that the model allows at a place."""
    kinds: list[Any] = [model]
    for part in loc:
        kinds = [below for kind in kinds for below in _below(kind, part)]
    return kinds


def _below(kind: Any, part: int | str) -> Iterator[Any]:
    """Yield the types of a part of a value: of a field, or of any item."""
    bare = _bare(kind)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        field = bare.model_fields.get(str(part))
        if field is not None:
            # Pydantic keeps apart what `Annotated` had around the whole type of a field.
            whole = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            yield from _alternatives(whole)
        return
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if origin is dict:
        yield from _alternatives(arguments[1])
    elif origin in {list, tuple, set, frozenset}:
        yield from _alternatives(arguments[0])


def _alternatives(kind: Any) -> Iterator[Any]:
    """Yield a type, or each of those that it is a union of."""
    bare = _bare(kind)
    if typing.get_origin(bare) in _SEVERAL:
        for alternative in typing.get_args(bare):
            yield from _alternatives(alternative)
    else:
        yield kind


def _bare(kind: Any) -> Any:
    return typing.get_args(kind)[0] if typing.get_origin(kind) is Annotated else kind


def _is_reference(kind: Any) -> bool:
    return typing.get_origin(kind) is Annotated and _REFERENCE[0] in kind.__metadata__
