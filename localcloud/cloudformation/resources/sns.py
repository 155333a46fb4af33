"""SNS topics, their policies and subscriptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import JSON, TAGS, TEXT, Schema
from localcloud.cloudformation.resources.tagging import tag_list, update_tags


class Topic(ResourceHandler):
    """AWS::SNS::Topic."""

    type_name = "AWS::SNS::Topic"
    schema: ClassVar[Mapping[str, Schema]] = {
        "DisplayName": TEXT,
        "KmsMasterKeyId": TEXT,
        "Tags": TAGS,
        "TopicName": TEXT,
    }
    replace_on = frozenset({"TopicName"})
    attributes = frozenset({"TopicArn", "TopicName"})
    name_property = "TopicName"

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("sns")
        properties = task.properties
        name = properties.get("TopicName") or task.generated_name(max_length=256)
        where = f"{self.context.region}:{self.context.account}"
        arn = f"arn:aws:sns:{where}:{name}"
        if any(topic["TopicArn"] == arn for topic in client.list_topics()["Topics"]):
            raise ResourceFailure(f"{name} already exists")
        attributes = {
            key: properties[key] for key in ("DisplayName", "KmsMasterKeyId") if key in properties
        }
        arn = client.create_topic(
            Name=name, Attributes=attributes, Tags=properties.get("Tags", [])
        )["TopicArn"]
        return Provisioned(arn, {"TopicArn": arn, "TopicName": name})

    def update(self, task: Update) -> Provisioned:
        client = self.context.client("sns")
        arn = task.physical_id
        for name in ("DisplayName", "KmsMasterKeyId"):
            if task.touches(name):
                client.set_topic_attributes(
                    TopicArn=arn, AttributeName=name, AttributeValue=task.new.get(name, "")
                )
        update_tags(
            task,
            tag=lambda tags: client.tag_resource(ResourceArn=arn, Tags=tag_list(tags)),
            untag=lambda keys: client.untag_resource(ResourceArn=arn, TagKeys=keys),
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("NotFound", "NotFoundException"):
            self.context.client("sns").delete_topic(TopicArn=task.physical_id)


class TopicPolicy(ResourceHandler):
    """AWS::SNS::TopicPolicy."""

    type_name = "AWS::SNS::TopicPolicy"
    schema: ClassVar[Mapping[str, Schema]] = {"PolicyDocument*": JSON, "Topics*": [TEXT]}
    replace_on = frozenset({"Topics"})

    def create(self, task: Creation) -> Provisioned:
        name = task.generated_name()
        task.started(name)
        self._put(task.properties)
        return Provisioned(name)

    def _put(self, properties: Mapping[str, Any]) -> None:
        for arn in properties["Topics"]:
            self.context.client("sns").set_topic_attributes(
                TopicArn=arn,
                AttributeName="Policy",
                AttributeValue=json.dumps(properties["PolicyDocument"]),
            )

    def update(self, task: Update) -> Provisioned:
        self._put(task.new)
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        """Leave the owner's own access: SNS has no call to remove a topic's policy."""
        for arn in task.properties["Topics"]:
            with gone_is_fine("NotFound", "NotFoundException"):
                self.context.client("sns").set_topic_attributes(
                    TopicArn=arn,
                    AttributeName="Policy",
                    AttributeValue=json.dumps(self._owner_only(arn)),
                )

    def _owner_only(self, arn: str) -> dict[str, Any]:
        return {
            "Version": "2008-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": ["SNS:GetTopicAttributes", "SNS:Publish", "SNS:Subscribe"],
                    "Resource": arn,
                    "Condition": {"StringEquals": {"AWS:SourceOwner": self.context.account}},
                }
            ],
        }


class Subscription(ResourceHandler):
    """AWS::SNS::Subscription."""

    type_name = "AWS::SNS::Subscription"
    schema: ClassVar[Mapping[str, Schema]] = {
        "Endpoint*": TEXT,
        "Protocol*": TEXT,
        "TopicArn*": TEXT,
    }
    replace_on = frozenset({"Endpoint", "Protocol", "TopicArn"})

    def create(self, task: Creation) -> Provisioned:
        made = self.context.client("sns").subscribe(**task.properties, ReturnSubscriptionArn=True)
        return Provisioned(made["SubscriptionArn"])

    def update(self, task: Update) -> Provisioned:
        """Every property replaces the resource, so nothing is ever left to update."""
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("NotFound", "NotFoundException"):
            self.context.client("sns").unsubscribe(SubscriptionArn=task.physical_id)


HANDLERS = (Subscription, Topic, TopicPolicy)
