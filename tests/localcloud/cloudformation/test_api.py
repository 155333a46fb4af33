"""The API itself: refusals by name, summaries, events, and never an HTTP 500."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.localcloud.cloudformation.conftest import CloudUnderTest

P: dict[str, Any] = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}


def _with(**resource: Any) -> dict[str, Any]:
    return {"Resources": {"Odd": resource}}


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            _with(Type="AWS::EC2::EIP"),
            "Unrecognized resource types: [AWS::EC2::EIP]: not modelled by this embedded cloud; "
            "used by Odd (AWS::EC2::EIP)",
        ),
        (_with(Type="Custom::AWS"), "Unrecognized resource types: [Custom::AWS]"),
        (
            _with(Type="AWS::S3::Bucket", Properties={"WebsiteConfiguration": {}}),
            "Odd (AWS::S3::Bucket): property WebsiteConfiguration is not modelled; modelled: ",
        ),
        (
            _with(
                Type="AWS::S3::Bucket",
                Properties={"VersioningConfiguration": {"Status": "Enabled", "MfaDelete": "x"}},
            ),
            "Odd (AWS::S3::Bucket): property VersioningConfiguration.MfaDelete is not modelled",
        ),
        (_with(Type="AWS::SSM::Parameter"), "Odd (AWS::SSM::Parameter): property Type is required"),
        (
            _with(**{**P, "Properties": {"Type": "String", "Value": {"Fn::Cidr": []}}}),
            "Resources.Odd.Properties.Value: intrinsic function Fn::Cidr is not modelled",
        ),
        (
            {"Resources": {"P": P}, "Outputs": {"O": {"Value": {"Fn::GetAtt": ["P", "Arn"]}}}},
            "Outputs.O.Value: attribute Arn of P (AWS::SSM::Parameter) is not modelled; "
            "modelled: Type, Value",
        ),
        (
            {"Resources": {"P": P}, "Outputs": {"O": {"Value": {"Fn::GetStackOutput": "x"}}}},
            "Outputs.O.Value: intrinsic function Fn::GetStackOutput is not modelled",
        ),
        (
            {"Resources": {"P": P}, "Outputs": {"O": {"Value": {"Ref": "Nobody"}}}},
            "Outputs.O.Value: Unresolved resource dependencies [Nobody]",
        ),
        ({"Resources": {"P": {**P, "DependsOn": "Nobody"}}}, "dependencies [Nobody] in DependsOn"),
        ({"Resources": {"P": {**P, "Condition": "Nobody"}}}, "condition Nobody is not defined"),
        (
            {"Resources": {"A": {**P, "DependsOn": "B"}, "B": {**P, "DependsOn": "A"}}},
            "Circular dependency between resources",
        ),
        ({"Resources": {"P": P}, "Transform": "X"}, "section Transform is not modelled"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(
    cloud: CloudUnderTest, template: dict[str, Any], reason: str
) -> None:
    body = json.dumps(template)
    client = cloud.cloudformation
    for call, arguments in (
        (client.create_stack, {"StackName": "one"}),
        (
            client.create_change_set,
            {"StackName": "one", "ChangeSetName": "c", "ChangeSetType": "CREATE"},
        ),
        (client.validate_template, {}),
        (client.get_template_summary, {}),
    ):
        error = cloud.refusal(call, TemplateBody=body, **arguments)
        assert error["Code"] == "ValidationError"
        assert reason in error["Message"]
    assert cloud.service.live_stacks() == []


def test_all_problems_come_in_one_answer(cloud: CloudUnderTest) -> None:
    error = cloud.refusal(
        cloud.cloudformation.validate_template,
        TemplateBody=json.dumps(
            {
                "Resources": {
                    "A": {"Type": "AWS::S3::Bucket", "Properties": {"Odd": 1}},
                    "B": {"Type": "AWS::S3::Bucket", "Properties": {"Strange": 1}},
                }
            }
        ),
    )
    assert "2 problems" in error["Message"]
    assert "A (AWS::S3::Bucket): property Odd" in error["Message"]
    assert "B (AWS::S3::Bucket): property Strange" in error["Message"]


def test_value_of_a_wrong_kind_fails_the_resource(cloud: CloudUnderTest) -> None:
    template = {
        "Parameters": {"Days": {"Type": "String", "Default": "many"}},
        "Resources": {
            "G": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": {"Ref": "Days"}}}
        },
    }
    assert cloud.create("one", template)["StackStatus"] == "ROLLBACK_COMPLETE"
    wanted = "property RetentionInDays must be an integer, not 'many'"
    assert any(wanted in reason for reason in cloud.reasons("one"))
    assert cloud.statuses("one", "G") == ["CREATE_FAILED"]


@pytest.mark.parametrize(
    ("action", "arguments", "reason"),
    [
        ("create_stack", {"StackName": "1bad", "TemplateBody": "{}"}, "stackName"),
        ("create_stack", {"StackName": "one"}, "Template URL or Template Body"),
        (
            "create_stack",
            {"StackName": "one", "TemplateBody": "{}", "TemplateURL": "http://a/b"},
            "Only one of",
        ),
        ("create_stack", {"StackName": "one", "TemplateBody": " " * 51_201}, "51200"),
        (
            "create_stack",
            {"StackName": "one", "TemplateBody": "{}", "NotificationARNs": ["arn:topic"]},
            "NotificationARNs is not modelled",
        ),
        (
            "create_change_set",
            {
                "StackName": "one",
                "ChangeSetName": "c",
                "ChangeSetType": "CREATE",
                "TemplateBody": "{}",
                "RollbackConfiguration": {"MonitoringTimeInMinutes": 5},
            },
            "RollbackConfiguration is not modelled",
        ),
        ("update_stack", {"StackName": "one", "TemplateBody": "{}"}, "Stack [one] does not exist"),
        ("describe_stacks", {"StackName": "one"}, "Stack with id one does not exist"),
        ("describe_stack_events", {"StackName": "one"}, "Stack [one] does not exist"),
        ("describe_stack_resources", {"StackName": "one"}, "Stack with id one does not exist"),
        ("get_template", {"StackName": "one"}, "Stack with id one does not exist"),
        ("rollback_stack", {"StackName": "one"}, "Stack [one] does not exist"),
        ("list_change_sets", {"StackName": "one"}, "Stack with id one does not exist"),
        ("describe_type", {}, "Action DescribeType is not modelled"),
        ("create_stack_set", {"StackSetName": "one"}, "Action CreateStackSet is not modelled"),
    ],
)
def test_wrong_call_is_refused(
    cloud: CloudUnderTest, action: str, arguments: dict[str, Any], reason: str
) -> None:
    error = cloud.refusal(getattr(cloud.cloudformation, action), **arguments)
    assert error["Code"] == "ValidationError"
    assert reason in error["Message"]


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"Action": "DanceStack"}, "Could not find operation 'DanceStack'"),
        ({}, "Could not find operation ''"),
        ({"Action": "DescribeStackEvents"}, "Value null at 'stackName'"),
        (
            {"Action": "CreateStack", "StackName": "a", "TimeoutInMinutes": "soon"},
            "Malformed parameter",
        ),
    ],
)
def test_malformed_request_is_a_400(
    cloud: CloudUnderTest, form: dict[str, str], reason: str
) -> None:
    answer = requests.post(
        cloud.context.endpoint,
        data=form,
        headers={"Authorization": "x Credential=a/b/us-east-1/cloudformation/aws4_request"},
        timeout=10,
    )
    assert answer.status_code == 400
    assert "<Code>ValidationError</Code>" in answer.text
    assert reason.replace("'", "'") in answer.text


def test_large_template_arrives_whole(cloud: CloudUnderTest) -> None:
    # Each of these characters takes twelve bytes in a form.
    description = "&<" + "\N{T-SHIRT}" * 45_000
    body = json.dumps({"Description": description, "Resources": {"P": P}}, ensure_ascii=False)

    cloud.cloudformation.create_stack(StackName="one", TemplateBody=body)

    assert cloud.finish("one")["Description"] == description


def test_iam_resources_need_a_capability(cloud: CloudUnderTest) -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {}, "RoleName": "r"},
    }
    body = json.dumps({"Resources": {"R": role}})
    create = cloud.cloudformation.create_stack

    error = cloud.refusal(
        create, StackName="one", TemplateBody=body, Capabilities=["CAPABILITY_IAM"]
    )

    assert error["Code"] == "InsufficientCapabilitiesException"
    assert "CAPABILITY_NAMED_IAM" in error["Message"]


@pytest.mark.usefixtures("managed_policies")
def test_cdk_bootstrap_stack_comes_and_goes(cloud: CloudUnderTest, repository_root: Path) -> None:
    path = "node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml"
    body = (repository_root / path).read_text()
    client = cloud.cloudformation

    client.create_stack(
        StackName="CDKToolkit", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    stack = cloud.finish("CDKToolkit")

    assert stack["StackStatus"] == "CREATE_COMPLETE", cloud.reasons("CDKToolkit")
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    assert outputs["BucketName"] == "cdk-hnb659fds-assets-123456789012-us-east-1"
    version = cloud.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")
    assert version["Parameter"]["Value"] == outputs["BootstrapVersion"]
    policy = cloud.client("s3").get_bucket_policy(Bucket=outputs["BucketName"])["Policy"]
    assert json.loads(policy)["Version"] == "2012-10-17"

    assert cloud.delete("CDKToolkit")["StackStatus"] == "DELETE_COMPLETE"
    assert [r["RoleName"] for r in cloud.client("iam").list_roles()["Roles"]] == []
    assert [b["Name"] for b in cloud.client("s3").list_buckets()["Buckets"]] == [
        outputs["BucketName"]
    ]

    # `cdk bootstrap` asks for the import of what exists; without that the bucket's name is taken.
    client.create_stack(
        StackName="CDKToolkit", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    assert cloud.finish("CDKToolkit")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("already exists" in reason for reason in cloud.reasons("CDKToolkit"))
    cloud.delete("CDKToolkit")
    client.create_change_set(
        StackName="CDKToolkit",
        ChangeSetName="again",
        ChangeSetType="CREATE",
        TemplateBody=body,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        ImportExistingResources=True,
    )
    client.execute_change_set(StackName="CDKToolkit", ChangeSetName="again")
    stack = cloud.finish("CDKToolkit")
    assert stack["StackStatus"] == "CREATE_COMPLETE", cloud.reasons("CDKToolkit")
