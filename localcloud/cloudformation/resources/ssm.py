"""SSM parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
    chosen,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import TEXT, MapOf, Schema
from localcloud.cloudformation.resources.tagging import tag_list, update_tags


class Parameter(ResourceHandler):
    """AWS::SSM::Parameter; its Tags are a plain object, unlike other types'."""

    type_name = "AWS::SSM::Parameter"
    schema: ClassVar[Mapping[str, Schema]] = {
        "AllowedPattern": TEXT,
        "DataType": TEXT,
        "Description": TEXT,
        "Name": TEXT,
        "Tags": MapOf(TEXT),
        "Tier": TEXT,
        "Type*": TEXT,
        "Value*": TEXT,
    }
    replace_on = frozenset({"DataType", "Name"})
    attributes = frozenset({"Type", "Value"})
    volatile_attributes = frozenset({"Type", "Value"})
    name_property = "Name"

    def create(self, task: Creation) -> Provisioned:
        name = task.properties.get("Name") or f"CFN-{task.generated_name(max_length=120)}"
        self._put(name, task.properties, overwrite=False)
        task.started(name)
        tags = task.properties.get("Tags")
        if tags:
            self._tag(name, tags)
        return self._provisioned(name, task.properties)

    def _put(self, name: str, properties: Mapping[str, Any], *, overwrite: bool) -> None:
        self.context.client("ssm").put_parameter(
            Name=name,
            Overwrite=overwrite,
            **chosen(
                properties, "AllowedPattern", "DataType", "Description", "Tier", "Type", "Value"
            ),
        )

    def _tag(self, name: str, tags: Mapping[str, str]) -> None:
        self.context.client("ssm").add_tags_to_resource(
            ResourceType="Parameter",
            ResourceId=name,
            Tags=tag_list(tags),
        )

    def _provisioned(self, name: str, properties: Mapping[str, Any]) -> Provisioned:
        return Provisioned(name, {"Type": properties["Type"], "Value": properties["Value"]})

    def find(self, name: str) -> Provisioned | None:
        with gone_is_fine("ParameterNotFound"):
            found = self.context.client("ssm").get_parameter(Name=name)["Parameter"]
            return self._provisioned(name, found)
        return None

    def update(self, task: Update) -> Provisioned:
        if task.changed - {"Tags"}:
            self._put(task.physical_id, task.new, overwrite=True)
        update_tags(
            task,
            tag=lambda tags: self._tag(task.physical_id, tags),
            untag=lambda keys: self.context.client("ssm").remove_tags_from_resource(
                ResourceType="Parameter", ResourceId=task.physical_id, TagKeys=keys
            ),
        )
        return self._provisioned(task.physical_id, task.new)

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("ParameterNotFound"):
            self.context.client("ssm").delete_parameter(Name=task.physical_id)


HANDLERS = (Parameter,)
