"""The examples in docstrings do what they say: a prompt is run, other code is read, YAML is taken as what it is."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import readiness
from readiness import observations
from readiness.environment.schema import Reading
from readiness.observations import workers
from readiness.runbook.lines import Line

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "readiness"
FLAGS = doctest.ELLIPSIS
MUST_HAVE = (
    *("readiness", "readiness.observations.observation", "readiness.observations.known_reading"),
    *("readiness.observations.pause", "readiness.observations.needs.need", "readiness.observations.needs.either"),
    *("readiness.observations.workers", "readiness.measurements.Measure", "readiness.runbook.limits.Limits"),
    *("readiness.outcomes.Unknown", "readiness.environment.schema.load", "readiness.environment.service_levels"),
    *("readiness.transport.deadline.within", "readiness.transport.guard.Guard"),
    *("readiness.transport.answer.at_pointer", "readiness.transport.strict_json.parse_json"),
    *("readiness.ladder", "readiness.timeline.parse_offset", "readiness.timeline.is_due"),
    *("readiness.redaction.secret.Secret", "readiness.errors.not_one_of"),
)
"""What teams call or imitate."""


def with_prompts() -> list[str]:
    """Return the modules with an example that can be run."""
    paths = [path for path in PACKAGE.rglob("*.py") if re.search(r"^\s*>>> ", path.read_text("utf-8"), re.MULTILINE)]
    dotted = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return sorted(dotted)


def docstring(name: str) -> str:
    """Return the docstring of a module, or of something in a module."""
    try:
        documented: object = importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        documented = getattr(importlib.import_module(module), attribute)
    assert documented.__doc__
    return documented.__doc__


def blocks(text: str) -> Iterator[str]:
    """Yield the literal blocks of a docstring: what is indented beyond its sentences, without a prompt."""
    body = textwrap.dedent(text.partition("\n")[2])
    for block in re.findall(r"(?:^ {4}.*\n|^\s*\n)+", f"{body}\n", re.MULTILINE):
        if block.strip() and not block.lstrip().startswith(">>>"):
            yield textwrap.dedent(block)


@pytest.fixture
def _registers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an example registers is gone afterwards."""
    monkeypatch.setattr(observations, "OBSERVATIONS", dict(observations.OBSERVATIONS))
    monkeypatch.setattr(observations, "KNOWN_READINGS", dict(observations.KNOWN_READINGS))


@pytest.mark.usefixtures("_registers_nothing")
@pytest.mark.parametrize("name", with_prompts())
def test_examples_at_a_prompt_do_what_they_say(name: str) -> None:
    module: ModuleType = importlib.import_module(name)
    # pytest rewrites the assertion of a measurement, and adds to its message.
    flags = FLAGS | doctest.IGNORE_EXCEPTION_DETAIL if name == "readiness.measurements" else FLAGS
    failed, attempted = doctest.testmod(module, optionflags=flags)
    assert attempted
    assert not failed


@pytest.mark.parametrize("name", MUST_HAVE)
def test_what_teams_imitate_has_an_example(name: str) -> None:
    text = docstring(name)
    assert ">>> " in text or list(blocks(text)), f"{name} has no example"


@pytest.mark.parametrize(
    "name",
    [
        *("readiness", "readiness.observations", "readiness.observations.needs", "readiness.observations.pause"),
        "readiness.transport.deadline.Wire",
    ],
)
def test_code_in_docstrings_can_be_pasted(name: str) -> None:
    pasted = list(blocks(docstring(name)))
    assert pasted
    for block in pasted:
        assert ast.parse(block).body, block


def test_the_check_in_the_root_reads_like_the_shipped_ones() -> None:
    (block,) = blocks(readiness.__doc__ or "")
    check = ast.parse(block).body[-1]
    assert isinstance(check, ast.FunctionDef)
    assert "Remedy: " in (ast.get_docstring(check) or "")
    imported = [node.names for node in ast.parse(block).body if isinstance(node, ast.ImportFrom)]
    assert {alias.name for alias in imported[0]} <= set(readiness.__all__)


def test_the_yaml_of_the_workers_is_that_of_an_environment_and_of_a_runbook() -> None:
    environment, runbook = (yaml.safe_load(block) for block in blocks(workers.__doc__ or ""))
    assert environment["readings"].keys() <= observations.KNOWN_READINGS.keys()
    for source in environment["readings"].values():
        assert Reading.model_validate(source)
    (line,) = runbook
    assert Line.model_validate({"ref": "1", "phase": ["postlaunch"], "gate": "blocker", **line})
