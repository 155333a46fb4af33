"""A function behind an alias, as CDK writes it, and ways to look at it."""

from __future__ import annotations

from typing import Any

from tests.localcloud.cloudformation.conftest import CloudUnderTest

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    },
}


def template(revision: str, *, version: str | None = None, **more: Any) -> dict[str, Any]:
    """A function behind `live`, as CDK writes it: every change has a version of its own."""
    version = version or f"Version{revision}"
    function = {
        "Code": {"ZipFile": f"def handler(event, context): return '{revision}'"},
        "Environment": {"Variables": {"REVISION": revision}},
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.13",
        **more.pop("function", {}),
    }
    alias = {
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
        "Name": "live",
        **more.pop("alias", {}),
    }
    return {
        "Resources": {
            "Role": ROLE,
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            version: {
                "Type": "AWS::Lambda::Version",
                "Properties": {"FunctionName": {"Ref": "Function"}},
            },
            "Live": {"Type": "AWS::Lambda::Alias", "Properties": alias},
            **more,
        },
        "Outputs": {"Name": {"Value": {"Ref": "Function"}}, "Live": {"Value": {"Ref": "Live"}}},
    }


def live(cloud: CloudUnderTest, name: str) -> dict[str, Any]:
    client = cloud.client("lambda")
    configuration = client.get_function_configuration(FunctionName=name, Qualifier="live")
    del configuration["ResponseMetadata"]
    return dict(configuration)


def output(stack: dict[str, Any], key: str) -> str:
    return next(o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == key)


def versions(cloud: CloudUnderTest, name: str) -> list[str]:
    listed = cloud.client("lambda").list_versions_by_function(FunctionName=name)["Versions"]
    return [version["Version"] for version in listed]
