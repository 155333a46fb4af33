"""Parameters get a value or a refusal in CloudFormation's words."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.cloudformation.errors import CloudFormationError
from localcloud.cloudformation.template.parameters import (
    ParameterValue,
    parameter_problems,
    resolve_parameters,
)


def _resolve(
    declarations: dict[str, dict[str, Any]],
    supplied: list[dict[str, Any]] | None = None,
    previous: dict[str, ParameterValue] | None = None,
    ssm: dict[str, str] | None = None,
) -> dict[str, Any]:
    resolved = resolve_parameters(
        declarations, supplied or [], previous or {}, (ssm or {}).__getitem__
    )
    return {key: value.value for key, value in resolved.items()}


def _given(key: str, value: str) -> dict[str, str]:
    return {"ParameterKey": key, "ParameterValue": value}


def test_supplied_value_wins_over_default() -> None:
    declared = {"A": {"Type": "String", "Default": "d"}, "B": {"Type": "String", "Default": "d"}}
    assert _resolve(declared, [_given("A", "s")]) == {"A": "s", "B": "d"}


def test_list_is_split_at_commas() -> None:
    declared = {"A": {"Type": "CommaDelimitedList"}, "B": {"Type": "List<Number>"}}
    assert _resolve(declared, [_given("A", "x, y"), _given("B", "1,2")]) == {
        "A": ["x", "y"],
        "B": ["1", "2"],
    }


def test_empty_list_has_one_empty_element() -> None:
    assert _resolve({"A": {"Type": "CommaDelimitedList", "Default": ""}}) == {"A": [""]}


def test_ssm_parameter_is_looked_up_and_shown_both_ways() -> None:
    declared = {"A": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/path"}}

    resolved = resolve_parameters(declared, [], {}, {"/path": "33"}.__getitem__)

    assert resolved["A"].value == "33"
    assert resolved["A"].described() == {
        "ParameterKey": "A",
        "ParameterValue": "/path",
        "ResolvedValue": "33",
    }


def test_previous_ssm_value_is_looked_up_again_by_its_name() -> None:
    declared = {"A": {"Type": "AWS::SSM::Parameter::Value<String>"}}
    previous = {"A": ParameterValue("A", declared["A"]["Type"], "/path", "32", False)}
    use = [{"ParameterKey": "A", "UsePreviousValue": True}]

    assert _resolve(declared, use, previous, {"/path": "33"}) == {"A": "33"}


def test_no_echo_value_is_never_shown() -> None:
    declared = {"A": {"Type": "String", "NoEcho": "true"}}

    resolved = resolve_parameters(declared, [_given("A", "secret")], {}, str)

    assert resolved["A"].value == "secret"
    assert resolved["A"].described()["ParameterValue"] == "****"


@pytest.mark.parametrize(
    ("declaration", "value", "reason"),
    [
        ({"AllowedValues": ["a", "b"]}, "c", r"must be one of \[a, b\]"),
        ({"AllowedPattern": "[a-z]+"}, "a1", r"must match pattern \[a-z\]\+"),
        ({"AllowedPattern": "x", "ConstraintDescription": "say x"}, "y", "constraint: say x"),
        ({"MinLength": "2"}, "a", "at least 2 characters"),
        ({"MaxLength": 2}, "abc", "at most 2 characters"),
        ({"Type": "Number"}, "many", "must be a number"),
        ({"Type": "Number", "MinValue": 2}, "1", "at least 2"),
        ({"Type": "Number", "MaxValue": 2}, "3", "at most 2"),
        ({"Type": "List<Number>", "MaxValue": 2}, "1,3", "at most 2"),
    ],
)
def test_violated_constraint_is_refused(
    declaration: dict[str, Any], value: str, reason: str
) -> None:
    with pytest.raises(CloudFormationError, match=reason):
        _resolve({"A": {"Type": "String", **declaration}}, [_given("A", value)])


def test_missing_values_are_all_named() -> None:
    declared = {"A": {"Type": "String"}, "B": {"Type": "String"}}
    with pytest.raises(CloudFormationError, match=r"Parameters: \[A, B\] must have values"):
        _resolve(declared)


def test_undeclared_parameter_is_refused() -> None:
    with pytest.raises(CloudFormationError, match=r"\[X\] do not exist in the template"):
        _resolve({}, [_given("X", "1")])


def test_previous_value_needs_a_previous_value() -> None:
    with pytest.raises(CloudFormationError, match="usePreviousValue"):
        _resolve({"A": {"Type": "String"}}, [{"ParameterKey": "A", "UsePreviousValue": True}])


def test_unmodelled_type_and_key_are_named() -> None:
    problems = parameter_problems(
        {"A": {"Type": "AWS::EC2::VPC::Id"}, "B": {"Type": "String", "Colour": "red"}}
    )
    assert [p.split(";")[0] for p in problems] == [
        "Parameters.A: type 'AWS::EC2::VPC::Id' is not modelled",
        "Parameters.B: Colour is not modelled",
    ]
