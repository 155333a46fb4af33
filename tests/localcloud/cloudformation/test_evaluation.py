"""Intrinsic functions, conditions and rules give what CloudFormation documents.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.cloudformation.errors import CloudFormationError
from localcloud.cloudformation.template.conditions import check_rules, evaluate_conditions
from localcloud.cloudformation.template.declarations import Template, parse_template
from localcloud.cloudformation.template.evaluation import (
    UNKNOWN,
    NotYetKnown,
    Scope,
)
from localcloud.cloudformation.template.references import CONDITION_FUNCTIONS, scan


class _Resources:
    def ref(self, logical_id: str) -> str:
        if logical_id == "Future":
            raise NotYetKnown
        return f"ref-{logical_id}"

    def get_att(self, logical_id: str, attribute: str) -> str:
        if logical_id == "Future":
            raise NotYetKnown
        return f"{logical_id}/{attribute}"


SCOPE = Scope(
    pseudo={"AWS::Region": "eu-west-1"},
    parameters={"Name": "shpc", "List": ["a", "b"]},
    mappings={"Map": {"eu-west-1": {"size": "big"}}},
    conditions={"Yes": True, "No": False},
    resources=_Resources(),
    import_value=lambda name: f"imported-{name}",
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Name"}, "shpc"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "Bucket"}, "ref-Bucket"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "Bucket/Arn"),
        ({"Fn::GetAtt": "Bucket.Arn.More"}, "Bucket/Arn.More"),
        ({"Fn::Sub": "${Name}-${Bucket.Arn}-${!Literal}"}, "shpc-Bucket/Arn-${Literal}"),
        ({"Fn::Sub": ["${X}-${Name}", {"X": {"Ref": "AWS::Region"}}]}, "eu-west-1-shpc"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}, 3, True]]}, "a-shpc-3-true"),
        ({"Fn::Join": [",", {"Ref": "List"}]}, "a,b"),
        ({"Fn::Select": [1, {"Ref": "List"}]}, "b"),
        ({"Fn::Select": ["0", {"Fn::Split": ["/", "x/y"]}]}, "x"),
        ({"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, "size"]}, "big"),
        ({"Fn::If": ["Yes", "a", {"Ref": "Name"}]}, "a"),
        ({"Fn::If": ["No", "a", {"Ref": "Name"}]}, "shpc"),
        ({"Fn::ImportValue": {"Fn::Sub": "${Name}-x"}}, "imported-shpc-x"),
        ({"Fn::Base64": "ab"}, "YWI="),
        ({"a": [{"Ref": "AWS::NoValue"}, 1], "b": {"Ref": "AWS::NoValue"}}, {"a": [1]}),
        ({"a": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}}, {}),
        ({"Ref": "Name", "Other": 1}, {"Ref": "Name", "Other": 1}),
    ],
)
def test_function_gives_its_value(value: Any, expected: Any) -> None:
    assert SCOPE.evaluate(value) == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"Fn::Select": [2, {"Ref": "List"}]}, "nonexistent value at index 2"),
        ({"Fn::Select": [-1, {"Ref": "List"}]}, "needs an index"),
        ({"Fn::Join": ["-", "text"]}, "separator and a list"),
        ({"Fn::Join": ["-"]}, "2 arguments"),
        ({"Fn::Join": ["-", [{"a": 1}]]}, "only use text and numbers"),
        ({"Fn::Split": ["", "text"]}, "delimiter"),
        ({"Fn::FindInMap": ["Map", "us-east-1", "size"]}, "Map::us-east-1::size"),
        ({"Fn::If": ["Maybe", 1, 2]}, "undefined condition Maybe"),
        ({"Fn::Cidr": ["10.0.0.0/16", 1, 8]}, "Fn::Cidr is not modelled"),
    ],
)
def test_wrong_argument_is_refused_with_the_functions_name(value: Any, reason: str) -> None:
    with pytest.raises(CloudFormationError, match=reason.replace("(", r"\(")):
        SCOPE.evaluate(value)


def test_future_resource_makes_only_its_own_place_unknown() -> None:
    value = {"a": {"Fn::Join": ["-", ["x", {"Ref": "Future"}]]}, "b": {"Ref": "Name"}}

    evaluated = SCOPE.evaluate(value)

    assert evaluated["a"] is UNKNOWN
    assert evaluated["b"] == "shpc"


def test_scan_finds_references_in_both_branches_and_texts() -> None:
    found = scan(
        {
            "x": {"Fn::If": ["Yes", {"Ref": "A"}, {"Fn::GetAtt": ["B", "Arn"]}]},
            "y": {"Fn::Sub": ["${C.Arn}${D}${E}", {"E": {"Ref": "F"}}]},
        },
        "R",
    )

    assert {(r.target, r.attribute) for r in found.references} == {
        ("A", None),
        ("B", "Arn"),
        ("C", "Arn"),
        ("D", None),
        ("F", None),
    }
    assert [c.target for c in found.conditions] == ["Yes"]
    assert found.problems == []


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"p": {"Fn::Cidr": []}}, "R.p: intrinsic function Fn::Cidr is not modelled"),
        ({"p": {"Fn::Sub": "x", "q": 1}}, "R.p: Fn::Sub must be the only key"),
        ({"p": {"Ref": ["A"]}}, "R.p: Ref needs a name"),
        ({"p": {"Fn::GetAtt": ["A"]}}, "R.p: Fn::GetAtt needs"),
        ({"p": {"Fn::GetAtt": ["A", {"Ref": "B"}]}}, "R.p: Fn::GetAtt needs"),
        ({"p": {"Fn::If": ["A", 1]}}, "R.p: Fn::If needs"),
        ({"p": {"Fn::Sub": ["a"]}}, "R.p: Fn::Sub needs"),
        ({"p": ["{{resolve:ssm:/a}}"]}, "R.p[0]: dynamic references"),
    ],
)
def test_scan_names_what_is_not_modelled(value: Any, problem: str) -> None:
    problems = scan(value, "R").problems
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_policy_conditions_are_no_condition_functions() -> None:
    document = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert SCOPE.evaluate(document) == document
    assert scan(document, "R").conditions == []
    assert [c.target for c in scan({"Condition": "A"}, "C", CONDITION_FUNCTIONS).conditions] == [
        "A"
    ]


def _template(**sections: Any) -> Template:
    resources = {"A": {"Type": "AWS::S3::Bucket"}}
    return parse_template(json.dumps({"Resources": resources, **sections}))


def test_conditions_may_use_each_other() -> None:
    template = _template(
        Conditions={
            "Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
            "NotProd": {"Fn::Not": [{"Condition": "Prod"}]},
            "Either": {"Fn::Or": [{"Condition": "Prod"}, {"Condition": "NotProd"}]},
            "Both": {"Fn::And": [{"Condition": "Prod"}, {"Condition": "NotProd"}]},
            "Spelled": {"Fn::Equals": [True, "true"]},
        }
    )

    assert evaluate_conditions(template, {}, {"Stage": "prod"}) == {
        "Prod": True,
        "NotProd": False,
        "Either": True,
        "Both": False,
        "Spelled": True,
    }


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        ({"A": {"Condition": "B"}, "B": {"Condition": "A"}}, "circular conditions: A -> B -> A"),
        ({"A": {"Condition": "C"}}, "condition C is not defined"),
        ({"A": {"Fn::Equals": [{"Ref": "Bucket"}, "x"]}}, "can only refer to parameters"),
        ({"A": {"Fn::Not": [True, False]}}, "Fn::Not needs a list of 1"),
        ({"A": "true"}, "is not a condition"),
    ],
)
def test_impossible_condition_is_refused(conditions: Any, reason: str) -> None:
    with pytest.raises(CloudFormationError, match=reason):
        evaluate_conditions(_template(Conditions=conditions), {}, {})


# As CDK writes it: aws-cdk-lib/core/lib/stack-synthesizers/_shared.js
BOOTSTRAP_RULE = {
    "CheckBootstrapVersion": {
        "Assertions": [
            {
                "Assert": {
                    "Fn::Not": [
                        {"Fn::Contains": [["1", "2", "3", "4", "5"], {"Ref": "BootstrapVersion"}]}
                    ]
                },
                "AssertDescription": "CDK bootstrap stack version 6 required.",
            }
        ]
    }
}


def test_bootstrap_rule_lets_a_new_version_pass() -> None:
    check_rules(_template(Rules=BOOTSTRAP_RULE), {}, {"BootstrapVersion": "33"})


def test_bootstrap_rule_refuses_an_old_version() -> None:
    with pytest.raises(CloudFormationError, match="version 6 required"):
        check_rules(_template(Rules=BOOTSTRAP_RULE), {}, {"BootstrapVersion": "5"})


def test_rule_whose_condition_is_false_asserts_nothing() -> None:
    rule = {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}}],
    }
    check_rules(_template(Rules={"R": rule}), {}, {"Stage": "dev"})
    with pytest.raises(CloudFormationError, match="Assertion of rule R failed"):
        check_rules(_template(Rules={"R": rule}), {}, {"Stage": "prod"})
