"""No line stands on a limit that nobody has stated: what a check holds something against is in its line."""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from collections.abc import Iterator

import pytest
import yaml
from pydantic.fields import FieldInfo

from readiness import Limits
from readiness.runbook.limit_examples import example_of
from readiness.runbook.lines import Item
from tests.house.test_catalogue import CHECKS, WITHOUT_A_LINE, Check, shipped_items

NEUTRAL: tuple[object, ...] = (None, "", (), {})
"""What judges nothing: no bound, any name, no demand."""
FACTS = {
    "health.live.status": "HTTP's own word for an answer that is well (RFC 9110)",
    "health.ready.status": "the same",
    "rollback.previous_version_available.tag": "the pattern that every name fits",
}
"""Defaults that are a standard's, or the weakest there is."""
ON_CALL = {
    f"team.{level}_on_call.hours_{side}": "the window of those who are on call follows from the moment that is judged"
    for level in ("primary", "secondary")
    for side in ("before", "after")
}
"""Defaults that name no limit of a value but where to look."""
COMPARATORS = {"below", "at_most", "at_least", "above", "is_"}
LACKING = {
    "agency/recent-migrations": "which migrations there are, the team knows",
    "launch400k/environment-variables": "which variables there are, the team knows",
    "launch400k/all-healthy": "the document names a script, and no path",
    "launch400k/go-health": "the document says `all`, and names no path",
    "playbook/sso-secrets": "what the secrets are called, the identity provider says",
    "umbrella/d1-tables": "which tables there are, the team knows",
    "umbrella/d1-migrations": "which migrations there are, the team knows",
    "umbrella/forward-fix": "what the fixing migration is called, nobody knows before",
}
"""Lines whose document says nothing of what their check needs: they are unknown until a team states it."""


def model_of(check: Check) -> type[Limits]:
    model: type[Limits] = typing.get_type_hints(check).get("limits", Limits)
    return model


def fields() -> Iterator[tuple[str, FieldInfo]]:
    for name, check in CHECKS.items():
        for field, info in model_of(check).model_fields.items():
            yield f"{name}.{field}", info


FIELDS = dict(fields())


def is_neutral(default: object) -> bool:
    """Check whether a default judges nothing. 0 and False are figures: a line means them or not."""
    return any(type(default) is type(nothing) and default == nothing for nothing in NEUTRAL)


def test_no_check_judges_by_a_limit_that_the_line_does_not_state() -> None:
    judging = {key for key, info in FIELDS.items() if not info.is_required() and not is_neutral(info.default)}
    assert judging == FACTS.keys() | ON_CALL.keys(), "give it no default, or None and compare where it is stated"


def optional_limits(check: Check) -> set[str]:
    """Return the limits that a line may leave out, and that bind nothing then."""
    return {name for name, info in model_of(check).model_fields.items() if info.default is None}


def limit_in(node: ast.expr) -> str:
    """Return the limit that an expression is, such as `limits.share_below`; the empty text for another one."""
    is_limit = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "limits"
    return node.attr if is_limit and isinstance(node, ast.Attribute) else ""


def stated_in(test: ast.expr) -> str:
    """Return the limit that a condition `limits.x is not None` asks for; the empty text for another condition."""
    is_question = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot)
    return limit_in(test.left) if is_question and isinstance(test, ast.Compare) else ""


def compared(tree: ast.AST, stated: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the limits that something is compared with where no condition says that the line states them."""
    if isinstance(tree, ast.If):
        stated |= {stated_in(tree.test)}
    is_call = isinstance(tree, ast.Call) and isinstance(tree.func, ast.Attribute) and tree.func.attr in COMPARATORS
    if is_call and isinstance(tree, ast.Call):
        yield from (name for argument in tree.args if (name := limit_in(argument)) and name not in stated)
    for part in ast.iter_child_nodes(tree):
        yield from compared(part, stated)


def replaced(tree: ast.AST) -> Iterator[str]:
    """Yield the limits in whose place a figure of the check's own stands: `limits.x or 1`, `1 if limits.x is None`."""
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.BoolOp):
            parts = node.values
        elif isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        if any(isinstance(part, ast.Constant) for part in parts):
            yield from filter(None, map(limit_in, parts))


@pytest.mark.parametrize("name", CHECKS)
def test_a_limit_that_may_be_left_out_is_compared_only_where_it_is_stated(name: str) -> None:
    check = CHECKS[name]
    tree = ast.parse(textwrap.dedent(inspect.getsource(check)))
    assert not optional_limits(check) & {*compared(tree), *replaced(tree)}


def test_a_comparison_with_what_may_be_missing_is_found() -> None:
    careless = "measure(1, 'x').below(limits.seconds_below)"
    careful = f"if limits.seconds_below is not None:\n    {careless}"
    assert list(compared(ast.parse(careless))) == ["seconds_below"]
    assert list(compared(ast.parse(careful))) == []
    assert list(compared(ast.parse(careful.replace("if limits.seconds", "if limits.minutes")))) == ["seconds_below"]

    for hidden in ("limits.seconds_below or 1.0", "1.0 if limits.seconds_below is None else limits.seconds_below"):
        assert list(replaced(ast.parse(hidden))) == ["seconds_below"]
    assert list(replaced(ast.parse("limits.seconds_below or answer.deadline_seconds"))) == []


def missing(item: Item) -> set[str]:
    """Return the limits that a check needs and its line does not state."""
    needed = {name for name, info in model_of(CHECKS[item.check]).model_fields.items() if info.is_required()}
    return needed - item.limits.keys()


def test_every_shipped_line_states_what_its_checks_need() -> None:
    lacking = {item.line_id for item in shipped_items() if item.check in CHECKS and missing(item)}
    assert lacking == set(LACKING)


@pytest.mark.parametrize("name", sorted(set(CHECKS) - WITHOUT_A_LINE))
def test_the_remedy_for_what_is_missing_can_be_pasted_into_a_line(name: str) -> None:
    model = model_of(CHECKS[name])
    needed = [field for field, info in model.model_fields.items() if info.is_required()]
    example = example_of(name, needed)
    assert yaml.safe_load(example).keys() == {name}
    model.model_validate(yaml.safe_load(example)[name])


def test_of_a_check_that_no_shipped_line_names_there_is_no_example() -> None:
    assert example_of("orders.few_refused", ["share_below"]) == ""
    assert example_of("health.live", ["path", "colour"]) == ""
