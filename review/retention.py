"""What outlives its stack, what goes with it, and what protects it until then.

It decides which resource types hold something that would be missed; every one of them is listed,
and so is anything else that a template keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from review.assembly import Assembly, Resource
from review.intrinsics import Names

# Data, logs, and keys without which data cannot be read.
HOLDS_STATE = {
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
}


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One resource that holds something: what becomes of it on destroy, and until then."""

    name: str
    kind: str
    stays: bool
    on_destroy: str
    until_then: str


def kept(assembly: Assembly) -> list[Kept]:
    """Everything that holds state or outlives its stack, what stays first."""
    names = Names(assembly)
    emptied = {
        f"{key.partition('/')[0]}/{resource['Properties']['BucketName']['Ref']}"
        for key, resource in assembly.resources("Custom::S3AutoDeleteObjects").items()
    }
    found = [
        Kept(
            name=names.of(key),
            kind=resource["Type"],
            stays=_stays(resource),
            on_destroy=_on_destroy(resource, emptied=key in emptied),
            until_then=", ".join(_until_then(assembly, key, resource)) or "nothing",
        )
        for key, resource in assembly.resources().items()
        if resource["Type"] in HOLDS_STATE or _stays(resource)
    ]
    return sorted(found, key=lambda one: (not one.stays, one.kind, one.name))


def _stays(resource: Resource) -> bool:
    return resource.get("DeletionPolicy", "Delete") not in {"Delete", "RetainExceptOnCreate"}


def _on_destroy(resource: Resource, *, emptied: bool) -> str:
    if _stays(resource):
        return "stays, outside of any stack"
    if resource["Type"] == "AWS::KMS::Key":
        days = resource["Properties"].get("PendingWindowInDays", 30)
        return f"is deleted {days} days later, and can be saved until then"
    if emptied:
        return "is emptied and deleted"
    if resource["Type"] == "AWS::S3::Bucket":
        return "is deleted if it is empty"
    return "is deleted with what is in it"


def _until_then(assembly: Assembly, key: str, resource: Resource) -> list[str]:
    properties = resource.get("Properties", {})
    protections = []
    if assembly.manifest(key.partition("/")[0]).get("terminationProtection"):
        protections.append("its stack's termination protection")
    if days := properties.get("RetentionInDays"):
        protections.append(f"lines live {days} days")
    if properties.get("VersioningConfiguration", {}).get("Status") == "Enabled":
        protections.append("old versions")
    protections += [
        text
        for rule in properties.get("LifecycleConfiguration", {}).get("Rules", ())
        for text in _lifecycle(rule)
    ]
    return protections


def _lifecycle(rule: dict[str, Any]) -> list[str]:
    texts = []
    if days := rule.get("ExpirationInDays"):
        texts.append(f"objects live {days} days")
    if days := rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"):
        texts.append(f"old versions live {days} days")
    return texts
