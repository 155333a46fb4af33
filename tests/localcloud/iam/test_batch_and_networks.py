"""Which permissions Batch's and EC2's operations ask for, on which resources.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.iam.asking import refusal
from tests.localcloud.iam.policies import allow

HERE = "us-east-1:123456789012"
BATCH = f"arn:aws:batch:{HERE}"
EC2 = f"arn:aws:ec2:{HERE}"
SUBMISSION = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d:1"}
PERMISSION = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}


@pytest.mark.parametrize(
    ("service", "call", "parameters", "asked"),
    [
        (
            "batch",
            "submit_job",
            SUBMISSION,
            [
                ("batch:SubmitJob", f"{BATCH}:job-definition/d:1"),
                ("batch:SubmitJob", f"{BATCH}:job-queue/q"),
            ],
        ),
        ("batch", "describe_jobs", {"jobs": ["j"]}, [("batch:DescribeJobs", "*")]),
        ("batch", "list_jobs", {"jobQueue": "q"}, [("batch:ListJobs", "*")]),
        (
            "batch",
            "terminate_job",
            {"jobId": "j", "reason": "r"},
            [("batch:TerminateJob", f"{BATCH}:job/j")],
        ),
        (
            "batch",
            "tag_resource",
            {"resourceArn": f"{BATCH}:job-queue/q", "tags": {"a": "1"}},
            [("batch:TagResource", f"{BATCH}:job-queue/q")],
        ),
        (
            "batch",
            "update_job_queue",
            {"jobQueue": "q", "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "e"}]},
            [
                ("batch:UpdateJobQueue", f"{BATCH}:job-queue/q"),
                ("batch:UpdateJobQueue", f"{BATCH}:compute-environment/e"),
            ],
        ),
        ("ec2", "describe_vpcs", {}, [("ec2:DescribeVpcs", "*")]),
        ("ec2", "delete_vpc", {"VpcId": "vpc-1"}, [("ec2:DeleteVpc", f"{EC2}:vpc/vpc-1")]),
        (
            "ec2",
            "create_subnet",
            {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24"},
            [("ec2:CreateSubnet", f"{EC2}:subnet/*"), ("ec2:CreateSubnet", f"{EC2}:vpc/vpc-1")],
        ),
        (
            "ec2",
            "authorize_security_group_egress",
            {"GroupId": "sg-1", "IpPermissions": [PERMISSION]},
            [("ec2:AuthorizeSecurityGroupEgress", f"{EC2}:security-group/sg-1")],
        ),
        (
            "ec2",
            "create_tags",
            {"Resources": ["vpc-1", "igw-1"], "Tags": [{"Key": "a", "Value": "1"}]},
            [
                ("ec2:CreateTags", f"{EC2}:vpc/vpc-1"),
                ("ec2:CreateTags", f"{EC2}:internet-gateway/igw-1"),
            ],
        ),
        (
            "iam",
            "remove_role_from_instance_profile",
            {"InstanceProfileName": "p", "RoleName": "r"},
            [
                (
                    "iam:RemoveRoleFromInstanceProfile",
                    "arn:aws:iam::123456789012:instance-profile/p",
                )
            ],
        ),
    ],
)
def test_operation_asks_for_all_it_needs_and_nothing_else(
    as_role, service, call, parameters, asked
):
    for missing in range(len(asked)):
        has = [allow(*each) for number, each in enumerate(asked) if number != missing]
        action, resource = asked[missing]
        code, message, status = refusal(getattr(as_role(*has)(service), call), **parameters)
        expected = {"ec2": "UnauthorizedOperation", "iam": "AccessDenied"}
        assert (code, status) == (expected.get(service, "AccessDeniedException"), 403)
        assert f"to perform: {action} on resource: {resource} because" in message
    granted = getattr(as_role(*(allow(*each) for each in asked))(service), call)
    # There is nothing of that name: at most the service itself says so.
    denials = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
    assert code_of(granted, **parameters) not in denials


def code_of(call, **parameters) -> str:
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_tags_given_at_creation_need_their_own_permission(as_role):
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html"""
    tagged = {
        "CidrBlock": "10.0.0.0/16",
        "TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "1"}]}],
    }
    creation = allow("ec2:CreateVpc", f"{EC2}:vpc/*")
    assert "ec2:CreateTags" in refusal(as_role(creation)("ec2").create_vpc, **tagged)[1]
    as_role(creation)("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    only_then = {"StringEquals": {"ec2:CreateAction": "CreateVpc"}}
    with_tags = allow("ec2:CreateTags", f"{EC2}:vpc/*", Condition=only_then)
    as_role(creation, with_tags)("ec2").create_vpc(**tagged)


def test_role_of_a_job_must_be_allowed_to_be_passed(as_role, make_role):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
    role = make_role()
    register = {
        "jobDefinitionName": "passed",
        "type": "container",
        "containerProperties": {"image": "i", "vcpus": 1, "memory": 64, "jobRoleArn": role},
    }
    definition = allow("batch:RegisterJobDefinition", f"{BATCH}:job-definition/passed")

    def passing(service: str):
        condition = {"StringEquals": {"iam:PassedToService": service}}
        return as_role(definition, allow("iam:PassRole", role, Condition=condition))("batch")

    elsewhere = passing("lambda.amazonaws.com").register_job_definition
    assert f"iam:PassRole on resource: {role}" in refusal(elsewhere, **register)[1]
    passing("ecs-tasks.amazonaws.com").register_job_definition(**register)


def test_role_of_machines_must_be_allowed_to_be_passed(cloud, as_role, make_role):
    iam = cloud.context.client("iam")
    role = make_role()
    name = role.rpartition("/")[2]
    profile = iam.create_instance_profile(InstanceProfileName="passing")["InstanceProfile"]["Arn"]
    put = allow("iam:AddRoleToInstanceProfile", profile)
    arguments = {"InstanceProfileName": "passing", "RoleName": name}
    said = refusal(as_role(put)("iam").add_role_to_instance_profile, **arguments)[1]
    assert f"iam:PassRole on resource: {role}" in said
    as_role(put, allow("iam:PassRole", role))("iam").add_role_to_instance_profile(**arguments)

    given = {
        "computeEnvironmentName": "e",
        "type": "MANAGED",
        "computeResources": {
            "type": "EC2",
            "maxvCpus": 1,
            "instanceTypes": ["c5.large"],
            "subnets": ["subnet-1"],
            "instanceRole": profile,
        },
    }
    create = allow("batch:CreateComputeEnvironment", f"{BATCH}:compute-environment/e")
    said = refusal(as_role(create)("batch").create_compute_environment, **given)[1]
    assert f"iam:PassRole on resource: {role}" in said
    allowed = as_role(create, allow("iam:PassRole", role))("batch").create_compute_environment
    assert refusal(allowed, **given)[1] == "The subnet ID 'subnet-1' does not exist"


def test_operations_that_nobody_modelled_are_denied_to_roles(as_role):
    admin = as_role(allow("*", "*"))
    for service, call, given, action in (
        ("ec2", "allocate_address", {}, "ec2:AllocateAddress"),
        ("batch", "list_scheduling_policies", {}, "batch:ListSchedulingPolicies"),
    ):
        assert f"to perform: {action}: " in refusal(getattr(admin(service), call), **given)[1]
    assert json.dumps(admin("ec2").describe_vpcs()["Vpcs"], default=str)
