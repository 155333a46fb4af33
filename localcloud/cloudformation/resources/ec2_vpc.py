"""VPCs, their subnets, and their gateways to the Internet and to S3."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.ec2 import Ec2Handler
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    Update,
    chosen,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import BOOLEAN, JSON, TAGS, TEXT, Schema


class Vpc(Ec2Handler):
    """AWS::EC2::VPC. Its default security group, network ACL and route table come and go with it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-vpc.html
    """

    type_name = "AWS::EC2::VPC"
    resource_type = "vpc"
    schema: ClassVar[Mapping[str, Schema]] = {
        "CidrBlock*": TEXT,
        "EnableDnsHostnames": BOOLEAN,
        "EnableDnsSupport": BOOLEAN,
        "InstanceTenancy": TEXT,
        "Tags": TAGS,
    }
    replace_on = frozenset({"CidrBlock", "InstanceTenancy"})
    attributes = frozenset({"CidrBlock", "DefaultNetworkAcl", "DefaultSecurityGroup", "VpcId"})

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        made = self.ec2.create_vpc(
            **chosen(properties, "CidrBlock", "InstanceTenancy"), **self.tagged(properties)
        )["Vpc"]
        vpc_id = made["VpcId"]
        task.started(vpc_id)
        self._set_dns(vpc_id, properties)
        inside = [{"Name": "vpc-id", "Values": [vpc_id]}]
        (group,) = self.ec2.describe_security_groups(
            Filters=[*inside, {"Name": "group-name", "Values": ["default"]}]
        )["SecurityGroups"]
        (acl,) = self.ec2.describe_network_acls(
            Filters=[*inside, {"Name": "default", "Values": ["true"]}]
        )["NetworkAcls"]
        return Provisioned(
            vpc_id,
            {
                "CidrBlock": made["CidrBlock"],
                "DefaultNetworkAcl": acl["NetworkAclId"],
                "DefaultSecurityGroup": group["GroupId"],
                "VpcId": vpc_id,
            },
        )

    def _set_dns(self, vpc_id: str, properties: Mapping[str, Any]) -> None:
        # One attribute a call, and names only where addresses are resolved.
        support = properties.get("EnableDnsSupport", True)
        names = properties.get("EnableDnsHostnames", False)
        for attribute in ({"EnableDnsSupport": support}, {"EnableDnsHostnames": names}):
            ((name, value),) = attribute.items()
            self.ec2.modify_vpc_attribute(VpcId=vpc_id, **{name: {"Value": value}})

    def update(self, task: Update) -> Provisioned:
        if task.touches("EnableDnsHostnames", "EnableDnsSupport"):
            self._set_dns(task.physical_id, task.new)
        return super().update(task)

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("InvalidVpcID.NotFound"):
            self.ec2.delete_vpc(VpcId=task.physical_id)


class Subnet(Ec2Handler):
    """AWS::EC2::Subnet."""

    type_name = "AWS::EC2::Subnet"
    resource_type = "subnet"
    schema: ClassVar[Mapping[str, Schema]] = {
        "AvailabilityZone": TEXT,
        "CidrBlock*": TEXT,
        "MapPublicIpOnLaunch": BOOLEAN,
        "Tags": TAGS,
        "VpcId*": TEXT,
    }
    replace_on = frozenset({"AvailabilityZone", "CidrBlock", "VpcId"})
    attributes = frozenset({"AvailabilityZone", "CidrBlock", "SubnetId", "VpcId"})

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        made = self.ec2.create_subnet(
            **chosen(properties, "AvailabilityZone", "CidrBlock", "VpcId"),
            **self.tagged(properties),
        )["Subnet"]
        task.started(made["SubnetId"])
        self._set_address(made["SubnetId"], properties)
        return Provisioned(made["SubnetId"], {name: made[name] for name in self.attributes})

    def _set_address(self, subnet_id: str, properties: Mapping[str, Any]) -> None:
        public = {"Value": properties.get("MapPublicIpOnLaunch", False)}
        self.ec2.modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch=public)

    def update(self, task: Update) -> Provisioned:
        if task.touches("MapPublicIpOnLaunch"):
            self._set_address(task.physical_id, task.new)
        return super().update(task)

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("InvalidSubnetID.NotFound"):
            self.ec2.delete_subnet(SubnetId=task.physical_id)


class InternetGateway(Ec2Handler):
    """AWS::EC2::InternetGateway."""

    type_name = "AWS::EC2::InternetGateway"
    resource_type = "internet-gateway"
    schema: ClassVar[Mapping[str, Schema]] = {"Tags": TAGS}
    attributes = frozenset({"InternetGatewayId"})

    def create(self, task: Creation) -> Provisioned:
        made = self.ec2.create_internet_gateway(**self.tagged(task.properties))
        gateway_id = made["InternetGateway"]["InternetGatewayId"]
        return Provisioned(gateway_id, {"InternetGatewayId": gateway_id})

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("InvalidInternetGatewayID.NotFound"):
            self.ec2.delete_internet_gateway(InternetGatewayId=task.physical_id)


class GatewayAttachment(Ec2Handler):
    """AWS::EC2::VPCGatewayAttachment of an Internet gateway; virtual private ones are refused."""

    type_name = "AWS::EC2::VPCGatewayAttachment"
    schema: ClassVar[Mapping[str, Schema]] = {"InternetGatewayId*": TEXT, "VpcId*": TEXT}
    # On AWS another gateway is attached in place; the outcome is the same.
    replace_on = frozenset({"InternetGatewayId", "VpcId"})
    attributes = frozenset({"AttachmentType"})

    def create(self, task: Creation) -> Provisioned:
        self.ec2.attach_internet_gateway(**task.properties)
        return Provisioned(f"IGW|{task.properties['VpcId']}", {"AttachmentType": "IGW"})

    def delete(self, task: Deletion) -> None:
        with gone_is_fine(
            "Gateway.NotAttached", "InvalidInternetGatewayID.NotFound", "InvalidVpcID.NotFound"
        ):
            self.ec2.detach_internet_gateway(
                **chosen(task.properties, "InternetGatewayId", "VpcId")
            )


class Endpoint(Ec2Handler):
    """AWS::EC2::VPCEndpoint of a gateway, for S3 or DynamoDB; interfaces are refused.

    https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
    """

    type_name = "AWS::EC2::VPCEndpoint"
    resource_type = "vpc-endpoint"
    schema: ClassVar[Mapping[str, Schema]] = {
        "PolicyDocument": JSON,
        "RouteTableIds": [TEXT],
        "ServiceName*": TEXT,
        "Tags": TAGS,
        "VpcEndpointType": TEXT,
        "VpcId*": TEXT,
    }
    replace_on = frozenset({"ServiceName", "VpcEndpointType", "VpcId"})
    attributes = frozenset({"Id"})

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        kind = properties.get("VpcEndpointType", "Gateway")
        service = properties["ServiceName"].rpartition(".")[2]
        if kind != "Gateway" or service not in ("s3", "dynamodb"):
            raise ResourceFailure(
                f"property VpcEndpointType: {kind} of {properties['ServiceName']} is not modelled; "
                "modelled: Gateway of s3 and dynamodb"
            )
        made = self.ec2.create_vpc_endpoint(
            VpcEndpointType=kind,
            **chosen(properties, "RouteTableIds", "ServiceName", "VpcId"),
            **self._policy(properties),
            **self.tagged(properties),
        )["VpcEndpoint"]
        return Provisioned(made["VpcEndpointId"], {"Id": made["VpcEndpointId"]})

    @staticmethod
    def _policy(properties: Mapping[str, Any]) -> dict[str, str]:
        document = properties.get("PolicyDocument")
        return {} if document is None else {"PolicyDocument": json.dumps(document)}

    def update(self, task: Update) -> Provisioned:
        arguments: dict[str, Any] = {}
        if task.touches("RouteTableIds"):
            wanted = set(task.new.get("RouteTableIds", ()))
            (now,) = self.ec2.describe_vpc_endpoints(VpcEndpointIds=[task.physical_id])[
                "VpcEndpoints"
            ]
            has = set(now["RouteTableIds"])
            arguments["AddRouteTableIds"] = sorted(wanted - has)
            arguments["RemoveRouteTableIds"] = sorted(has - wanted)
        if task.touches("PolicyDocument"):
            policy: dict[str, Any] = {**self._policy(task.new)}
            arguments |= policy or {"ResetPolicy": True}
        if arguments := {name: value for name, value in arguments.items() if value}:
            self.ec2.modify_vpc_endpoint(VpcEndpointId=task.physical_id, **arguments)
        return super().update(task)

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("InvalidVpcEndpointId.NotFound"):
            self.ec2.delete_vpc_endpoints(VpcEndpointIds=[task.physical_id])


HANDLERS = (Endpoint, GatewayAttachment, InternetGateway, Subnet, Vpc)
