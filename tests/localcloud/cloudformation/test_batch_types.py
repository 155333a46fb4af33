"""Batch's types: made, changed in place, replaced, removed in the order that Batch asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.resources import OneResource, own_tags, trust

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
SUBNET = {
    "Type": "AWS::EC2::Subnet",
    "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"},
}
GROUP = {
    "Type": "AWS::EC2::SecurityGroup",
    "Properties": {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "d"},
}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": trust("ec2.amazonaws.com")},
}
PROFILE = {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}}
AROUND: dict[str, Any] = {
    "Vpc": VPC,
    "Subnet": SUBNET,
    "Group": GROUP,
    "Role": ROLE,
    "Profile": PROFILE,
}


def environment(**resources: Any) -> dict[str, Any]:
    return {
        "Type": "managed",
        "ReplaceComputeEnvironment": False,
        "ComputeResources": {
            "InstanceRole": {"Fn::GetAtt": ["Profile", "Arn"]},
            "InstanceTypes": ["c5.2xlarge"],
            "MaxvCpus": 16,
            "MinvCpus": 0,
            "SecurityGroupIds": [{"Ref": "Group"}],
            "Subnets": [{"Ref": "Subnet"}],
            "Tags": {"App": "a"},
            "Type": "EC2",
            **resources,
        },
    }


ENVIRONMENT = {"Type": "AWS::Batch::ComputeEnvironment", "Properties": environment()}


def queue(environment: str = "Environment") -> dict[str, Any]:
    return {
        "Priority": 1,
        "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": {"Ref": environment}}],
    }


def test_compute_environment(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::Batch::ComputeEnvironment", **AROUND)
    batch = cloud.client("batch")
    arn = subject.create(**environment(UpdateToLatestImageVersion=True), Tags={"a": "1"})

    subject.update(
        **environment(MaxvCpus=64, Type="SPOT", UpdateToLatestImageVersion=True),
        State="DISABLED",
        Tags={"a": "1"},
        UpdatePolicy={"TerminateJobsOnUpdate": False, "JobExecutionTimeoutMinutes": 30},
    )

    (found,) = batch.describe_compute_environments(computeEnvironments=[arn])["computeEnvironments"]
    assert (found["state"], found["status"], found["type"]) == ("DISABLED", "VALID", "MANAGED")
    resources = found["computeResources"]
    assert (resources["maxvCpus"], resources["type"], resources["desiredvCpus"]) == (64, "SPOT", 0)
    assert resources["tags"] == {"App": "a"}
    assert found["updatePolicy"]["jobExecutionTimeoutMinutes"] == 30
    assert own_tags(found["tags"]) == {"a": "1"}
    subject.delete()
    assert batch.describe_compute_environments()["computeEnvironments"] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Subnets": ["subnet-1"]}, "The subnet ID 'subnet-1' does not exist"),
        ({"SecurityGroupIds": ["sg-1"]}, "The security group 'sg-1' does not exist"),
        ({"InstanceRole": "nobody"}, "The instance profile 'nobody' does not exist"),
        ({"InstanceTypes": ["q9.huge"]}, "Instance type q9.huge is not supported"),
        ({"LaunchTemplate": {"LaunchTemplateId": "lt-1"}}, "launch template 'lt-1' does not exist"),
        ({"MinvCpus": 17}, "minvCpus: 17; allowed: 0 to maxvCpus, which is 16"),
        ({"Type": "FARGATE"}, "computeResources.type: 'FARGATE'; modelled: EC2, SPOT"),
    ],
)
def test_environment_that_could_not_work_fails_the_deployment(
    cloud: CloudUnderTest, change: dict[str, Any], said: str
) -> None:
    made = {"Type": "AWS::Batch::ComputeEnvironment", "Properties": environment(**change)}
    stack = cloud.create("one", {"Resources": {**AROUND, "R": made}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(said in reason for reason in cloud.reasons("one")), cloud.reasons("one")
    assert cloud.client("batch").describe_compute_environments()["computeEnvironments"] == []


def test_environments_that_an_update_would_replace_are_refused(cloud: CloudUnderTest) -> None:
    replaced = {**environment(), "ReplaceComputeEnvironment": True}
    made = {"Type": "AWS::Batch::ComputeEnvironment", "Properties": replaced}
    stack = cloud.create("one", {"Resources": {**AROUND, "R": made}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("ReplaceComputeEnvironment must be false" in r for r in cloud.reasons("one"))


def test_job_queue_moves_to_another_environment(cloud: CloudUnderTest) -> None:
    subject = OneResource(
        cloud, "AWS::Batch::JobQueue", **AROUND, Environment=ENVIRONMENT, Other=ENVIRONMENT
    )
    batch = cloud.client("batch")
    limit = {"Action": "CANCEL", "MaxTimeSeconds": 600, "Reason": "r", "State": "RUNNABLE"}
    arn = subject.create(**queue(), JobStateTimeLimitActions=[limit])
    subject.update(**{**queue("Other"), "Priority": 5}, State="DISABLED")
    (found,) = batch.describe_job_queues(jobQueues=[arn])["jobQueues"]
    (order,) = found["computeEnvironmentOrder"]
    assert order["computeEnvironment"] == cloud.physical_id("one", "Other")
    assert (found["priority"], found["state"]) == (5, "DISABLED")
    assert found["jobStateTimeLimitActions"] == []
    subject.delete()
    assert batch.describe_job_queues()["jobQueues"] == []


def test_job_definition_is_replaced_by_any_change(cloud: CloudUnderTest) -> None:
    batch = cloud.client("batch")

    def template(command: str) -> dict[str, Any]:
        return {
            "Type": "AWS::Batch::JobDefinition",
            "Properties": {
                "Type": "container",
                "ContainerProperties": {
                    "Command": [command],
                    "Environment": [{"Name": "N", "Value": "v"}],
                    "Image": "i",
                    "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "g"}},
                    "ResourceRequirements": [
                        {"Type": "VCPU", "Value": "1"},
                        {"Type": "MEMORY", "Value": "64"},
                    ],
                },
                "Parameters": {"Kept": "As it is"},
                "PlatformCapabilities": ["EC2"],
                "RetryStrategy": {
                    "Attempts": 2,
                    "EvaluateOnExit": [{"Action": "EXIT", "OnExitCode": "65"}],
                },
                "Tags": {"App": "a"},
                "Timeout": {"AttemptDurationSeconds": 60},
            },
        }

    cloud.create("one", {"Resources": {"R": template("first")}})
    first = cloud.physical_id("one", "R")
    cloud.update("one", {"Resources": {"R": template("second")}})
    second = cloud.physical_id("one", "R")
    assert first != second
    by_arn = {
        each["jobDefinitionArn"]: each
        for each in batch.describe_job_definitions()["jobDefinitions"]
    }
    assert (by_arn[first]["status"], by_arn[second]["status"]) == ("INACTIVE", "ACTIVE")
    found = by_arn[second]
    assert found["containerProperties"]["command"] == ["second"]
    assert found["containerProperties"]["environment"] == [{"name": "N", "value": "v"}]
    assert found["parameters"] == {"Kept": "As it is"}
    assert found["retryStrategy"]["evaluateOnExit"] == [{"action": "EXIT", "onExitCode": "65"}]
    assert found["timeout"] == {"attemptDurationSeconds": 60}
    assert own_tags(found["tags"]) == {"App": "a"}
    cloud.delete("one")
    assert batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"] == []


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"Volumes": []}, "property ContainerProperties.Volumes is not modelled"),
        ({"Secrets": []}, "property ContainerProperties.Secrets is not modelled"),
        ({"Privileged": True}, "containerProperties.privileged: true; modelled: false"),
        ({"LogConfiguration": {"LogDriver": "fluentd"}}, "logDriver: 'fluentd'; modelled: awslogs"),
        ({"Vcpus": 0}, "vcpus: 0; allowed: 1 or more"),
    ],
)
def test_container_that_cannot_be_honoured_is_refused(
    cloud: CloudUnderTest, properties: dict[str, Any], said: str
) -> None:
    container = {"Image": "i", "Vcpus": 1, "Memory": 64, **properties}
    made = {
        "Type": "AWS::Batch::JobDefinition",
        "Properties": {"Type": "container", "ContainerProperties": container},
    }
    body = json.dumps({"Resources": {"R": made}})
    if "is not modelled" in said:
        refused = cloud.refusal(
            cloud.cloudformation.create_stack, StackName="one", TemplateBody=body
        )
        assert said in refused["Message"]
    else:
        cloud.create("one", {"Resources": {"R": made}})
        assert any(said in reason for reason in cloud.reasons("one")), cloud.reasons("one")


def test_environment_and_queue_are_refused_until_nothing_needs_them(cloud: CloudUnderTest) -> None:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteComputeEnvironment.html"""
    parts = {
        **AROUND,
        "Environment": ENVIRONMENT,
        "Queue": {"Type": "AWS::Batch::JobQueue", "Properties": queue()},
    }
    cloud.create("one", {"Resources": parts})
    batch = cloud.client("batch")
    arn, queue_arn = cloud.physical_id("one", "Environment"), cloud.physical_id("one", "Queue")

    def said(call: Any, **arguments: Any) -> str:
        return cloud.refusal(call, **arguments)["Message"]

    delete_environment, delete_queue = batch.delete_compute_environment, batch.delete_job_queue
    assert said(delete_queue, jobQueue=queue_arn) == "Cannot delete, state must be DISABLED"
    assert (
        said(delete_environment, computeEnvironment=arn) == "Cannot delete, state must be DISABLED"
    )
    batch.update_compute_environment(computeEnvironment=arn, state="DISABLED")
    expected = "Cannot delete, found existing JobQueue relationship"
    assert said(delete_environment, computeEnvironment=arn) == expected
    assert cloud.delete("one")["StackStatus"] == "DELETE_COMPLETE"
