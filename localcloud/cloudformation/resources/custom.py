"""CDK's own types: metadata, and the custom resource that empties a bucket before its deletion.

`Custom::S3AutoDeleteObjects` is emulated: on AWS a Node.js function of CDK's does the work. The
emulation follows that function (custom-resource-handlers/aws-s3/auto-delete-objects-handler):
only a bucket tagged `aws-cdk:auto-delete-objects=true` is emptied, all versions and delete markers
go, new objects are denied meanwhile, and a bucket that is gone is fine. No other custom resource
is modelled: its function would have to be run.
"""

from __future__ import annotations

import json
import uuid
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
from localcloud.cloudformation.resources.schema import TEXT, Schema
from localcloud.cloudformation.resources.tagging import tag_map

_TAG = "aws-cdk:auto-delete-objects"


class CdkMetadata(ResourceHandler):
    """AWS::CDK::Metadata: version reporting, which makes nothing."""

    type_name = "AWS::CDK::Metadata"
    schema: ClassVar[Mapping[str, Schema]] = {"Analytics": TEXT, "Modules": TEXT}

    def create(self, task: Creation) -> Provisioned:
        return Provisioned(str(uuid.uuid4()))

    def update(self, task: Update) -> Provisioned:
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        """There is nothing to remove."""


class AutoDeleteObjects(ResourceHandler):
    """Custom::S3AutoDeleteObjects."""

    type_name = "Custom::S3AutoDeleteObjects"
    schema: ClassVar[Mapping[str, Schema]] = {"BucketName*": TEXT, "ServiceToken*": TEXT}
    # The provider answers with the new bucket's name as its physical id, which is a replacement.
    replace_on = frozenset({"BucketName"})

    def create(self, task: Creation) -> Provisioned:
        return Provisioned(str(uuid.uuid4()))

    def update(self, task: Update) -> Provisioned:
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        bucket = task.properties["BucketName"]
        with gone_is_fine("NoSuchBucket"):
            if self._is_tagged(bucket):
                self._deny_new_objects(bucket)
                self._empty(bucket)

    def _is_tagged(self, bucket: str) -> bool:
        try:
            tags = self.context.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchTagSet":
                return False
            raise
        return tag_map(tags).get(_TAG) == "true"

    def _deny_new_objects(self, bucket: str) -> None:
        client = self.context.client("s3")
        try:
            policy: dict[str, Any] = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
                raise
            policy = {"Version": "2012-10-17", "Statement": []}
        policy["Statement"].append(
            {
                "Principal": "*",
                "Effect": "Deny",
                "Action": ["s3:PutObject"],
                "Resource": [f"arn:aws:s3:::{bucket}/*"],
            }
        )
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))

    def _empty(self, bucket: str) -> None:
        """List from the start again each time, as CDK's function does: what was listed is gone."""
        client = self.context.client("s3")
        while True:
            page = client.list_object_versions(Bucket=bucket)
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if not found:
                return
            objects = [{"Key": o["Key"], "VersionId": o["VersionId"]} for o in found]
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": objects})
            if refused := answer.get("Errors"):
                raise ResourceFailure(f"{refused[0]['Key']}: {refused[0].get('Message')}")


HANDLERS = (AutoDeleteObjects, CdkMetadata)
