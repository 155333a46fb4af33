"""Instance profiles: how a virtual machine gets its role.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-instanceprofile.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
    chosen,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import TEXT, Schema


class InstanceProfile(ResourceHandler):
    """AWS::IAM::InstanceProfile, which holds one role; Ref is its name."""

    type_name = "AWS::IAM::InstanceProfile"
    schema: ClassVar[Mapping[str, Schema]] = {
        "InstanceProfileName": TEXT,
        "Path": TEXT,
        "Roles*": [TEXT],
    }
    replace_on = frozenset({"InstanceProfileName", "Path"})
    attributes = frozenset({"Arn"})
    name_property = "InstanceProfileName"

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("iam")
        name = task.properties.get("InstanceProfileName") or task.generated_name(max_length=128)
        made = client.create_instance_profile(
            InstanceProfileName=name, **chosen(task.properties, "Path")
        )["InstanceProfile"]
        task.started(name)
        self._set_roles(name, task.properties["Roles"])
        return Provisioned(name, {"Arn": made["Arn"]})

    def _set_roles(self, name: str, wanted: list[str]) -> None:
        client = self.context.client("iam")
        profile = client.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        has = [role["RoleName"] for role in profile["Roles"]]
        for role in set(has) - set(wanted):
            client.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
        for role in wanted:
            if role not in has:
                client.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)

    def update(self, task: Update) -> Provisioned:
        self._set_roles(task.physical_id, task.new["Roles"])
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("NoSuchEntity"):
            self._set_roles(task.physical_id, [])
            self.context.client("iam").delete_instance_profile(InstanceProfileName=task.physical_id)


HANDLERS = (InstanceProfile,)
