"""What a PromQL condition compares: a quantity, above or below a threshold. What cannot be read is said, never guessed.

An alert's expression is read as comparisons joined by `or` (any of them makes it fire) and by `and` (all of them must
hold). Factors and sums of constants move from the quantity to the threshold: `100 - idle * 100 > 90` reads as "the
complement of idle is above 0.9", so that per cent become shares. The parser is promql-parser (MIT, a Rust wheel that
follows Prometheus' grammar); this module only reads its tree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import promql_parser as promql

ABOVE, BELOW, IS, IS_NOT = "above", "below", "is", "is not"
_WORDS = {">": ABOVE, ">=": ABOVE, "<": BELOW, "<=": BELOW, "==": IS, "!=": IS_NOT}
_FLIPPED = {ABOVE: BELOW, BELOW: ABOVE, IS: IS, IS_NOT: IS_NOT}
_SET = {"and", "or", "unless"}
KEEP_THE_SCALE = {"avg", "max", "min", "quantile", "topk", "bottomk"}
"""Aggregations of which `agg(a * x + b)` is `a * agg(x) + b`."""
PASS_ON = {
    *("avg_over_time", "min_over_time", "max_over_time", "last_over_time", "quantile_over_time"),
    *("scalar", "vector", "sort", "sort_desc", "label_replace", "label_join"),
}
"""Functions that do the same, over time or to the labels."""
_EQUAL = 1e-9
SHOWN = 120


@dataclass(frozen=True)
class Leaf:
    """A quantity as it stands in the expression."""

    node: promql.Expr


@dataclass(frozen=True)
class Ratio:
    """One quantity divided by another: it has no unit."""

    part: Leaf | Ratio
    whole: Leaf | Ratio


Quantity = Leaf | Ratio


@dataclass(frozen=True)
class Comparison:
    """It fires while the quantity (or 1 minus the quantity, its `complement`) is above or below the threshold."""

    quantity: Quantity
    word: str
    threshold: float
    inclusive: bool = False
    complement: bool = False
    factor: float = 1.0
    """By what the expression multiplied the quantity: 100 makes per cent of a share."""
    written: promql.Expr | None = None
    """The compared side as it was written."""
    rises: bool = True
    """What was written has to rise for it to fire, not to fall."""
    text: str = ""


@dataclass(frozen=True)
class AnyOf:
    """It fires while any of these does."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AllOf:
    """It fires while all of these do."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Opaque:
    """A part that cannot be read."""

    reason: str


@dataclass(frozen=True)
class Step:
    """A part of an expression on the way to its series, and where it moves when the rule fires."""

    node: promql.Expr
    rises: bool


Condition = Comparison | AnyOf | AllOf | Opaque


@dataclass(frozen=True)
class _Line:
    """`factor * quantity + offset`; a constant has no quantity."""

    factor: float
    offset: float
    quantity: Quantity | None


def read(expression: str) -> Condition:
    """Return the condition that an alert's expression states; an opaque one where it cannot be read."""
    try:
        return _condition(promql.parse(expression))
    except ValueError as error:
        return Opaque(f"it is no PromQL: {error}")


def nodes(node: promql.Expr) -> Iterator[promql.Expr]:
    """Yield all parts of an expression."""
    inner: list[promql.Expr] = []
    promql.walk(node, inner.append)
    yield from inner


def selectors(quantity: Quantity) -> Iterator[promql.VectorSelector]:
    """Yield the series that a quantity is made of."""
    if isinstance(quantity, Ratio):
        yield from selectors(quantity.part)
        yield from selectors(quantity.whole)
        return
    for node in nodes(quantity.node):
        if isinstance(node, promql.MatrixSelector):
            yield node.vector_selector
        elif isinstance(node, promql.VectorSelector):
            yield node


def paths(node: promql.Expr, rises: bool, above: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Follow an expression down to each of its series, but for those that it is divided by or compared with."""
    node = _bare(node)
    here = (*above, Step(node, rises))
    if isinstance(node, promql.VectorSelector | promql.MatrixSelector):
        yield here
    for part, alike in _parts(node):
        yield from paths(part, rises == alike, here)


def _parts(node: promql.Expr) -> list[tuple[promql.Expr, bool]]:
    """Return the parts of an expression, and whether it rises when they do."""
    if isinstance(node, promql.UnaryExpr):
        return [(node.expr, False)]
    if isinstance(node, promql.AggregateExpr | promql.SubqueryExpr):
        return [(node.expr, True)]
    if isinstance(node, promql.Call):
        return [(each, True) for each in node.args]
    return _sides(node) if isinstance(node, promql.BinaryExpr) else []


def _sides(node: promql.BinaryExpr) -> list[tuple[promql.Expr, bool]]:
    operator, left, right = str(node.op), node.lhs, node.rhs
    if operator in _WORDS:
        return [(left, True)]
    if operator == "*":
        return [(left, not _is_negative(right)), (right, not _is_negative(left))]
    return _divided(left, right) if operator == "/" else [(left, True), (right, operator != "-")]


def _divided(left: promql.Expr, right: promql.Expr) -> list[tuple[promql.Expr, bool]]:
    if _line(left).quantity is None:
        return [(right, False)]
    difference = _bare(left)
    if isinstance(difference, promql.BinaryExpr) and str(difference.op) == "-":
        return [(part, alike) for part, alike in _sides(difference) if not _same(part, right)]
    return [(left, not _is_negative(right))]


def _is_negative(node: promql.Expr) -> bool:
    constant = _line(node)
    return constant.quantity is None and constant.offset < 0


def _condition(node: promql.Expr) -> Condition:
    node = _bare(node)
    if not isinstance(node, promql.BinaryExpr):
        return Opaque(f"{short(node)} compares nothing with a threshold")
    operator = str(node.op)
    if operator == "or":
        return AnyOf((_condition(node.lhs), _condition(node.rhs)))
    if operator == "and":
        return AllOf((_condition(node.lhs), _condition(node.rhs)))
    if operator == "unless":
        return AllOf((_condition(node.lhs), Opaque(f"it is held back by `unless {short(node.rhs)}`")))
    if operator in _WORDS:
        return _comparison(node, operator)
    return Opaque(f"{short(node)} compares nothing with a threshold")


def _comparison(node: promql.BinaryExpr, operator: str) -> Condition:
    if node.modifier and node.modifier.return_bool:
        return Opaque(f"{short(node)} gives 0 or 1 (bool), and so always fires")
    inner = _filter_inside(node.lhs) or _filter_inside(node.rhs)
    if inner is not None:
        return Opaque(f"{short(node)} has another condition inside: {short(inner)}")
    left, right, word = _line(node.lhs), _line(node.rhs), _WORDS[operator]
    rises = word == ABOVE
    if left.quantity is None and right.quantity is None:
        return Opaque(f"{short(node)} compares two constants")
    written = node.lhs
    if left.quantity is None:
        left, right, word, written = right, left, _FLIPPED[word], node.rhs
        rises = word == ABOVE
    if left.quantity is None or left.factor == 0 or not math.isfinite(left.factor):
        return Opaque(f"{short(node)} compares two constants")
    if right.quantity is None:
        comparison = _against_constant(left, left.quantity, word, right.offset)
    elif left.offset == 0 and right.offset == 0 and right.factor:
        word = _FLIPPED[word] if left.factor < 0 else word
        comparison = Comparison(Ratio(left.quantity, right.quantity), word, right.factor / left.factor)
        written = node
    else:
        return Opaque(f"{short(node)} compares two quantities that are shifted against each other")
    return Comparison(
        comparison.quantity,
        comparison.word,
        comparison.threshold,
        inclusive=operator in {">=", "<="},
        complement=comparison.complement,
        factor=abs(left.factor),
        written=_bare(written),
        rises=rises,
        text=short(node),
    )


def _against_constant(line: _Line, quantity: Quantity, word: str, constant: float) -> Comparison:
    size = abs(line.factor)
    if line.factor < 0 and abs(line.offset / size - 1) < _EQUAL:
        return Comparison(quantity, word, constant / size, complement=True)
    threshold = (constant - line.offset) / line.factor
    return Comparison(quantity, _FLIPPED[word] if line.factor < 0 else word, threshold)


def _line(node: promql.Expr) -> _Line:
    """Take a side of a comparison apart: what is measured, and what is done to it by constants."""
    node = _bare(node)
    if isinstance(node, promql.NumberLiteral):
        return _Line(0, node.val, None)
    if isinstance(node, promql.UnaryExpr):
        turned = _line(node.expr)
        return _Line(-turned.factor, -turned.offset, turned.quantity)
    if isinstance(node, promql.BinaryExpr):
        return _ARITHMETIC.get(str(node.op), _as_it_stands)(node)
    inner = _inside(node)
    if inner is None:
        return _Line(1, 0, Leaf(node))
    if inner.quantity is None:
        return inner
    return _Line(inner.factor, inner.offset, _aggregated(inner.quantity, node))


def _inside(node: promql.Expr) -> _Line | None:
    """Return what is inside an aggregation or a function that leaves factors and sums of constants what they are."""
    if isinstance(node, promql.AggregateExpr):
        inner = _line(node.expr)
        keeps = str(node.op) in KEEP_THE_SCALE or (str(node.op) == "sum" and inner.offset == 0)
        return inner if keeps and inner.quantity is not None else None
    if isinstance(node, promql.Call) and node.func.name in PASS_ON and node.args:
        argument = node.args[-1] if node.func.name == "quantile_over_time" else node.args[0]
        return _line(argument.expr if isinstance(argument, promql.SubqueryExpr) else argument)
    return None


def _aggregated(quantity: Quantity, node: promql.Expr) -> Quantity:
    """Keep the whole of a leaf, unless a constant inside it has been taken out already."""
    if isinstance(quantity, Leaf) and not has_number(node):
        return Leaf(node)
    return quantity


def _as_it_stands(node: promql.BinaryExpr) -> _Line:
    left, right = _line(node.lhs), _line(node.rhs)
    if left.quantity is None and right.quantity is None and str(node.op) in {"^", "%"}:
        value = left.offset**right.offset if str(node.op) == "^" else math.fmod(left.offset, right.offset or math.nan)
        return _Line(0, value, None)
    return _Line(1, 0, Leaf(node))


def _unless_empty(node: promql.BinaryExpr) -> _Line:
    """Return the quantity of `quantity or vector(0)`: the constant only stands in where there is none."""
    return _line(node.lhs) if _line(node.rhs).quantity is None else _as_it_stands(node)


def _sum(node: promql.BinaryExpr) -> _Line:
    left, right = _line(node.lhs), _line(node.rhs)
    sign = -1 if str(node.op) == "-" else 1
    if left.quantity is None or right.quantity is None:
        quantity, factor = (left.quantity, left.factor) if right.quantity is None else (right.quantity, 0)
        factor = factor if right.quantity is None else sign * right.factor
        return _Line(factor, left.offset + sign * right.offset, quantity)
    return _Line(1, 0, Leaf(node))


def _product(node: promql.BinaryExpr) -> _Line:
    left, right = _line(node.lhs), _line(node.rhs)
    if left.quantity is None:
        left, right = right, left
    if right.quantity is None:
        return _Line(left.factor * right.offset, left.offset * right.offset, left.quantity)
    return _Line(1, 0, Leaf(node))


def _quotient(node: promql.BinaryExpr) -> _Line:
    left, right = _line(node.lhs), _line(node.rhs)
    if right.quantity is None:
        if right.offset == 0:
            return _Line(1, 0, Leaf(node))
        return _Line(left.factor / right.offset, left.offset / right.offset, left.quantity)
    difference = _bare(node.lhs)
    if isinstance(difference, promql.BinaryExpr) and str(difference.op) == "-":
        return _difference(difference, node)
    if left.quantity is None or left.offset or right.offset or not right.factor:
        return _Line(1, 0, Leaf(node))
    return _Line(left.factor / right.factor, 0, Ratio(left.quantity, right.quantity))


def _difference(difference: promql.BinaryExpr, node: promql.BinaryExpr) -> _Line:
    """Return (a - b) / b as a / b - 1, and (a - b) / a as 1 - b / a."""
    first, second, whole = _line(difference.lhs), _line(difference.rhs), _line(node.rhs)
    parts = (first.quantity, second.quantity, whole.quantity)
    plain = all(line.factor == 1 and line.offset == 0 for line in (first, second, whole))
    if not plain or None in parts or parts[0] is None or parts[1] is None or parts[2] is None:
        return _Line(1, 0, Leaf(node))
    if _same(difference.rhs, node.rhs):
        return _Line(1, -1, Ratio(parts[0], parts[2]))
    if _same(difference.lhs, node.rhs):
        return _Line(-1, 1, Ratio(parts[1], parts[2]))
    return _Line(1, 0, Ratio(Leaf(difference), parts[2]))


_ARITHMETIC: dict[str, Callable[[promql.BinaryExpr], _Line]] = {
    "+": _sum,
    "-": _sum,
    "*": _product,
    "/": _quotient,
    "or": _unless_empty,
}


def has_number(node: promql.Expr) -> bool:
    """Check whether arithmetic inside works with a number: then the scale of what comes out is not known."""
    for each in nodes(node):
        if isinstance(each, promql.BinaryExpr) and str(each.op) not in {*_SET, *_WORDS}:
            sides = (_bare(each.lhs), _bare(each.rhs))
            if any(isinstance(side, promql.NumberLiteral) for side in sides):
                return True
    return False


def arithmetic(node: promql.Expr) -> Iterator[promql.BinaryExpr]:
    """Yield the calculations inside, but for sums, and for the time that has passed since (`time() - started`)."""
    for each in nodes(node):
        if isinstance(each, promql.BinaryExpr) and str(each.op) not in {*_SET, *_WORDS, "+"}:
            clock = _bare(each.lhs)
            if not (str(each.op) == "-" and isinstance(clock, promql.Call) and clock.func.name == "time"):
                yield each


def _filter_inside(node: promql.Expr) -> promql.Expr | None:
    """Return a condition inside an operand that is more than "is there anything?" (`> 0`, `!= 0`)."""
    for each in nodes(node):
        if isinstance(each, promql.BinaryExpr):
            operator, right = str(each.op), _bare(each.rhs)
            harmless = operator in {">", "!="} and isinstance(right, promql.NumberLiteral) and right.val == 0
            if (operator in _WORDS and not harmless) or operator in {"and", "unless"}:
                return each
    return None


def _bare(node: promql.Expr) -> promql.Expr:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return node


def _same(left: promql.Expr, right: promql.Expr) -> bool:
    return str(_bare(left)) == str(_bare(right))


def short(node: promql.Expr) -> str:
    """Write an expression for a person, in one line that is not too long."""
    text = " ".join(str(node).replace("{}", "").split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
