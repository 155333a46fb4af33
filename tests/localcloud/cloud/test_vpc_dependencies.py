"""Parts of a network refuse to go before what needs them, and moto alone would let them.

https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

S3 = {"ServiceName": "com.amazonaws.us-east-1.s3", "VpcEndpointType": "Gateway"}


@pytest.fixture
def ec2(cloud) -> Any:
    return cloud.context.client("ec2")


@pytest.fixture
def vpc(ec2) -> str:
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def subnet(ec2, vpc) -> str:
    return ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/17")["Subnet"]["SubnetId"]


def code_of(call, **given) -> str:
    try:
        call(**given)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


def group_in(ec2, vpc) -> str:
    return ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]


def default_group(ec2, vpc) -> str:
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])[
        "SecurityGroups"
    ]
    return group["GroupId"]


def launch(ec2, subnet, *groups) -> str:
    given = {"SecurityGroupIds": list(groups)} if groups else {}
    launched = ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet, **given
    )
    return launched["Instances"][0]["InstanceId"]


def test_vpc_goes_alone_with_its_default_security_group(ec2, vpc):
    default = default_group(ec2, vpc)
    assert code_of(ec2.delete_security_group, GroupId=default) == "CannotDelete"
    assert code_of(ec2.delete_vpc, VpcId=vpc) == "done"
    assert code_of(ec2.describe_security_groups, GroupIds=[default]) == "InvalidGroup.NotFound"


def test_vpc_stays_while_it_has_a_group_a_gateway_or_an_endpoint(ec2, vpc):
    def refused() -> bool:
        return code_of(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"

    group = group_in(ec2, vpc)
    assert refused()
    ec2.delete_security_group(GroupId=group)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert refused()
    assert code_of(ec2.delete_internet_gateway, InternetGatewayId=gateway) == "DependencyViolation"
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, **S3)["VpcEndpoint"]["VpcEndpointId"]
    assert refused()
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    assert not refused()


def test_subnet_and_group_stay_while_an_instance_has_them(ec2, vpc, subnet):
    group = group_in(ec2, vpc)
    instance = launch(ec2, subnet, group)
    assert code_of(ec2.delete_subnet, SubnetId=subnet) == "DependencyViolation"
    assert code_of(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    ec2.terminate_instances(InstanceIds=[instance])
    assert code_of(ec2.delete_subnet, SubnetId=subnet) == "done"
    assert code_of(ec2.delete_security_group, GroupId=group) == "done"


def test_routes_of_an_endpoint_follow_its_tables(ec2, vpc):
    tables = [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2)]
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, **S3, RouteTableIds=tables[:1])
    endpoint_id = endpoint["VpcEndpoint"]["VpcEndpointId"]

    def routed() -> list[bool]:
        told = ec2.describe_route_tables(RouteTableIds=tables)["RouteTables"]
        by_id = {table["RouteTableId"]: table["Routes"] for table in told}
        return [any(r.get("GatewayId") == endpoint_id for r in by_id[table]) for table in tables]

    assert routed() == [True, False]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint_id, AddRouteTableIds=tables[1:], RemoveRouteTableIds=tables[:1]
    )
    assert routed() == [False, True]
    assert code_of(ec2.delete_vpc_endpoints, VpcEndpointIds=[endpoint_id]) == "done"
    assert routed() == [False, False]
