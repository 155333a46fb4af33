"""Metric math, as the alarms and dashboards of CDK stacks use it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import re

import pytest

from localcloud.monitoring.expressions import Expression, ExpressionError

TIMES = (0, 60, 120)
SERIES = {
    "errors": {0: 1.0, 60: 4.0},
    "calls": {0: 10.0, 60: 0.0, 120: 5.0},
    "none": {},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("errors", {0: 1, 60: 4}),
        ("100 * errors / calls", {0: 10}),
        ("errors + calls", {0: 11, 60: 4}),
        ("-errors", {0: -1, 60: -4}),
        ("errors ^ 2", {0: 1, 60: 16}),
        ("FILL(errors, 0)", {0: 1, 60: 4, 120: 0}),
        ("calls / FILL(none, 2)", {0: 5, 60: 0, 120: 2.5}),
        ("IF(errors >= 3, 100 * errors / calls, 0)", {0: 0}),
        ("IF(errors > 1, errors)", {60: 4}),
        ("IF(calls > 0 AND calls < 8, 1, 0)", {0: 0, 60: 0, 120: 1}),
        ("IF(calls > 8 || calls == 0, 1, 0)", {0: 1, 60: 1, 120: 0}),
        ("errors != 1", {0: 0, 60: 1}),
        ("SUM([errors, calls])", {0: 11, 60: 4, 120: 5}),
        ("MAX([errors, calls])", {0: 10, 60: 4, 120: 5}),
        ("AVG([errors, calls])", {0: 5.5, 60: 2, 120: 5}),
        ("calls - MIN(calls)", {0: 10, 60: 0, 120: 5}),
        ("CEIL(errors / 3) + FLOOR(errors / 3) + ABS(-errors)", {0: 2, 60: 7}),
        ("errors / PERIOD(errors)", {0: 1 / 60, 60: 4 / 60}),
        ("5", {0: 5, 60: 5, 120: 5}),
        ("errors * 0.0000000002", {0: 2e-10, 60: 8e-10}),
        ("none + 1", {}),
    ],
)
def test_value(text: str, value: dict[int, float]) -> None:
    assert Expression.read(text).value(SERIES, TIMES, 60) == pytest.approx(value)


def test_ids_that_an_expression_asks_for() -> None:
    assert Expression.read("IF(a > 1, FILL(b, 0), 2)").ids == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("RATE(errors)", "RATE"),
        ("SEARCH('{AWS/Lambda}', 'Sum')", "SEARCH"),
        ("SELECT MAX(a) FROM b", "SELECT"),
        ("errors.real", "errors.real"),
        ("__import__('os')", "__import__"),
        ("errors if calls else 1", "if"),
        ("1 < errors < 2", "1 < errors < 2"),
        ("FILL(errors)", "FILL"),
        ("SUM(errors, calls)", "SUM"),
        ("errors +", "errors +"),
        ("", "cannot be read"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(named)):
        Expression.read(text)


@pytest.mark.parametrize("text", ["[errors, calls]", "FILL(errors, calls)", "FILL(5, 1)"])
def test_value_of_the_wrong_kind_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        Expression.read(text).value(SERIES, TIMES, 60)
