"""What EC2's operations ask for in IAM's terms: those that networks and their machines need.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
Parameters are named as on the wire. What an operation makes has no id yet: its resource is `*` of
its kind. Tags that are given at once need ec2:CreateTags as well.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.iam.call import Account, Call, NotModelledError
from localcloud.iam.operations import Operation

# Kinds of what an operation makes first, then the parameters that name what it is about. A
# parameter that stands for a list is written without its number.
_ABOUT: Mapping[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {
    "AssociateRouteTable": ((), (("route-table", "RouteTableId"), ("subnet", "SubnetId"))),
    "AttachInternetGateway": (
        (),
        (("internet-gateway", "InternetGatewayId"), ("vpc", "VpcId")),
    ),
    "AuthorizeSecurityGroupEgress": ((), (("security-group", "GroupId"),)),
    "AuthorizeSecurityGroupIngress": ((), (("security-group", "GroupId"),)),
    "CreateFlowLogs": (("vpc-flow-log",), (("vpc", "ResourceId"),)),
    "CreateInternetGateway": (("internet-gateway",), ()),
    "CreateLaunchTemplate": (("launch-template",), ()),
    "CreateLaunchTemplateVersion": ((), (("launch-template", "LaunchTemplateId"),)),
    "CreateRoute": ((), (("route-table", "RouteTableId"),)),
    "CreateRouteTable": (("route-table",), (("vpc", "VpcId"),)),
    "CreateSecurityGroup": (("security-group",), (("vpc", "VpcId"),)),
    "CreateSubnet": (("subnet",), (("vpc", "VpcId"),)),
    "CreateVpc": (("vpc",), ()),
    "CreateVpcEndpoint": (
        ("vpc-endpoint",),
        (("vpc", "VpcId"), ("route-table", "RouteTableId")),
    ),
    "DeleteFlowLogs": ((), (("vpc-flow-log", "FlowLogId"),)),
    "DeleteInternetGateway": ((), (("internet-gateway", "InternetGatewayId"),)),
    "DeleteLaunchTemplate": ((), (("launch-template", "LaunchTemplateId"),)),
    "DeleteNetworkInterface": ((), (("network-interface", "NetworkInterfaceId"),)),
    "DeleteRoute": ((), (("route-table", "RouteTableId"),)),
    "DeleteRouteTable": ((), (("route-table", "RouteTableId"),)),
    "DeleteSecurityGroup": ((), (("security-group", "GroupId"),)),
    "DeleteSubnet": ((), (("subnet", "SubnetId"),)),
    "DeleteVpc": ((), (("vpc", "VpcId"),)),
    "DeleteVpcEndpoints": ((), (("vpc-endpoint", "VpcEndpointId"),)),
    "DetachInternetGateway": (
        (),
        (("internet-gateway", "InternetGatewayId"), ("vpc", "VpcId")),
    ),
    # The association has an id of its own, and its table none in the request.
    "DisassociateRouteTable": (("route-table",), ()),
    "ModifySubnetAttribute": ((), (("subnet", "SubnetId"),)),
    "ModifyVpcAttribute": ((), (("vpc", "VpcId"),)),
    "ModifyVpcEndpoint": (
        (),
        (
            ("vpc-endpoint", "VpcEndpointId"),
            ("route-table", "AddRouteTableId"),
            ("route-table", "RemoveRouteTableId"),
        ),
    ),
    "ReplaceRoute": ((), (("route-table", "RouteTableId"),)),
    "RevokeSecurityGroupEgress": ((), (("security-group", "GroupId"),)),
    "RevokeSecurityGroupIngress": ((), (("security-group", "GroupId"),)),
    "RunInstances": (
        ("instance", "network-interface", "volume"),
        (("subnet", "SubnetId"), ("security-group", "SecurityGroupId")),
    ),
    "TerminateInstances": ((), (("instance", "InstanceId"),)),
}
# Kinds by the beginning of an id, for operations that take any.
_KINDS = {
    "fl": "vpc-flow-log",
    "i": "instance",
    "igw": "internet-gateway",
    "lt": "launch-template",
    "rtb": "route-table",
    "sg": "security-group",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}


def ec2_calls(operation: Operation, account: Account) -> list[Call]:
    """All that must be allowed for one operation. Raises NotModelledError."""
    name, given = operation.name, operation.parameters
    action = f"ec2:{name}"
    if name.startswith("Describe"):
        return [Call(action, "*")]
    if name in ("CreateTags", "DeleteTags"):
        return [Call(action, _any(account, value)) for value in _values(given, "ResourceId")]
    if name not in _ABOUT:
        raise NotModelledError(action)
    makes, about = _ABOUT[name]
    calls = [Call(action, account.arn("ec2", f"{kind}/*")) for kind in makes]
    for kind, parameter in about:
        for value in _values(given, parameter):
            calls.append(Call(action, account.arn("ec2", f"{kind}/{value}")))
    if makes and any(key.startswith("TagSpecification.") for key in given):
        tagged = account.arn("ec2", f"{makes[0]}/*")
        calls.append(Call("ec2:CreateTags", tagged, {"ec2:CreateAction": name}))
    if role := given.get("DeliverLogsPermissionArn"):
        principal = "vpc-flow-logs.amazonaws.com"
        calls.append(Call("iam:PassRole", role, {"iam:PassedToService": principal}))
    return calls or [Call(action, "*")]


def _values(given: Mapping[str, Any], name: str) -> Iterator[str]:
    for key, value in given.items():
        base, _, number = key.partition(".")
        if base == name and (not number or number.isdecimal()):
            yield str(value)


def _any(account: Account, resource_id: str) -> str:
    prefix = resource_id.partition("-")[0]
    if prefix not in _KINDS:
        raise NotModelledError(f"ec2 tags of {resource_id}")
    return account.arn("ec2", f"{_KINDS[prefix]}/{resource_id}")
