"""What the handlers of EC2's types share: the client, tags, and the two places where tags stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.resources.handler import Provisioned, ResourceHandler, Update
from localcloud.cloudformation.resources.tagging import tag_list, update_tags


class Ec2Handler(ResourceHandler):
    """A type of EC2. `resource_type` is its name in tag specifications, "" if it has no tags."""

    resource_type = ""

    @property
    def ec2(self) -> Any:
        return self.context.client("ec2")

    def tagged(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The argument of a call that makes a resource, with the tags that it shall have."""
        tags = properties.get("Tags")
        if not tags:
            return {}
        return {"TagSpecifications": [{"ResourceType": self.resource_type, "Tags": tags}]}

    def update(self, task: Update) -> Provisioned:
        """Most types have nothing but tags that changes in place."""
        resource = [task.physical_id]
        update_tags(
            task,
            tag=lambda tags: self.ec2.create_tags(Resources=resource, Tags=tag_list(tags)),
            untag=lambda keys: self.ec2.delete_tags(
                Resources=resource, Tags=[{"Key": key} for key in keys]
            ),
        )
        return task.unchanged()
