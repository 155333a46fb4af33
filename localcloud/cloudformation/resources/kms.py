"""KMS keys and aliases. Deleting a key schedules its deletion, as on AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar

from botocore.exceptions import ClientError

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
from localcloud.cloudformation.resources.tagging import tag_list, tag_map, update_tags

_DEFAULT_WINDOW_DAYS = 30


class Key(ResourceHandler):
    """AWS::KMS::Key."""

    type_name = "AWS::KMS::Key"
    schema: ClassVar[Mapping[str, Schema]] = {
        "Description": TEXT,
        "EnableKeyRotation": BOOLEAN,
        "Enabled": BOOLEAN,
        "KeyPolicy": JSON,
        "KeySpec": TEXT,
        "KeyUsage": TEXT,
        "PendingWindowInDays": INTEGER,
        "Tags": TAGS,
    }
    replace_on = frozenset({"KeySpec", "KeyUsage"})
    attributes = frozenset({"Arn", "KeyId"})

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("kms")
        properties = task.properties
        arguments = {
            "Description": properties.get("Description", ""),
            "KeySpec": properties.get("KeySpec", "SYMMETRIC_DEFAULT"),
            "KeyUsage": properties.get("KeyUsage", "ENCRYPT_DECRYPT"),
            "Tags": _tags(tag_map(properties.get("Tags"))),
        }
        if "KeyPolicy" in properties:
            arguments["Policy"] = json.dumps(properties["KeyPolicy"])
        key = client.create_key(**arguments)["KeyMetadata"]
        task.started(key["KeyId"])
        if properties.get("EnableKeyRotation"):
            client.enable_key_rotation(KeyId=key["KeyId"])
        if properties.get("Enabled") is False:
            client.disable_key(KeyId=key["KeyId"])
        return Provisioned(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})

    def update(self, task: Update) -> Provisioned:
        client = self.context.client("kms")
        key_id = task.physical_id
        if task.touches("Enabled"):
            enabled = task.new.get("Enabled", True)
            (client.enable_key if enabled else client.disable_key)(KeyId=key_id)
        if task.touches("Description"):
            client.update_key_description(KeyId=key_id, Description=task.new.get("Description", ""))
        if task.touches("KeyPolicy") and "KeyPolicy" in task.new:
            client.put_key_policy(
                KeyId=key_id, PolicyName="default", Policy=json.dumps(task.new["KeyPolicy"])
            )
        if task.touches("EnableKeyRotation"):
            rotate = task.new.get("EnableKeyRotation", False)
            (client.enable_key_rotation if rotate else client.disable_key_rotation)(KeyId=key_id)
        update_tags(
            task,
            tag=lambda tags: client.tag_resource(KeyId=key_id, Tags=_tags(tags)),
            untag=lambda keys: client.untag_resource(KeyId=key_id, TagKeys=keys),
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        client = self.context.client("kms")
        with gone_is_fine("NotFoundException"):
            state = client.describe_key(KeyId=task.physical_id)["KeyMetadata"]["KeyState"]
            if state != "PendingDeletion":
                days = task.properties.get("PendingWindowInDays", _DEFAULT_WINDOW_DAYS)
                client.schedule_key_deletion(KeyId=task.physical_id, PendingWindowInDays=days)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return tag_list(tags, "TagKey", "TagValue")


class Alias(ResourceHandler):
    """AWS::KMS::Alias."""

    type_name = "AWS::KMS::Alias"
    schema: ClassVar[Mapping[str, Schema]] = {"AliasName*": TEXT, "TargetKeyId*": TEXT}
    replace_on = frozenset({"AliasName"})
    name_property = "AliasName"

    def create(self, task: Creation) -> Provisioned:
        name = task.properties["AliasName"]
        self.context.client("kms").create_alias(
            AliasName=name, TargetKeyId=task.properties["TargetKeyId"]
        )
        return Provisioned(name)

    def update(self, task: Update) -> Provisioned:
        self.context.client("kms").update_alias(
            AliasName=task.physical_id, TargetKeyId=task.new["TargetKeyId"]
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        try:
            self.context.client("kms").delete_alias(AliasName=task.physical_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise


HANDLERS = (Alias, Key)
