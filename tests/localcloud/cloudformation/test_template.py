"""Templates are read as CloudFormation reads them, or refused by name."""

from __future__ import annotations

import json

import pytest

from localcloud.cloudformation.errors import CloudFormationError
from localcloud.cloudformation.template.declarations import parse_template
from localcloud.cloudformation.template.text import read_document


def _refusal(body: str) -> str:
    with pytest.raises(CloudFormationError) as caught:
        parse_template(body)
    assert caught.value.code == "ValidationError"
    return caught.value.message


def _bucket(**attributes: object) -> str:
    return json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", **attributes}}})


def test_yaml_short_tags_become_functions() -> None:
    document = read_document(
        """
        Sub: !Sub "${A}-b"
        List: !Join [",", [!Ref A, !GetAtt B.Arn.Tail]]
        Nested: !If [Known, !Ref "AWS::NoValue", !Select [0, !Split [",", x]]]
        Both: !And [!Condition A, !Equals [!Ref B, c]]
        """
    )

    assert document == {
        "Sub": {"Fn::Sub": "${A}-b"},
        "List": {"Fn::Join": [",", [{"Ref": "A"}, {"Fn::GetAtt": ["B", "Arn.Tail"]}]]},
        "Nested": {
            "Fn::If": [
                "Known",
                {"Ref": "AWS::NoValue"},
                {"Fn::Select": [0, {"Fn::Split": [",", "x"]}]},
            ]
        },
        "Both": {"Fn::And": [{"Condition": "A"}, {"Fn::Equals": [{"Ref": "B"}, "c"]}]},
    }


def test_yaml_date_stays_text() -> None:
    assert read_document("Version: 2012-10-17") == {"Version": "2012-10-17"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("a: &x 1\nb: *x", "aliases are not allowed"),
        ("a: !Shout b", "!Shout is not an intrinsic function"),
        ("- a", "unsupported structure"),
        ("just text", "unsupported structure"),
        ("a: [", "not well-formed"),
        ("[" * 3000, "nested too deeply"),
        ('{"a":' * 20000, "nested too deeply"),
        ('{"Resources": {}}', "At least one Resources member"),
        ('{"Resources": {"A": {}}, "Transform": "X"}', "section Transform is not modelled"),
        (_bucket(CreationPolicy={}), "attribute CreationPolicy is not modelled"),
        (_bucket(UpdatePolicy={}), "attribute UpdatePolicy is not modelled"),
        (_bucket(DeletionPolicy="Snapshot"), "DeletionPolicy 'Snapshot' is not modelled"),
        (_bucket(UpdateReplacePolicy="Keep"), "UpdateReplacePolicy 'Keep' is not modelled"),
        (_bucket(Properties=[]), "Properties must be an object"),
        (_bucket(DependsOn=[1]), "DependsOn must be a logical id"),
        (_bucket(Condition={"Ref": "A"}), "Condition must be the name"),
        ('{"Resources": {"A": {"Properties": {}}}}', "Resources.A must be an object with a Type"),
    ],
)
def test_unreadable_template_is_refused(body: str, reason: str) -> None:
    assert reason in _refusal(body)


def test_all_problems_are_named_at_once() -> None:
    message = _refusal(_bucket(CreationPolicy={}, DeletionPolicy="Snapshot"))

    assert "2 problems" in message
    assert "CreationPolicy" in message
    assert "Snapshot" in message


def test_resource_keeps_its_policies_and_dependencies() -> None:
    template = parse_template(
        _bucket(DependsOn="Key", DeletionPolicy="RetainExceptOnCreate", Metadata={"a": 1})
    )

    bucket = template.resources["Bucket"]
    assert bucket.depends_on == ("Key",)
    assert bucket.deletion_policy == "RetainExceptOnCreate"
    assert bucket.update_replace_policy == "Delete"
    assert bucket.metadata == {"a": 1}


def test_body_is_kept_unchanged() -> None:
    body = _bucket().replace(" ", "  ")
    assert parse_template(body).body == body
