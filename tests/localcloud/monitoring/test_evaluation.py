"""Alarm states by their datapoints, as AWS's tables have them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import pytest

from localcloud.monitoring.evaluation import Condition

_MEANING = {"0": 0.0, "X": 2.0, "-": None}
_KEPT = "retained"


def _state(points: str, treatment: str, datapoints: int, comparison: str = "Greater") -> str:
    condition = Condition(f"{comparison}ThanThreshold", 1.0, 3, datapoints, treatment)
    return condition.state([_MEANING[point] for point in points.split()], _KEPT)


@pytest.mark.parametrize(
    ("points", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", "OK", "OK", "OK", "OK"),
        ("0 - - - -", "OK", "OK", "OK", "OK"),
        ("- - - - -", "INSUFFICIENT_DATA", _KEPT, "ALARM", "OK"),
        ("0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("- - - - X", "INSUFFICIENT_DATA", _KEPT, "ALARM", "OK"),
        ("X - - - -", "ALARM", _KEPT, "ALARM", "OK"),
        ("- - X - -", "ALARM", _KEPT, "ALARM", "OK"),
    ],
)
def test_three_of_three(
    points: str, missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    assert _state(points, "missing", 3) == missing
    assert _state(points, "ignore", 3) == ignore
    assert _state(points, "breaching", 3) == breaching
    assert _state(points, "notBreaching", 3) == not_breaching


@pytest.mark.parametrize(
    ("points", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0 - X - -", "OK", "OK", "ALARM", "OK"),
        ("- - - - 0", "OK", "OK", "ALARM", "OK"),
        ("- - - - X", "INSUFFICIENT_DATA", _KEPT, "ALARM", "OK"),
    ],
)
def test_two_of_three(
    points: str, missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    assert _state(points, "missing", 2) == missing
    assert _state(points, "ignore", 2) == ignore
    assert _state(points, "breaching", 2) == breaching
    assert _state(points, "notBreaching", 2) == not_breaching


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", {2.0}),
        ("GreaterThanOrEqualToThreshold", {1.0, 2.0}),
        ("LessThanThreshold", {0.0}),
        ("LessThanOrEqualToThreshold", {0.0, 1.0}),
    ],
)
def test_comparisons(comparison: str, breaching: set[float]) -> None:
    condition = Condition(comparison, 1.0, 1, 1, "missing")
    assert {value for value in (0.0, 1.0, 2.0) if condition.breaches(value)} == breaching


def test_reason_is_in_cloudwatchs_words() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html"""
    condition = Condition("GreaterThanThreshold", 50.0, 1, 1, "missing")
    point = ("02/10/19 16:59:00", 99.5)
    assert condition.reason([("02/10/19 16:58:00", None), point], "ALARM") == (
        "Threshold Crossed: 1 out of the last 1 datapoints [99.5 (02/10/19 16:59:00)] was greater "
        "than the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    low = ("01/10/19 13:46:00", 0.5)
    assert condition.reason([low], "OK") == (
        "Threshold Crossed: 1 out of the last 1 datapoints [0.5 (01/10/19 13:46:00)] was not "
        "greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition)."
    )
    nothing = condition.reason([("x", None)], "INSUFFICIENT_DATA")
    assert nothing == "Insufficient Data: no datapoints were received."
