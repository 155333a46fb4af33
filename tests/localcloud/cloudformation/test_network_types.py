"""Networks and what machines are launched from: made, changed in place, replaced, removed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.resources import OneResource, own_tags, tags, trust

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
IN_VPC = {"VpcId": {"Ref": "Vpc"}}
TABLE = {"Type": "AWS::EC2::RouteTable", "Properties": IN_VPC}
GATEWAY = {"Type": "AWS::EC2::InternetGateway"}
ATTACHMENT = {
    "Type": "AWS::EC2::VPCGatewayAttachment",
    "Properties": {**IN_VPC, "InternetGatewayId": {"Ref": "Gateway"}},
}
SUBNET = {"Type": "AWS::EC2::Subnet", "Properties": {**IN_VPC, "CidrBlock": "10.0.0.0/24"}}


def test_vpc(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::EC2::VPC")
    ec2 = cloud.client("ec2")

    def attribute(name: str) -> bool:
        answer = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=name[0].lower() + name[1:])
        return bool(answer[name]["Value"])

    vpc_id = subject.create(CidrBlock="10.1.0.0/16", Tags=tags(("a", "1")))
    assert [attribute("EnableDnsSupport"), attribute("EnableDnsHostnames")] == [True, False]

    subject.update(CidrBlock="10.1.0.0/16", EnableDnsHostnames=True, Tags=tags(("b", "2")))

    (vpc,) = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"]
    assert (vpc["CidrBlock"], attribute("EnableDnsHostnames")) == ("10.1.0.0/16", True)
    assert own_tags(vpc["Tags"]) == {"b": "2"}
    subject.delete()
    assert vpc_id not in [each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"]]


def test_attributes_of_a_vpc_are_those_of_what_came_with_it(cloud: CloudUnderTest) -> None:
    names = ("CidrBlock", "DefaultNetworkAcl", "DefaultSecurityGroup", "VpcId")
    outputs = {name: {"Value": {"Fn::GetAtt": ["Vpc", name]}} for name in names}
    stack = cloud.create("net", {"Resources": {"Vpc": VPC}, "Outputs": outputs})
    found = {out["OutputKey"]: out["OutputValue"] for out in stack["Outputs"]}
    vpc_id = cloud.physical_id("net", "Vpc")
    (group,) = cloud.client("ec2").describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}]
    )["SecurityGroups"]
    assert found["DefaultSecurityGroup"] == group["GroupId"]
    assert found["DefaultNetworkAcl"].startswith("acl-")
    assert (found["CidrBlock"], found["VpcId"]) == ("10.0.0.0/16", vpc_id)


def test_subnets_lie_in_the_zones_of_the_region(cloud: CloudUnderTest) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getavailabilityzones.html"""
    subject = OneResource(cloud, "AWS::EC2::Subnet", Vpc=VPC)
    zone = {"Fn::Select": [1, {"Fn::GetAZs": ""}]}
    base = {**IN_VPC, "CidrBlock": "10.0.0.0/24", "AvailabilityZone": zone}
    subnet_id = subject.create(**base, Tags=tags(("a", "1")))
    ec2 = cloud.client("ec2")

    def subnet() -> dict[str, Any]:
        return dict(ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0])

    assert (subnet()["AvailabilityZone"], subnet()["MapPublicIpOnLaunch"]) == ("us-east-1b", False)
    subject.update(**base, MapPublicIpOnLaunch=True)
    assert subnet()["MapPublicIpOnLaunch"] is True
    assert own_tags(subnet()["Tags"]) == {}
    subject.delete()
    assert subnet_id not in [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]]


def test_zones_of_an_unknown_region_are_refused(cloud: CloudUnderTest) -> None:
    zone = {"Fn::Select": [0, {"Fn::GetAZs": "mars-east-1"}]}
    subnet = {**SUBNET, "Properties": {**SUBNET["Properties"], "AvailabilityZone": zone}}
    stack = cloud.create("net", {"Resources": {"Vpc": VPC, "Subnet": subnet}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("'mars-east-1' is not a region" in reason for reason in cloud.reasons("net"))


def test_route_goes_to_its_gateway_and_another(cloud: CloudUnderTest) -> None:
    other = {
        "OtherVpc": VPC,
        "Other": GATEWAY,
        "OtherAttachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": {"Ref": "OtherVpc"}, "InternetGatewayId": {"Ref": "Other"}},
        },
    }
    subject = OneResource(
        cloud,
        "AWS::EC2::Route",
        Vpc=VPC,
        Table=TABLE,
        Gateway=GATEWAY,
        Attachment=ATTACHMENT,
        **other,
    )
    base = {"RouteTableId": {"Ref": "Table"}, "DestinationCidrBlock": "0.0.0.0/0"}
    ec2 = cloud.client("ec2")

    def target() -> str:
        table = cloud.physical_id("one", "Table")
        (told,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        (route,) = (r for r in told["Routes"] if r.get("DestinationCidrBlock") == "0.0.0.0/0")
        return str(route["GatewayId"])

    physical_id = subject.create(**base, GatewayId={"Fn::GetAtt": ["Gateway", "InternetGatewayId"]})
    assert physical_id == f"{cloud.physical_id('one', 'Table')}|0.0.0.0/0"
    assert target() == cloud.physical_id("one", "Gateway")
    subject.update(**base, GatewayId={"Ref": "Other"})
    assert target() == cloud.physical_id("one", "Other")
    subject.delete()


def test_subnet_is_routed_by_its_table(cloud: CloudUnderTest) -> None:
    subject = OneResource(
        cloud, "AWS::EC2::SubnetRouteTableAssociation", Vpc=VPC, Table=TABLE, Subnet=SUBNET
    )
    association = subject.create(RouteTableId={"Ref": "Table"}, SubnetId={"Ref": "Subnet"})
    table = cloud.physical_id("one", "Table")
    (told,) = cloud.client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"]
    (found,) = told["Associations"]
    assert found["RouteTableAssociationId"] == association
    assert found["SubnetId"] == cloud.physical_id("one", "Subnet")
    subject.delete()


def test_gateway_endpoint(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::EC2::VPCEndpoint", Vpc=VPC, Table=TABLE, Second=TABLE)
    base = {**IN_VPC, "ServiceName": "com.amazonaws.us-east-1.s3", "VpcEndpointType": "Gateway"}
    ec2 = cloud.client("ec2")
    endpoint_id = subject.create(**base, RouteTableIds=[{"Ref": "Table"}], Tags=tags(("a", "1")))

    subject.update(**base, RouteTableIds=[{"Ref": "Second"}], Tags=tags(("b", "2")))

    (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
    assert endpoint["RouteTableIds"] == [cloud.physical_id("one", "Second")]
    assert own_tags(endpoint["Tags"]) == {"b": "2"}
    subject.delete()


@pytest.mark.parametrize(
    ("kind", "service"), [("Interface", "ecr.api"), ("Gateway", "ecr.api"), ("Interface", "s3")]
)
def test_endpoint_that_is_not_modelled_is_refused(
    cloud: CloudUnderTest, kind: str, service: str
) -> None:
    endpoint = {
        "Type": "AWS::EC2::VPCEndpoint",
        "Properties": {
            **IN_VPC,
            "ServiceName": f"com.amazonaws.us-east-1.{service}",
            "VpcEndpointType": kind,
        },
    }
    stack = cloud.create("net", {"Resources": {"Vpc": VPC, "E": endpoint}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("modelled: Gateway of s3 and dynamodb" in reason for reason in cloud.reasons("net"))


def test_security_group_has_the_declared_rules_and_no_others(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::EC2::SecurityGroup", Vpc=VPC)
    base = {**IN_VPC, "GroupDescription": "d"}
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}
    ec2 = cloud.client("ec2")

    def rules(direction: str) -> list[tuple[Any, ...]]:
        (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
        return [
            (rule["IpProtocol"], rule.get("FromPort"), peer["CidrIp"], peer.get("Description"))
            for rule in group[direction]
            for peer in rule["IpRanges"]
        ]

    group_id = subject.create(**base)
    assert rules("IpPermissionsEgress") == [("-1", None, "0.0.0.0/0", None)]
    subject.update(**base, SecurityGroupEgress=[{**https, "Description": "out"}])
    assert rules("IpPermissionsEgress") == [("tcp", 443, "0.0.0.0/0", "out")]
    assert rules("IpPermissions") == []
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/8"}
    subject.update(**base, SecurityGroupIngress=[ssh], SecurityGroupEgress=[])
    assert rules("IpPermissions") == [("tcp", 22, "10.0.0.0/8", None)]
    assert rules("IpPermissionsEgress") == []
    subject.delete()


def test_launch_template_gets_further_versions(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::EC2::LaunchTemplate")
    ec2 = cloud.client("ec2")
    volume = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeType": "gp3"}}
    template_id = subject.create(
        LaunchTemplateData={
            "BlockDeviceMappings": [volume],
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        },
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags(("a", "1"))}],
    )
    subject.update(
        LaunchTemplateData={"Monitoring": {"Enabled": True}},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags(("a", "1"))}],
    )
    (template,) = ec2.describe_launch_templates(LaunchTemplateIds=[template_id])["LaunchTemplates"]
    assert (template["DefaultVersionNumber"], template["LatestVersionNumber"]) == (1, 2)
    first, second = (
        ec2.describe_launch_template_versions(LaunchTemplateId=template_id, Versions=[version])[
            "LaunchTemplateVersions"
        ][0]["LaunchTemplateData"]
        for version in ("1", "2")
    )
    assert first["MetadataOptions"]["HttpTokens"] == "required"
    assert first["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert second["Monitoring"]["Enabled"] is True
    subject.delete()
    assert ec2.describe_launch_templates()["LaunchTemplates"] == []


def test_flow_log(cloud: CloudUnderTest) -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": trust("vpc-flow-logs.amazonaws.com")},
    }
    group = {"Type": "AWS::Logs::LogGroup"}
    subject = OneResource(cloud, "AWS::EC2::FlowLog", Vpc=VPC, Role=role, Group=group)
    base = {
        "DeliverLogsPermissionArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": {"Ref": "Group"},
        "ResourceId": {"Ref": "Vpc"},
        "ResourceType": "VPC",
        "TrafficType": "ALL",
    }
    flow_log_id = subject.create(**base)
    subject.update(**base, Tags=tags(("b", "2")))
    (found,) = cloud.client("ec2").describe_flow_logs(FlowLogIds=[flow_log_id])["FlowLogs"]
    assert found["ResourceId"] == cloud.physical_id("one", "Vpc")
    assert own_tags(found["Tags"]) == {"b": "2"}
    subject.delete()
    assert cloud.client("ec2").describe_flow_logs()["FlowLogs"] == []


def test_instance_profile_holds_its_role_and_another(cloud: CloudUnderTest) -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": trust("ec2.amazonaws.com")},
    }
    subject = OneResource(cloud, "AWS::IAM::InstanceProfile", First=role, Second=role)
    iam = cloud.client("iam")
    for logical_id, bring in (("First", subject.create), ("Second", subject.update)):
        bring(Roles=[{"Ref": logical_id}])
        profile = iam.get_instance_profile(InstanceProfileName=cloud.physical_id("one", "R"))
        (held,) = profile["InstanceProfile"]["Roles"]
        assert held["RoleName"] == cloud.physical_id("one", logical_id)
    subject.delete()
    assert iam.list_instance_profiles()["InstanceProfiles"] == []


def test_failed_network_is_rolled_back_whole(cloud: CloudUnderTest) -> None:
    ec2 = cloud.client("ec2")
    before = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]]
    bad = {"Type": "AWS::EC2::Subnet", "Properties": {**IN_VPC, "CidrBlock": "192.168.0.0/24"}}
    parts = {"Vpc": VPC, "Gateway": GATEWAY, "Attachment": ATTACHMENT, "Subnet": SUBNET}
    late = {**bad, "DependsOn": ["Attachment", "Subnet"]}
    stack = cloud.create("net", {"Resources": {**parts, "Late": late}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE", json.dumps(cloud.reasons("net"))
    assert [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]] == before
