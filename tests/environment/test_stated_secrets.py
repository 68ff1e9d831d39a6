"""Commands learn the secrets of an environment without its model: what they go by is held against the model here."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from readiness.config.documents import Loc
from readiness.config.secret_places import takes_secret
from readiness.environment.schema import Environment
from readiness.environment.stated_secrets import is_secret_place, remember_secrets
from readiness.redaction.secret import known_secrets


def _places(kind: Any, loc: Loc) -> Iterator[Loc]:
    """Yield each place of a model; a star stands for a key or an index that people choose."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is Annotated:
        yield from _places(arguments[0], loc)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield from _places(field.annotation, (*loc, name))
    elif typing.get_origin(kind) in {dict, tuple, list, frozenset}:
        yield from _places(arguments[1] if typing.get_origin(kind) is dict else arguments[0], (*loc, "*"))
    elif arguments and typing.get_origin(kind) is not typing.Literal:
        for argument in arguments:
            yield from _places(argument, loc)
    else:
        yield loc


def test_the_places_are_those_of_the_model() -> None:
    places = set(_places(Environment, ()))
    in_the_model = {loc for loc in places if takes_secret(Environment, loc)}
    assert {loc for loc in places if is_secret_place(loc)} == in_the_model
    assert len(in_the_model) > 30


@pytest.mark.parametrize(
    ("text", "value", "is_learned"),
    [
        ("runbooks: ['${WORD}']", "preflight-of-shop", False),
        ("target: {url: 'https://${WORD}'}", "shop.example.com", False),
        ("target: {token: '${WORD}'}", "token-gribzel-22", True),
        ("target: {token: '${WORD}'}", "short", False),
        ("target: {token: '${WORD}'}", "blocker", False),
        ("target: {token: '${WORD}'}", "2026-12-01", False),
        ("target: {token: 'file:/there/is/none'}", "word-gribzel-23", False),
        ("owners: {a: '${WORD}'", "owner-gribzel-24", False),
    ],
)
def test_what_is_learned(text: str, value: str, is_learned: bool, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(text)
    remember_secrets(["shop", "none"], tmp_path, {"WORD": value})
    assert (value in known_secrets()) is is_learned
