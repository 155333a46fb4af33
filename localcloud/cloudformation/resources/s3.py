"""S3 buckets and their policies.

A bucket is configured by one call per property; a property that disappears takes its
configuration away again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import (
    BOOLEAN,
    INTEGER,
    JSON,
    TAGS,
    TEXT,
    Schema,
)

_TRANSITION: Schema = {"StorageClass*": TEXT, "TransitionInDays": INTEGER}
_LIFECYCLE_RULE: Schema = {
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation*": INTEGER},
    "ExpirationInDays": INTEGER,
    "ExpiredObjectDeleteMarker": BOOLEAN,
    "Id": TEXT,
    "NoncurrentVersionExpiration": {
        "NewerNoncurrentVersions": INTEGER,
        "NoncurrentDays*": INTEGER,
    },
    "ObjectSizeGreaterThan": INTEGER,
    "ObjectSizeLessThan": INTEGER,
    "Prefix": TEXT,
    "Status*": TEXT,
    "TagFilters": TAGS,
    "Transitions": [_TRANSITION],
}
_PUBLIC_ACCESS: Schema = {
    "BlockPublicAcls": BOOLEAN,
    "BlockPublicPolicy": BOOLEAN,
    "IgnorePublicAcls": BOOLEAN,
    "RestrictPublicBuckets": BOOLEAN,
}
_ENCRYPTION: Schema = {
    "ServerSideEncryptionConfiguration*": [
        {
            "BucketKeyEnabled": BOOLEAN,
            "ServerSideEncryptionByDefault": {"KMSMasterKeyID": TEXT, "SSEAlgorithm*": TEXT},
        }
    ]
}


class Bucket(ResourceHandler):
    """AWS::S3::Bucket."""

    type_name = "AWS::S3::Bucket"
    schema: ClassVar[Mapping[str, Schema]] = {
        "AccessControl": TEXT,
        "BucketEncryption": _ENCRYPTION,
        "BucketName": TEXT,
        "LifecycleConfiguration": {"Rules*": [_LIFECYCLE_RULE]},
        "LoggingConfiguration": {"DestinationBucketName": TEXT, "LogFilePrefix": TEXT},
        "OwnershipControls": {"Rules*": [{"ObjectOwnership*": TEXT}]},
        "PublicAccessBlockConfiguration": _PUBLIC_ACCESS,
        "Tags": TAGS,
        "VersioningConfiguration": {"Status*": TEXT},
    }
    replace_on = frozenset({"BucketName"})
    attributes = frozenset({"Arn", "DomainName", "RegionalDomainName"})
    name_property = "BucketName"
    # S3 refuses them from any caller, also from one with CloudFormation's credentials.
    takes_system_tags = False

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("s3")
        name = task.properties.get("BucketName") or task.generated_name(
            max_length=63, lower_case=True
        )
        # S3 answers "yes" in us-east-1 when the owner creates a bucket twice.
        if self._exists(name):
            raise ResourceFailure(f"{name} already exists")
        arguments: dict[str, Any] = {"Bucket": name}
        if self.context.region != "us-east-1":
            arguments["CreateBucketConfiguration"] = {"LocationConstraint": self.context.region}
        client.create_bucket(**arguments)
        task.started(name)
        for prop in self.schema:
            if prop in task.properties and prop != "BucketName":
                self._configure(name, prop, task.properties[prop])
        return Provisioned(name, self._attributes(name))

    def _exists(self, name: str) -> bool:
        try:
            self.context.client("s3").head_bucket(Bucket=name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def find(self, name: str) -> Provisioned | None:
        return Provisioned(name, self._attributes(name)) if self._exists(name) else None

    def _attributes(self, name: str) -> dict[str, str]:
        return {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{self.context.region}.amazonaws.com",
        }

    def update(self, task: Update) -> Provisioned:
        for prop in sorted(task.changed - {"BucketName"}):
            if prop in task.new:
                self._configure(task.physical_id, prop, task.new[prop])
            else:
                self._deconfigure(task.physical_id, prop)
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("NoSuchBucket", "404"):
            self.context.client("s3").delete_bucket(Bucket=task.physical_id)

    def _configure(self, bucket: str, prop: str, value: Any) -> None:
        client = self.context.client("s3")
        if prop == "AccessControl":
            client.put_bucket_acl(Bucket=bucket, ACL=_canned_acl(value))
        elif prop == "BucketEncryption":
            client.put_bucket_encryption(
                Bucket=bucket, ServerSideEncryptionConfiguration=_encryption(value)
            )
        elif prop == "LifecycleConfiguration":
            rules = [_lifecycle_rule(rule) for rule in value["Rules"]]
            client.put_bucket_lifecycle_configuration(
                Bucket=bucket, LifecycleConfiguration={"Rules": rules}
            )
        elif prop == "LoggingConfiguration":
            client.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=_logging(bucket, value))
        elif prop == "OwnershipControls":
            client.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=value)
        elif prop == "PublicAccessBlockConfiguration":
            client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=value)
        elif prop == "Tags":
            client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": value})
        elif prop == "VersioningConfiguration":
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=value)

    def _deconfigure(self, bucket: str, prop: str) -> None:
        client = self.context.client("s3")
        if prop == "AccessControl":
            client.put_bucket_acl(Bucket=bucket, ACL="private")
        elif prop == "BucketEncryption":
            client.delete_bucket_encryption(Bucket=bucket)
        elif prop == "LifecycleConfiguration":
            client.delete_bucket_lifecycle(Bucket=bucket)
        elif prop == "LoggingConfiguration":
            client.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
        elif prop == "OwnershipControls":
            client.delete_bucket_ownership_controls(Bucket=bucket)
        elif prop == "PublicAccessBlockConfiguration":
            client.delete_public_access_block(Bucket=bucket)
        elif prop == "Tags":
            client.delete_bucket_tagging(Bucket=bucket)
        elif prop == "VersioningConfiguration":
            # Versioning cannot be taken away again, only suspended.
            client.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
            )


def _canned_acl(name: str) -> str:
    """`LogDeliveryWrite` as the S3 API spells it: `log-delivery-write`."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


def _encryption(value: Mapping[str, Any]) -> dict[str, Any]:
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        converted = {k: v for k, v in rule.items() if k != "ServerSideEncryptionByDefault"}
        if "ServerSideEncryptionByDefault" in rule:
            converted["ApplyServerSideEncryptionByDefault"] = rule["ServerSideEncryptionByDefault"]
        rules.append(converted)
    return {"Rules": rules}


def _logging(bucket: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "LoggingEnabled": {
            "TargetBucket": value.get("DestinationBucketName", bucket),
            "TargetPrefix": value.get("LogFilePrefix", ""),
        }
    }


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """One rule in the S3 API's words, which differ from CloudFormation's."""
    converted = {
        name: rule[name]
        for name in ("AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration", "Status")
        if name in rule
    }
    if "Id" in rule:
        converted["ID"] = rule["Id"]
    expiration = {}
    if "ExpirationInDays" in rule:
        expiration["Days"] = rule["ExpirationInDays"]
    if "ExpiredObjectDeleteMarker" in rule:
        expiration["ExpiredObjectDeleteMarker"] = rule["ExpiredObjectDeleteMarker"]
    if expiration:
        converted["Expiration"] = expiration
    if "Transitions" in rule:
        converted["Transitions"] = [
            {"Days": item.get("TransitionInDays", 0), "StorageClass": item["StorageClass"]}
            for item in rule["Transitions"]
        ]
    converted["Filter"] = _lifecycle_filter(rule)
    return converted


def _lifecycle_filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {
        name: rule[name]
        for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan", "Prefix")
        if name in rule
    }
    tags = rule.get("TagFilters", [])
    if not parts and not tags:
        return {"Prefix": ""}
    if len(parts) == 1 and not tags:
        return parts
    if not parts and len(tags) == 1:
        return {"Tag": tags[0]}
    return {"And": {**parts, **({"Tags": tags} if tags else {})}}


class BucketPolicy(ResourceHandler):
    """AWS::S3::BucketPolicy."""

    type_name = "AWS::S3::BucketPolicy"
    schema: ClassVar[Mapping[str, Schema]] = {"Bucket*": TEXT, "PolicyDocument*": JSON}
    replace_on = frozenset({"Bucket"})

    def create(self, task: Creation) -> Provisioned:
        bucket = task.properties["Bucket"]
        client = self.context.client("s3")
        try:
            client.get_bucket_policy(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
                raise
        else:
            raise ResourceFailure(f"The bucket policy already exists on bucket {bucket}.")
        self._put(bucket, task.properties)
        return Provisioned(bucket)

    def update(self, task: Update) -> Provisioned:
        self._put(task.physical_id, task.new)
        return task.unchanged()

    def _put(self, bucket: str, properties: Mapping[str, Any]) -> None:
        self.context.client("s3").put_bucket_policy(
            Bucket=bucket, Policy=json.dumps(properties["PolicyDocument"])
        )

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("NoSuchBucket", "NoSuchBucketPolicy"):
            self.context.client("s3").delete_bucket_policy(Bucket=task.physical_id)


HANDLERS = (Bucket, BucketPolicy)
