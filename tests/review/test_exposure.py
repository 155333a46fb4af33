from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from review.exposure import Door, doors
from tests.review.made_up import assembly

CLOSED = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}


def doors_of(folder: Path, kind: str, **properties: Any) -> list[Door]:
    return doors(assembly(folder, {"App": {"It": {"Type": kind, "Properties": properties}}}))


def statement(principal: Any, *, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    document = {"Effect": effect, "Principal": principal, "Action": "sns:Publish", **more}
    return {"Topics": [{"Ref": "It"}], "PolicyDocument": {"Statement": [document]}}


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::ApiGatewayV2::Route", {"ApiId": "api", "RouteKey": "GET /"}),
        (
            "AWS::ApiGatewayV2::Route",
            {"ApiId": "api", "RouteKey": "GET /", "AuthorizationType": "NONE"},
        ),
        ("AWS::Lambda::Url", {"TargetFunctionArn": "f", "AuthType": "NONE"}),
        ("AWS::Lambda::Permission", {"FunctionName": "f", "Principal": "s3.amazonaws.com"}),
        ("AWS::S3::Bucket", {}),
        (
            "AWS::S3::Bucket",
            {"PublicAccessBlockConfiguration": {**CLOSED, "BlockPublicPolicy": False}},
        ),
        (
            "AWS::EC2::SecurityGroup",
            {"SecurityGroupIngress": [{"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp"}]},
        ),
        ("AWS::EC2::SecurityGroupIngress", {"GroupId": "g", "CidrIp": "0.0.0.0/0"}),
        ("AWS::SNS::TopicPolicy", statement("*")),
        ("AWS::SNS::TopicPolicy", statement({"AWS": "*"})),
    ],
    ids=str,
)
def test_what_stands_open_is_said_to(tmp_path: Path, kind: str, properties: Any) -> None:
    assert [door.to_everybody for door in doors_of(tmp_path, kind, **properties)] == [True]


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        (
            "AWS::ApiGatewayV2::Route",
            {"ApiId": "api", "RouteKey": "GET /", "AuthorizationType": "AWS_IAM"},
        ),
        ("AWS::Lambda::Url", {"TargetFunctionArn": "f", "AuthType": "AWS_IAM"}),
        (
            "AWS::Lambda::Permission",
            {"FunctionName": "f", "Principal": "s3.amazonaws.com", "SourceArn": "arn:x"},
        ),
        ("AWS::S3::Bucket", {"PublicAccessBlockConfiguration": CLOSED}),
        ("AWS::EC2::SecurityGroup", {}),
        ("AWS::SNS::TopicPolicy", statement("*", effect="Deny")),
        ("AWS::SNS::TopicPolicy", statement({"Service": "cloudwatch.amazonaws.com"})),
        ("AWS::KMS::Key", {"KeyPolicy": statement({"AWS": "arn:root"})["PolicyDocument"]}),
    ],
    ids=str,
)
def test_what_is_closed_is_listed_as_closed(tmp_path: Path, kind: str, properties: Any) -> None:
    assert [door.to_everybody for door in doors_of(tmp_path, kind, **properties)] == [False]


def test_policy_says_who_may_do_what_and_when(tmp_path: Path) -> None:
    bounded = statement(
        {"Service": "cloudwatch.amazonaws.com"},
        Condition={"ArnLike": {"aws:SourceArn": "arn:alarm"}},
    )
    (door,) = doors_of(tmp_path, "AWS::SNS::TopicPolicy", **bounded)
    assert (door.what, door.who) == ("App/It", "cloudwatch.amazonaws.com")
    assert door.how == "sns:Publish where aws:SourceArn ~ arn:alarm"


def test_what_is_open_to_everybody_comes_first(tmp_path: Path) -> None:
    made = assembly(
        tmp_path,
        {
            "App": {
                "A": {
                    "Type": "AWS::S3::Bucket",
                    "Properties": {"PublicAccessBlockConfiguration": CLOSED},
                },
                "B": {"Type": "AWS::S3::Bucket", "Properties": {}},
            }
        },
    )
    assert [door.what for door in doors(made)] == ["App/B", "App/A"]
