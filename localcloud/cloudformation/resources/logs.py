"""CloudWatch Logs groups and their resource policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import INTEGER, JSON, TAGS, TEXT, Schema
from localcloud.cloudformation.resources.tagging import tag_map, update_tags


class LogGroup(ResourceHandler):
    """AWS::Logs::LogGroup."""

    type_name = "AWS::Logs::LogGroup"
    schema: ClassVar[Mapping[str, Schema]] = {
        "KmsKeyId": TEXT,
        "LogGroupClass": TEXT,
        "LogGroupName": TEXT,
        "RetentionInDays": INTEGER,
        "Tags": TAGS,
    }
    replace_on = frozenset({"LogGroupClass", "LogGroupName"})
    attributes = frozenset({"Arn"})
    name_property = "LogGroupName"

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("logs")
        properties = task.properties
        name = properties.get("LogGroupName") or task.generated_name(max_length=512)
        arguments: dict[str, Any] = {"logGroupName": name}
        if "KmsKeyId" in properties:
            arguments["kmsKeyId"] = properties["KmsKeyId"]
        if "LogGroupClass" in properties:
            arguments["logGroupClass"] = properties["LogGroupClass"]
        if properties.get("Tags"):
            arguments["tags"] = tag_map(properties["Tags"])
        client.create_log_group(**arguments)
        task.started(name)
        if "RetentionInDays" in properties:
            client.put_retention_policy(
                logGroupName=name, retentionInDays=properties["RetentionInDays"]
            )
        return self._provisioned(name)

    def _provisioned(self, name: str) -> Provisioned:
        return Provisioned(name, {"Arn": f"{self._arn(name)}:*"})

    def find(self, name: str) -> Provisioned | None:
        pages = self.context.client("logs").get_paginator("describe_log_groups")
        named = pages.paginate(logGroupNamePrefix=name).search("logGroups[].logGroupName")
        return self._provisioned(name) if name in named else None

    def _arn(self, name: str) -> str:
        return f"arn:aws:logs:{self.context.region}:{self.context.account}:log-group:{name}"

    def update(self, task: Update) -> Provisioned:
        client = self.context.client("logs")
        name = task.physical_id
        if task.touches("RetentionInDays"):
            if "RetentionInDays" in task.new:
                client.put_retention_policy(
                    logGroupName=name, retentionInDays=task.new["RetentionInDays"]
                )
            else:
                client.delete_retention_policy(logGroupName=name)
        if task.touches("KmsKeyId"):
            if "KmsKeyId" in task.new:
                client.associate_kms_key(logGroupName=name, kmsKeyId=task.new["KmsKeyId"])
            else:
                client.disassociate_kms_key(logGroupName=name)
        arn = self._arn(name)
        update_tags(
            task,
            tag=lambda tags: client.tag_resource(resourceArn=arn, tags=tags),
            untag=lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("ResourceNotFoundException"):
            self.context.client("logs").delete_log_group(logGroupName=task.physical_id)


class ResourcePolicy(ResourceHandler):
    """AWS::Logs::ResourcePolicy."""

    type_name = "AWS::Logs::ResourcePolicy"
    schema: ClassVar[Mapping[str, Schema]] = {"PolicyDocument*": JSON, "PolicyName*": TEXT}
    replace_on = frozenset({"PolicyName"})
    name_property = "PolicyName"

    def create(self, task: Creation) -> Provisioned:
        self._put(task.properties)
        return Provisioned(task.properties["PolicyName"])

    def _put(self, properties: Mapping[str, Any]) -> None:
        document = properties["PolicyDocument"]
        self.context.client("logs").put_resource_policy(
            policyName=properties["PolicyName"],
            policyDocument=document if isinstance(document, str) else json.dumps(document),
        )

    def update(self, task: Update) -> Provisioned:
        self._put(task.new)
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("ResourceNotFoundException"):
            self.context.client("logs").delete_resource_policy(policyName=task.physical_id)


HANDLERS = (LogGroup, ResourcePolicy)
