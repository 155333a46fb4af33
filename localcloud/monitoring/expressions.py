"""Metric math: expressions over series of datapoints, such as `100 * errors / FILL(calls, 1)`.

Modelled: numbers, ids, + - * / ^, comparisons, AND, OR, lists in brackets, and the functions below.
Refused by name: all others, Metrics Insights (SELECT) and SEARCH. A point is missing where one of
two operands is missing or the divisor is zero.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Series: TypeAlias = Mapping[int, float]
_Value: TypeAlias = "float | dict[int, float] | list[dict[int, float]]"

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARISON: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Eq: operator.eq,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.NotEq: operator.ne,
}
_EACH: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
_TOGETHER: dict[str, Callable[[Sequence[float]], float]] = {
    "AVG": lambda values: sum(values) / len(values),
    "MAX": max,
    "MIN": min,
    "SUM": sum,
}
_FUNCTIONS = (*_EACH, *_TOGETHER, "FILL", "IF", "PERIOD")
# Where the notation differs from Python's, whose parser reads it.
_SPELLED = (
    (re.compile(r"\^"), "**"),
    (re.compile(r"&&|\bAND\b"), " and "),
    (re.compile(r"\|\||\bOR\b"), " or "),
)


class ExpressionError(ValueError):
    """Not an expression, or not one that is modelled."""


@dataclass(frozen=True)
class Expression:
    """An expression that was read; `ids` are those it asks for."""

    text: str
    ids: frozenset[str]
    _tree: ast.expr

    @classmethod
    def read(cls, text: str) -> Expression:
        """Raises ExpressionError."""
        spelled = text.strip()
        for pattern, replacement in _SPELLED:
            spelled = pattern.sub(replacement, spelled)
        try:
            tree = ast.parse(spelled, mode="eval").body
        except (SyntaxError, ValueError, RecursionError) as error:
            raise ExpressionError(f"expression {text!r} cannot be read") from error
        ids: set[str] = set()
        _check(tree, text, ids)
        return cls(text, frozenset(ids), tree)

    def value(
        self, series: Mapping[str, Series], times: Sequence[int], period_s: int
    ) -> dict[int, float]:
        """The datapoints by time; `times` are those that FILL fills. Raises ExpressionError."""
        found = _Evaluation(self.text, series, times, period_s).of(self._tree)
        if isinstance(found, list):
            raise ExpressionError(f"expression {self.text!r} gives several series, not one")
        # A number is the same at every time.
        return found if isinstance(found, dict) else dict.fromkeys(times, found)


def _check(node: ast.expr, text: str, ids: set[str]) -> None:
    """Raises ExpressionError for what is not modelled; adds the ids to `ids`."""
    children: list[ast.expr] = []
    if isinstance(node, ast.Name):
        ids.add(node.id)
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        children = [node.left, node.right]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        children = [node.operand]
    elif isinstance(node, ast.BoolOp):
        children = node.values
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISON:
        children = [node.left, *node.comparators]
    elif isinstance(node, ast.List):
        children = node.elts
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        children = node.args
        _check_call(node.func.id, len(node.args), text)
    elif not (isinstance(node, ast.Constant) and type(node.value) in (int, float)):
        raise ExpressionError(
            f"expression {text!r}: {ast.unparse(node)!r} is not modelled; modelled: numbers, ids, "
            f"+ - * / ^, comparisons, AND, OR, lists, {', '.join(sorted(_FUNCTIONS))}"
        )
    for child in children:
        _check(child, text, ids)


def _check_call(name: str, arguments: int, text: str) -> None:
    wanted = {"FILL": (2,), "IF": (2, 3)}.get(name, (1,))
    if name not in _FUNCTIONS:
        modelled = ", ".join(sorted(_FUNCTIONS))
        raise ExpressionError(
            f"expression {text!r}: function {name} is not modelled; modelled: {modelled}"
        )
    if arguments not in wanted:
        raise ExpressionError(f"expression {text!r}: {name} takes {wanted[0]} argument(s)")


class _Evaluation:
    """Raises ExpressionError where a value is of the wrong kind."""

    def __init__(
        self, text: str, series: Mapping[str, Series], times: Sequence[int], period_s: int
    ) -> None:
        self._text = text
        self._series = series
        self._times = times
        self._period_s = period_s

    def of(self, node: ast.expr) -> _Value:
        if isinstance(node, ast.Constant):
            return float(node.value)  # type: ignore[arg-type]
        if isinstance(node, ast.Name):
            if node.id not in self._series:
                raise ExpressionError(f"expression {self._text!r}: there is no {node.id}")
            return dict(self._series[node.id])
        if isinstance(node, ast.List):
            return [self._one_series(item) for item in node.elts]
        if isinstance(node, ast.BinOp):
            return self._pairs(_ARITHMETIC[type(node.op)], node.left, node.right)
        if isinstance(node, ast.Compare):
            compare = _COMPARISON[type(node.ops[0])]
            return self._pairs(lambda a, b: float(compare(a, b)), node.left, node.comparators[0])
        if isinstance(node, ast.BoolOp):
            return self._logic(node)
        if isinstance(node, ast.UnaryOp):
            return self._pairs(operator.sub, ast.Constant(0), node.operand)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._call(node.func.id, node.args)
        raise ExpressionError(f"expression {self._text!r}: {ast.unparse(node)!r} is not modelled")

    def _logic(self, node: ast.BoolOp) -> _Value:
        both = isinstance(node.op, ast.And)
        first, *rest = node.values
        value = self.of(first)
        for other in rest:
            value = self._combined(
                lambda a, b: float((a and b) if both else (a or b)) and 1.0, value, self.of(other)
            )
        return value

    def _call(self, name: str, arguments: list[ast.expr]) -> _Value:
        if name == "PERIOD":
            return float(self._period_s)
        if name == "FILL":
            filling = self.of(arguments[1])
            if not isinstance(filling, float):
                raise ExpressionError(f"expression {self._text!r}: FILL is modelled with numbers")
            return {**dict.fromkeys(self._times, filling), **self._one_series(arguments[0])}
        if name == "IF":
            return self._choose(arguments)
        value = self.of(arguments[0])
        if name in _EACH:
            return self._combined(lambda a, _: float(_EACH[name](a)), value, 0.0)
        return _together(_TOGETHER[name], value)

    def _choose(self, arguments: list[ast.expr]) -> _Value:
        """Without the third argument a point is missing where the condition does not hold."""
        condition = self._over_time(self.of(arguments[0]))
        branches = [self._over_time(self.of(argument)) for argument in arguments[1:]]
        chosen: dict[int, float] = {}
        for time, holds in condition.items():
            branch = branches[0] if holds else (branches[1:] or [{}])[0]
            if time in branch:
                chosen[time] = branch[time]
        return chosen

    def _over_time(self, value: _Value) -> dict[int, float]:
        if isinstance(value, list):
            raise ExpressionError(f"expression {self._text!r}: IF takes no list")
        return value if isinstance(value, dict) else dict.fromkeys(self._times, value)

    def _one_series(self, node: ast.expr) -> dict[int, float]:
        value = self.of(node)
        if not isinstance(value, dict):
            raise ExpressionError(f"expression {self._text!r}: {ast.unparse(node)} is no series")
        return value

    def _pairs(
        self, combine: Callable[[float, float], float], left: ast.expr, right: ast.expr
    ) -> _Value:
        return self._combined(combine, self.of(left), self.of(right))

    def _combined(
        self, combine: Callable[[float, float], float], left: _Value, right: _Value
    ) -> _Value:
        if isinstance(left, list) or isinstance(right, list):
            raise ExpressionError(f"expression {self._text!r}: arithmetic takes no list")
        if isinstance(left, float) and isinstance(right, float):
            return _calculated(combine, left, right, math.nan)
        times = [part.keys() for part in (left, right) if isinstance(part, dict)]
        points = {
            time: _calculated(
                combine,
                left[time] if isinstance(left, dict) else left,
                right[time] if isinstance(right, dict) else right,
                math.nan,
            )
            for time in set.intersection(*map(set, times))
        }
        return {time: value for time, value in sorted(points.items()) if math.isfinite(value)}


def _calculated(
    combine: Callable[[float, float], float], left: float, right: float, otherwise: float
) -> float:
    try:
        return float(combine(left, right))
    except (ArithmeticError, TypeError):
        return otherwise


def _together(aggregate: Callable[[Sequence[float]], float], value: _Value) -> _Value:
    """Of one series a number; of several a series, at the times that one of them has."""
    if isinstance(value, float):
        return value
    if isinstance(value, dict):
        return float(aggregate(list(value.values()))) if value else {}
    times = sorted({time for series in value for time in series})
    return {
        time: float(aggregate([series[time] for series in value if time in series]))
        for time in times
    }
