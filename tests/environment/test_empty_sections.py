"""Each key of an environment with nothing behind it: it is as if it were not there, or one clear line says what lacks.

A new key of the model is a new row by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from readiness.environment.schema import Environment, load
from readiness.environment.stated import stated_environment
from readiness.errors import BadEnvironment

LEAST = {
    "environment": "shop",
    "runbooks": ["ingestion"],
    "allowed_hosts": ["shop.example.com"],
    "target": {"url": "https://shop.example.com"},
}
EMPTY = ("", " # nothing yet", " ~", " {}", " []", " ''")
"""What may stand behind a key so that it says nothing."""
A_LINE = re.compile(r"shop\.yaml:[0-9]+: [a-z_.]+(:| is missing| says)")


def stated(folder: Path, key: str, text: str | None) -> Path:
    """Write an environment file in which a key says this, or is left out."""
    rest = {name: value for name, value in LEAST.items() if name != key}
    written = yaml.safe_dump(LEAST if text is None else rest)
    (folder / "shop.yaml").write_text(written + (f"{key}:{text}\n" if text is not None else ""), encoding="utf-8")
    return folder / "shop.yaml"


def problems_of(folder: Path) -> list[str]:
    """Return what is wrong with the file, after it was made sure that each is one clear line."""
    try:
        load("shop", folder, {})
    except BadEnvironment as error:
        problems = list(error.problems)
    else:
        problems = []
    unclear = [problem for problem in problems if not A_LINE.match(problem) or "None" in problem]
    assert unclear == []
    return problems


@pytest.mark.parametrize("text", EMPTY)
@pytest.mark.parametrize("key", Environment.model_fields)
def test_an_empty_key_says_nothing_or_is_told(key: str, text: str, tmp_path: Path) -> None:
    path = stated(tmp_path, key, text)
    problems = problems_of(tmp_path)
    assert all(f": {key}" in problem for problem in problems), problems
    if problems:
        return

    environment, said = load("shop", tmp_path, {}), stated_environment(path).paths
    without = stated(tmp_path, key, None)
    assert environment == load("shop", tmp_path, {})
    # And `verify` does not take it for a change.
    assert said == stated_environment(without).paths


def _sections() -> Iterator[tuple[str, str]]:
    """Yield each key of each section."""
    for name, field in Environment.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from ((name, key) for key in kind.model_fields)


@pytest.mark.parametrize(("section", "key"), list(_sections()))
def test_an_empty_key_of_a_section_is_told_in_a_line(section: str, key: str, tmp_path: Path) -> None:
    for text in (" ~", " {}", " ''"):
        stated(tmp_path, section, f"\n  {key}:{text}")
        problems = problems_of(tmp_path)
        assert all(f": {section}" in problem for problem in problems), (text, problems)
