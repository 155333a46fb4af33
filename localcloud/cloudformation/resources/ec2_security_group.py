"""Security groups with their rules inside.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-securitygroup.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from localcloud.cloudformation.resources.ec2 import Ec2Handler
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    Update,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import INTEGER, TAGS, TEXT, Schema

_RULE: Mapping[str, Schema] = {
    "CidrIp": TEXT,
    "CidrIpv6": TEXT,
    "Description": TEXT,
    "FromPort": INTEGER,
    "IpProtocol*": TEXT,
    "ToPort": INTEGER,
}
# What a group has where the template says nothing of its outbound rules.
_ALL_OUTBOUND = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}
_RANGES = (
    ("CidrIp", "IpRanges", "CidrIp"),
    ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
    ("SourceSecurityGroupId", "UserIdGroupPairs", "GroupId"),
    ("DestinationSecurityGroupId", "UserIdGroupPairs", "GroupId"),
)
_Rule = tuple[str, int, int, str, str, str]


class SecurityGroup(Ec2Handler):
    """AWS::EC2::SecurityGroup of a VPC; Ref is its id."""

    type_name = "AWS::EC2::SecurityGroup"
    resource_type = "security-group"
    schema: ClassVar[Mapping[str, Schema]] = {
        "GroupDescription*": TEXT,
        "GroupName": TEXT,
        "SecurityGroupEgress": [{**_RULE, "DestinationSecurityGroupId": TEXT}],
        "SecurityGroupIngress": [{**_RULE, "SourceSecurityGroupId": TEXT}],
        "Tags": TAGS,
        "VpcId*": TEXT,
    }
    replace_on = frozenset({"GroupDescription", "GroupName", "VpcId"})
    attributes = frozenset({"GroupId", "Id", "VpcId"})
    name_property = "GroupName"

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        group_id = self.ec2.create_security_group(
            GroupName=properties.get("GroupName") or task.generated_name(max_length=255),
            Description=properties["GroupDescription"],
            VpcId=properties["VpcId"],
            **self.tagged(properties),
        )["GroupId"]
        task.started(group_id)
        self._set_rules(group_id, properties)
        attributes = {"GroupId": group_id, "Id": group_id, "VpcId": properties["VpcId"]}
        return Provisioned(group_id, attributes)

    def _set_rules(self, group_id: str, properties: Mapping[str, Any]) -> None:
        """Take away and add what makes the group's rules the wanted ones."""
        (group,) = self.ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
        for direction, has, property_name, default in (
            ("egress", group["IpPermissionsEgress"], "SecurityGroupEgress", [_ALL_OUTBOUND]),
            ("ingress", group["IpPermissions"], "SecurityGroupIngress", []),
        ):
            now = set(_flat(has))
            wanted = {_rule(rule) for rule in properties.get(property_name, default)}
            if gone := now - wanted:
                revoke = getattr(self.ec2, f"revoke_security_group_{direction}")
                revoke(GroupId=group_id, IpPermissions=_permissions(sorted(gone)))
            if new := wanted - now:
                authorize = getattr(self.ec2, f"authorize_security_group_{direction}")
                authorize(GroupId=group_id, IpPermissions=_permissions(sorted(new)))

    def update(self, task: Update) -> Provisioned:
        if task.touches("SecurityGroupEgress", "SecurityGroupIngress"):
            self._set_rules(task.physical_id, task.new)
        return super().update(task)

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("InvalidGroup.NotFound"):
            self.ec2.delete_security_group(GroupId=task.physical_id)


def _rule(declared: Mapping[str, Any]) -> _Rule:
    """Protocol, ports, which kind of peer, the peer, description."""
    for name, kind, _ in _RANGES:
        if name in declared:
            ports = declared.get("FromPort", -1), declared.get("ToPort", -1)
            return (
                declared["IpProtocol"],
                *ports,
                kind,
                declared[name],
                declared.get("Description", ""),
            )
    return (declared["IpProtocol"], -1, -1, "IpRanges", "", "")


def _flat(permissions: Sequence[Mapping[str, Any]]) -> Iterator[_Rule]:
    member = {kind: key for _, kind, key in _RANGES}
    for permission in permissions:
        ports = permission.get("FromPort", -1), permission.get("ToPort", -1)
        for kind, key in member.items():
            for peer in permission.get(kind, ()):
                yield (
                    permission["IpProtocol"],
                    *ports,
                    kind,
                    peer[key],
                    peer.get("Description", ""),
                )


def _permissions(rules: Sequence[_Rule]) -> list[dict[str, Any]]:
    member = {kind: key for _, kind, key in _RANGES}
    permissions = []
    for protocol, first, last, kind, peer, description in rules:
        told = {member[kind]: peer, **({"Description": description} if description else {})}
        ports = {} if protocol == "-1" else {"FromPort": first, "ToPort": last}
        permissions.append({"IpProtocol": protocol, **ports, kind: [told]})
    return permissions


HANDLERS = (SecurityGroup,)
