"""What the API tells about stacks: resources, events, summaries, templates."""

from __future__ import annotations

import json
from typing import Any

from tests.localcloud.cloudformation.conftest import CloudUnderTest

P: dict[str, Any] = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}


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
    properties = json.loads(events[1]["ResourceProperties"])
    assert (properties["Type"], properties["Value"]) == ("String", "1")
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
