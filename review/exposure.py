"""What can be reached, by whom, and what keeps everybody else out.

It decides what counts as a door (routes, function URLs, permissions to call, policies on buckets,
topics, queues and keys, security groups, addresses) and whether it stands open to everybody.
A Deny opens nothing; it is told as what it refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from review.assembly import Assembly, Resource, as_list
from review.intrinsics import Names
from review.permissions import condition_text, principals

_POLICIES = {
    "AWS::S3::BucketPolicy": ("PolicyDocument", lambda properties: [properties["Bucket"]]),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", lambda properties: properties["Topics"]),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", lambda properties: properties["Queues"]),
}
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


@dataclass(frozen=True, kw_only=True)
class Door:
    """One way in: to `what`, for `who`; `to_everybody` if nothing else keeps anyone out."""

    what: str
    who: str
    how: str
    to_everybody: bool = False


def doors(assembly: Assembly) -> list[Door]:
    """Every door of `assembly`, those that are open to everybody first."""
    names = Names(assembly)
    found = [
        door
        for key, resource in assembly.resources().items()
        for door in _doors_of(names, key, resource)
    ]
    return sorted(found, key=lambda door: (not door.to_everybody, door.what, door.who))


def _doors_of(names: Names, key: str, resource: Resource) -> Iterator[Door]:
    kind, properties = resource["Type"], resource.get("Properties", {})
    stack, name = key.partition("/")[0], names.of(key)

    def text(node: Any) -> str:
        return names.text(stack, node).strip("<>")

    match kind:
        case "AWS::ApiGatewayV2::Route":
            authorisation = properties.get("AuthorizationType", "NONE")
            yield Door(
                what=f"{text(properties['ApiId'])}: {properties['RouteKey']}",
                who="signed requests of IAM principals who may call the API"
                if authorisation == "AWS_IAM"
                else authorisation,
                how="from the internet, over TLS",
                to_everybody=authorisation == "NONE",
            )
        case "AWS::Lambda::Url":
            authorisation = properties["AuthType"]
            yield Door(
                what=text(properties["TargetFunctionArn"]),
                who=authorisation,
                how="from the internet, by function URL",
                to_everybody=authorisation == "NONE",
            )
        case "AWS::Lambda::Permission":
            bounds = [
                properties[key] for key in ("SourceArn", "SourceAccount") if key in properties
            ]
            yield Door(
                what=text(properties["FunctionName"]),
                who=text(properties["Principal"]),
                how=f"for {', '.join(map(text, bounds))}" if bounds else "for anybody's resources",
                to_everybody=not bounds,
            )
        case "AWS::S3::Bucket":
            blocks = properties.get("PublicAccessBlockConfiguration", {})
            missing = [block for block in _BLOCKS if blocks.get(block) is not True]
            yield Door(
                what=name,
                who=f"public access not blocked: {', '.join(missing)}" if missing else "nobody",
                how="public access is blocked" if not missing else "as its policy and ACLs say",
                to_everybody=bool(missing),
            )
        case "AWS::EC2::SecurityGroup":
            rules = properties.get("SecurityGroupIngress", [])
            for rule in rules:
                source = text(rule.get("CidrIp") or rule.get("CidrIpv6") or "another group")
                yield Door(
                    what=name,
                    who=source,
                    how=f"{rule['IpProtocol']} {rule.get('FromPort')}-{rule.get('ToPort')}",
                    to_everybody=source in {"0.0.0.0/0", "::/0"},
                )
            if not rules:
                yield Door(what=name, who="nobody", how="no ingress rule")
        case "AWS::EC2::SecurityGroupIngress":
            source = text(properties.get("CidrIp") or "another group")
            group = text(properties["GroupId"])
            everybody = source in {"0.0.0.0/0", "::/0"}
            yield Door(what=group, who=source, how="an ingress rule", to_everybody=everybody)
        case "AWS::KMS::Key":
            yield from _statements(names, stack, name, properties["KeyPolicy"])
        case _ if kind in _POLICIES:
            document, targets = _POLICIES[kind]
            for target in targets(properties):
                yield from _statements(names, stack, text(target), properties[document])


def _statements(names: Names, stack: str, what: str, document: Mapping[str, Any]) -> Iterator[Door]:
    for statement in document["Statement"]:
        condition = condition_text(statement, stack, names)
        actions = ", ".join(as_list(statement["Action"]))
        for principal in principals(statement):
            who = names.text(stack, principal)
            if statement["Effect"] == "Deny":
                who = "refused to everybody" if who == "*" else f"refused to {who}"
                yield Door(what=what, who=who, how=f"{actions} where {condition}")
                continue
            yield Door(
                what=what,
                who=who,
                how=f"{actions} where {condition}" if condition else actions,
                to_everybody=who == "*" and not condition,
            )
