"""The API itself: refusals by name, summaries, events, and never an HTTP 500."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.localcloud.cloudformation.conftest import CloudUnderTest

P = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}


def _with(**resource: Any) -> dict[str, Any]:
    return {"Resources": {"Odd": resource}}


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            _with(Type="AWS::EC2::VPC"),
            "Unrecognized resource types: [AWS::EC2::VPC]: not modelled by this embedded cloud; "
            "used by Odd (AWS::EC2::VPC)",
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
    description = "é&<" * 5_000
    template = {"Description": description, "Resources": {"P": P}}
    assert cloud.create("one", template)["Description"] == description


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


def test_resources_and_events_are_listed(cloud: CloudUnderTest) -> None:
    stack = cloud.create("one", {"Resources": {"P": {**P, "Metadata": {"aws:cdk:path": "x/y"}}}})
    client = cloud.cloudformation
    physical_id = cloud.physical_id("one", "P")

    (listed,) = client.list_stack_resources(StackName="one")["StackResourceSummaries"]
    assert listed["ResourceStatus"] == "CREATE_COMPLETE"
    (found,) = client.describe_stack_resources(PhysicalResourceId=physical_id)["StackResources"]
    assert (found["StackName"], found["LogicalResourceId"]) == ("one", "P")
    detail = client.describe_stack_resource(StackName="one", LogicalResourceId="P")
    assert json.loads(detail["StackResourceDetail"]["Metadata"]) == {"aws:cdk:path": "x/y"}
    events = client.describe_stack_events(StackName="one")["StackEvents"]
    assert len({event["OperationId"] for event in events}) == 1
    assert json.loads(events[1]["ResourceProperties"]) == {"Type": "String", "Value": "1"}
    assert stack["LastOperations"][0]["OperationId"] == events[0]["OperationId"]
    cloud.refusal(client.describe_stack_resource, StackName="one", LogicalResourceId="Q")
    cloud.refusal(client.describe_stack_resources, PhysicalResourceId="nobody")


def test_events_can_be_asked_for_by_operation_and_failure(cloud: CloudUnderTest) -> None:
    refused = {**P, "Properties": {**P["Properties"], "Name": "aws-refused"}}
    stack = cloud.create("one", {"Resources": {"Bad": refused}})
    client = cloud.cloudformation
    operation = stack["LastOperations"][0]["OperationId"]

    all_of_it = client.describe_events(OperationId=operation)["OperationEvents"]
    failed = client.describe_events(StackName="one", Filters={"FailedEvents": True})

    assert all_of_it[0]["ResourceStatus"] == "ROLLBACK_COMPLETE"
    (event,) = failed["OperationEvents"]
    assert (event["EventType"], event["LogicalResourceId"]) == ("PROVISIONING_ERROR", "Bad")
    assert event["OperationType"] == "CREATE_STACK"
    cloud.refusal(client.describe_events)


def test_stacks_are_listed_with_the_deleted_ones(cloud: CloudUnderTest) -> None:
    cloud.create("one", {"Resources": {"P": P}})
    cloud.create("two", {"Resources": {"P": P}})
    cloud.delete("one")
    client = cloud.cloudformation

    listed = client.list_stacks()["StackSummaries"]
    deleted = client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]

    assert {(s["StackName"], s["StackStatus"]) for s in listed} == {
        ("one", "DELETE_COMPLETE"),
        ("two", "CREATE_COMPLETE"),
    }
    assert [s["StackName"] for s in deleted] == ["one"]
    assert [s["StackName"] for s in client.describe_stacks()["Stacks"]] == ["two"]


def test_template_summary_lists_parameters_and_types(cloud: CloudUnderTest) -> None:
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "about",
        "Parameters": {"Stage": {"Type": "String", "Default": "dev", "AllowedValues": ["dev"]}},
        "Resources": {"P": P, "CDKMetadata": {"Type": "AWS::CDK::Metadata"}},
    }
    body = json.dumps(template)

    summary = cloud.cloudformation.get_template_summary(TemplateBody=body)
    valid = cloud.cloudformation.validate_template(TemplateBody=body)

    assert summary["ResourceTypes"] == ["AWS::CDK::Metadata", "AWS::SSM::Parameter"]
    assert summary["Parameters"][0]["ParameterType"] == "String"
    assert summary["Version"] == "2010-09-09"
    assert valid["Description"] == "about"
    assert valid["Parameters"][0]["ParameterKey"] == "Stage"


def test_hooks_are_none(cloud: CloudUnderTest) -> None:
    answer = cloud.cloudformation.list_hook_results(TargetType="CHANGE_SET", TargetId="x")
    assert answer["HookResults"] == []


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
