"""What moto does without the patches of networks: when one of these fails, a patch can go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import localcloud.cloud
from localcloud.services.vpc import vpc_patches
from tests.localcloud.cloud.test_vpc_dependencies import (
    S3,
    code_of,
    default_group,
    group_in,
    launch,
)


@pytest.fixture
def ec2(monkeypatch, fresh_cloud) -> Iterator[Any]:
    """Of a cloud without these patches."""
    ours = {patch.attribute for patch in vpc_patches()}
    every = localcloud.cloud._patches
    monkeypatch.setattr(
        localcloud.cloud,
        "_patches",
        lambda *given: [patch for patch in every(*given) if patch.attribute not in ours],
    )
    with fresh_cloud() as at:
        yield at.cloud.context.client("ec2")


def test_moto_alone_deletes_what_is_needed(ec2):
    def network() -> tuple[str, str]:
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/17")["Subnet"]["SubnetId"]
        return vpc, subnet

    vpc, subnet = network()
    launch(ec2, subnet, group_in(ec2, vpc))
    assert code_of(ec2.delete_subnet, SubnetId=subnet) == "done"
    assert code_of(ec2.delete_vpc, VpcId=vpc) == "done"
    other, _ = network()
    assert code_of(ec2.delete_security_group, GroupId=default_group(ec2, other)) == "done"


def test_moto_alone_leaves_routes_where_they_were(ec2):
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    tables = [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2)]
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, **S3, RouteTableIds=tables[:1])
    endpoint_id = endpoint["VpcEndpoint"]["VpcEndpointId"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint_id, AddRouteTableIds=tables[1:], RemoveRouteTableIds=tables[:1]
    )
    refused = code_of(ec2.delete_vpc_endpoints, VpcEndpointIds=[endpoint_id])
    assert refused == "InvalidRoute.NotFound"
