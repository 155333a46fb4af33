"""Condition operators, on keys that are there, that are not, and that have several values.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.iam.conditions import conditions
from localcloud.iam.context import RequestContext

MISSING = None
ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:Classify"


def holds(operator: str, wanted: Any, value: str | list[str] | None) -> bool:
    (condition,) = conditions({operator: {"aws:Key": wanted}}, variables=True)
    context = {} if value is None else {"aws:key": value}
    return condition.holds(RequestContext({**context, "aws:username": "ada"}))


@pytest.mark.parametrize(
    ("operator", "wanted", "met", "unmet"),
    [
        ("StringEquals", "a*", "a*", "ab"),
        ("StringEquals", ["x", "y"], "y", "z"),
        ("StringEquals", True, "true", "True"),
        ("StringEquals", "${aws:username}", "ada", "eve"),
        ("StringEqualsIgnoreCase", "Ada", "ADA", "eve"),
        ("StringLike", "jobs/*", "jobs/1", "inputs/1"),
        ("StringLike", "${aws:username}/*", "ada/x", "eve/x"),
        ("StringLike", "a${*}", "a*", "ab"),
        ("NumericEquals", 10, "10.0", "11"),
        ("NumericLessThan", "1.2", "1.1", "1.2"),
        ("NumericLessThanEquals", "10", "10", "10.5"),
        ("NumericGreaterThan", "9", "10", "9"),
        ("NumericGreaterThanEquals", "1.2", "1.2", "1.1"),
        ("NumericEquals", "10", "10", "ten"),
        ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", "1767225601"),
        ("DateLessThan", "2026-01-01", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"),
        ("DateLessThanEquals", "2026-01-01", "2026-01-01", "2026-01-02"),
        ("DateGreaterThan", "2026-01-01T00:00:00+02:00", "2025-12-31T22:00:01Z", "2025-12-31"),
        ("DateGreaterThanEquals", "2026", "2026-01-01", "2025-12-31"),
        ("Bool", "true", "true", "false"),
        ("Bool", False, "false", "true"),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", "binary"),
        ("IpAddress", "203.0.113.0/24", "203.0.113.7", "203.0.114.7"),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", "203.0.113.7"),
        ("ArnEquals", ARN, ARN, ARN + "x"),
        ("ArnLike", "arn:aws:states:*:123456789012:stateMachine:*", ARN, "stateMachine"),
        ("ArnLike", "arn:aws:states:*:*:stateMachine:Classify", ARN, ARN.replace("12:", "13:x:")),
        ("ArnLike", "arn:aws:*:stateMachine:Classify", "never", ARN),
    ],
)
def test_operator_and_its_negation_compare_as_documented(operator, wanted, met, unmet):
    if met != "never":
        assert holds(operator, wanted, met)
    assert not holds(operator, wanted, unmet)
    # A missing key meets no operator, unless that is allowed for.
    assert not holds(operator, wanted, MISSING)
    assert holds(f"{operator}IfExists", wanted, MISSING)
    assert not holds(f"{operator}IfExists", wanted, unmet)


@pytest.mark.parametrize(
    ("operator", "wanted", "met", "unmet"),
    [
        ("StringNotEquals", ["x", "y"], "z", "y"),
        ("StringNotEqualsIgnoreCase", "Ada", "eve", "ADA"),
        ("StringNotLike", "jobs/*", "inputs/1", "jobs/1"),
        ("NumericNotEquals", "10", "11", "10"),
        ("DateNotEquals", "2026-01-01", "2026-01-02", "2026-01-01"),
        ("NotIpAddress", ["203.0.113.0/24", "198.51.100.0/24"], "192.0.2.1", "198.51.100.9"),
        ("ArnNotEquals", ARN, ARN + "x", ARN),
        ("ArnNotLike", "arn:aws:states:*:*:stateMachine:*", "arn:aws:s3:::x", ARN),
    ],
)
def test_negated_operator_holds_where_no_value_matches_or_the_key_is_missing(
    operator, wanted, met, unmet
):
    assert holds(operator, wanted, met)
    assert not holds(operator, wanted, unmet)
    assert holds(operator, wanted, MISSING)


@pytest.mark.parametrize(("value", "absent"), [(MISSING, True), ("x", False), (["x"], False)])
def test_null_asks_whether_the_key_is_absent(value, absent):
    assert holds("Null", "true", value) is absent
    assert holds("Null", False, value) is not absent


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAllValues:StringEquals", [], True),
        ("ForAllValues:StringEquals", "", True),
        ("ForAllValues:StringEquals", MISSING, True),
        ("ForAllValues:StringNotEquals", ["c", "d"], True),
        ("ForAllValues:StringNotEquals", ["a", "d"], False),
        ("ForAnyValue:StringEquals", ["a", "c"], True),
        ("ForAnyValue:StringEquals", ["c", "d"], False),
        ("ForAnyValue:StringEquals", MISSING, False),
        ("ForAnyValue:StringNotEquals", ["a", "c"], True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], False),
        ("ForAnyValue:StringNotEquals", MISSING, False),
        ("ForAnyValue:StringEqualsIfExists", MISSING, False),
    ],
)
def test_several_values_are_compared_by_the_set_operators(operator, value, expected):
    assert holds(operator, ["a", "b"], value) is expected


def test_all_operators_and_keys_of_a_condition_must_hold():
    element = {
        "StringEquals": {"aws:A": "1", "aws:B": "2"},
        "Bool": {"aws:SecureTransport": "true"},
    }
    met = {"aws:a": "1", "aws:b": "2", "aws:securetransport": "true"}
    every = conditions(element, variables=True)
    assert all(condition.holds(RequestContext(dict(met))) for condition in every)
    for key in met:
        values = {**met, key: "false"}
        assert not all(condition.holds(RequestContext(dict(values))) for condition in every)


def test_time_of_the_request_can_be_asked_for():
    now = RequestContext({})
    (after,) = conditions({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01"}}, variables=True)
    (epoch,) = conditions({"DateLessThan": {"aws:EpochTime": "4102444800"}}, variables=True)
    assert after.holds(now)
    assert epoch.holds(now)


def test_several_values_without_a_set_operator_match_by_one_and_differ_by_all():
    assert holds("StringEquals", "a", ["a", "b"])
    assert not holds("StringNotEquals", "a", ["a", "b"])
