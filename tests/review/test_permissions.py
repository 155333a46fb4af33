from __future__ import annotations

from pathlib import Path
from typing import Any

from review.assembly import Assembly
from review.permissions import NO_REASON, Permission, permissions, trusts
from tests.review.made_up import assembly


def role(*, name: str = "Role", trusted: Any = None, inline: Any = None) -> dict[str, Any]:
    statement = trusted or {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
    }
    properties: dict[str, Any] = {"AssumeRolePolicyDocument": {"Statement": [statement]}}
    if inline:
        properties["Policies"] = [{"PolicyDocument": {"Statement": [inline]}}]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": properties,
        "Metadata": {"aws:cdk:path": f"App/Plan/{name}/Resource"},
    }


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyDocument": {"Statement": list(statements)},
            "Roles": [{"Ref": "Role1234"}],
        },
    }


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def granted(folder: Path, *statements: dict[str, Any]) -> list[Permission]:
    return permissions(
        assembly(folder, {"App": {"Role1234": role(), "Policy": policy(*statements)}})
    )


def test_actions_on_one_resource_are_one_line_in_words(tmp_path: Path) -> None:
    bucket = "arn:aws:s3:::bucket/jobs/*"
    (one,) = granted(tmp_path, allow("s3:GetObject", bucket), allow(["s3:PutObject"], bucket))
    assert one.who == "App/Plan"
    assert one.words == "read objects, write objects"
    assert one.actions == ("s3:GetObject", "s3:PutObject")
    assert (one.resource, one.reason) == (bucket, "")


def test_action_without_words_is_shown_as_it_is(tmp_path: Path) -> None:
    (one,) = granted(tmp_path, allow("s3:GetBucketAcl", "arn:aws:s3:::bucket"))
    assert one.words == "s3:GetBucketAcl"


def test_star_has_its_reason_or_is_said_to_have_none(tmp_path: Path) -> None:
    found = granted(tmp_path, allow(["xray:PutTraceSegments", "s3:GetObject"], "*"))
    reasons = {one.actions: one.reason for one in found}
    assert reasons[("s3:GetObject",)] == NO_REASON
    assert "X-Ray" in reasons[("xray:PutTraceSegments",)]


def test_deny_is_told_from_allow(tmp_path: Path) -> None:
    found = granted(
        tmp_path,
        allow("s3:GetObject", "arn:x"),
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:x"},
    )
    assert [one.denied for one in found] == [False, True]


def test_condition_is_shown_with_its_operator(tmp_path: Path) -> None:
    (one,) = granted(
        tmp_path,
        allow(
            "s3:GetObject",
            "arn:x",
            Condition={"StringEquals": {"a": "b"}, "StringNotLike": {"c": ["d", "e"]}},
        ),
    )
    assert one.condition == "a = b, c StringNotLike d or e"


def test_inline_policy_of_a_role_counts(tmp_path: Path) -> None:
    made = assembly(tmp_path, {"App": {"R": role(inline=allow("s3:GetObject", "arn:x"))}})
    (one,) = permissions(made)
    assert (one.who, one.words) == ("App/Plan", "read objects")


def test_policy_of_two_roles_is_two_lines(tmp_path: Path) -> None:
    shared = policy(allow("s3:GetObject", "arn:x"))
    shared["Properties"]["Roles"] = [{"Ref": "Role1234"}, {"Ref": "Other"}]
    made = assembly(
        tmp_path,
        {"App": {"Role1234": role(), "Other": role(name="Other"), "Policy": shared}},
    )
    assert [one.who for one in permissions(made)] == ["App/Plan", "App/Plan/Other"]


def exported(folder: Path) -> Assembly:
    import json

    made = assembly(
        folder,
        {
            "Storage": {
                "Bucket12": {
                    "Type": "AWS::S3::Bucket",
                    "Metadata": {"aws:cdk:path": "Storage/Results/Default/Resource"},
                }
            },
            "App": {
                "Role1234": role(),
                "Policy": policy(
                    allow(
                        "s3:GetObject",
                        {"Fn::Join": ["", [{"Fn::ImportValue": "storage:Bucket"}, "/jobs/*"]]},
                    )
                ),
            },
        },
    )
    path = folder / "Storage.template.json"
    template = json.loads(path.read_text())
    template["Outputs"] = {
        "Export": {
            "Value": {"Fn::GetAtt": ["Bucket12", "Arn"]},
            "Export": {"Name": "storage:Bucket"},
        }
    }
    path.write_text(json.dumps(template))
    return made


def test_import_is_followed_to_the_other_stack_s_resource(tmp_path: Path) -> None:
    (one,) = permissions(exported(tmp_path))
    assert one.resource == "<Storage/Results>/jobs/*"


def test_trust_names_service_and_condition(tmp_path: Path) -> None:
    trusted = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": ["states.amazonaws.com", "lambda.amazonaws.com"]},
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }
    found = trusts(assembly(tmp_path, {"App": {"R": role(trusted=trusted)}}))
    assert [(one.service, one.condition) for one in found] == [
        ("states.amazonaws.com", "aws:SourceAccount = <AccountId>"),
        ("lambda.amazonaws.com", "aws:SourceAccount = <AccountId>"),
    ]
