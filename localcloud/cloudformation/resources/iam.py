"""IAM roles, inline policies and managed policies."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
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
from localcloud.cloudformation.resources.schema import INTEGER, JSON, TAGS, TEXT, Schema
from localcloud.cloudformation.resources.tagging import tag_list, update_tags


class Role(ResourceHandler):
    """AWS::IAM::Role. Deleting it takes along the policies that it declares itself, no others."""

    type_name = "AWS::IAM::Role"
    schema: ClassVar[Mapping[str, Schema]] = {
        "AssumeRolePolicyDocument*": JSON,
        "Description": TEXT,
        "ManagedPolicyArns": [TEXT],
        "MaxSessionDuration": INTEGER,
        "Path": TEXT,
        "PermissionsBoundary": TEXT,
        "Policies": [{"PolicyDocument*": JSON, "PolicyName*": TEXT}],
        "RoleName": TEXT,
        "Tags": TAGS,
    }
    replace_on = frozenset({"Path", "RoleName"})
    attributes = frozenset({"Arn", "RoleId"})
    name_property = "RoleName"

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("iam")
        properties = task.properties
        name = properties.get("RoleName") or task.generated_name(max_length=64)
        role = client.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
            **chosen(
                properties,
                "Description",
                "MaxSessionDuration",
                "Path",
                "PermissionsBoundary",
                "Tags",
            ),
        )["Role"]
        task.started(name)
        for arn in properties.get("ManagedPolicyArns", ()):
            client.attach_role_policy(RoleName=name, PolicyArn=arn)
        for policy_name, document in _inline(properties.get("Policies", ())).items():
            client.put_role_policy(RoleName=name, PolicyName=policy_name, PolicyDocument=document)
        return _role(role)

    def find(self, name: str) -> Provisioned | None:
        with gone_is_fine("NoSuchEntity"):
            return _role(self.context.client("iam").get_role(RoleName=name)["Role"])
        return None

    def update(self, task: Update) -> Provisioned:
        client = self.context.client("iam")
        name = task.physical_id
        if task.touches("AssumeRolePolicyDocument"):
            client.update_assume_role_policy(
                RoleName=name, PolicyDocument=json.dumps(task.new["AssumeRolePolicyDocument"])
            )
        if task.touches("Description", "MaxSessionDuration"):
            client.update_role(
                RoleName=name,
                Description=task.new.get("Description", ""),
                MaxSessionDuration=task.new.get("MaxSessionDuration", 3600),
            )
        if task.touches("PermissionsBoundary"):
            if "PermissionsBoundary" in task.new:
                client.put_role_permissions_boundary(
                    RoleName=name, PermissionsBoundary=task.new["PermissionsBoundary"]
                )
            else:
                client.delete_role_permissions_boundary(RoleName=name)
        if task.touches("ManagedPolicyArns"):
            self._attach(name, task)
        if task.touches("Policies"):
            self._put_inline(name, task)
        update_tags(
            task,
            tag=lambda tags: client.tag_role(RoleName=name, Tags=tag_list(tags)),
            untag=lambda keys: client.untag_role(RoleName=name, TagKeys=keys),
        )
        return task.unchanged()

    def _attach(self, name: str, task: Update) -> None:
        client = self.context.client("iam")
        wanted = task.new.get("ManagedPolicyArns", [])
        for arn in _each(task.formers("ManagedPolicyArns"), besides=wanted):
            with gone_is_fine("NoSuchEntity"):
                client.detach_role_policy(RoleName=name, PolicyArn=arn)
        for arn in wanted:
            client.attach_role_policy(RoleName=name, PolicyArn=arn)

    def _put_inline(self, name: str, task: Update) -> None:
        client = self.context.client("iam")
        wanted = _inline(task.new.get("Policies", ()))
        formers = [_inline(policies) for policies in task.formers("Policies")]
        for policy_name in _each(formers, besides=wanted):
            with gone_is_fine("NoSuchEntity"):
                client.delete_role_policy(RoleName=name, PolicyName=policy_name)
        for policy_name, document in wanted.items():
            client.put_role_policy(RoleName=name, PolicyName=policy_name, PolicyDocument=document)

    def delete(self, task: Deletion) -> None:
        client = self.context.client("iam")
        name = task.physical_id
        for arn in _each(task.formers("ManagedPolicyArns")):
            with gone_is_fine("NoSuchEntity"):
                client.detach_role_policy(RoleName=name, PolicyArn=arn)
        for policy_name in _each(_inline(policies) for policies in task.formers("Policies")):
            with gone_is_fine("NoSuchEntity"):
                client.delete_role_policy(RoleName=name, PolicyName=policy_name)
        with gone_is_fine("NoSuchEntity"):
            client.delete_role(RoleName=name)


def _role(role: Mapping[str, Any]) -> Provisioned:
    return Provisioned(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _inline(policies: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Documents of a role's own inline policies by name."""
    return {policy["PolicyName"]: json.dumps(policy["PolicyDocument"]) for policy in policies}


def _each(formers: Iterable[Iterable[str]], besides: Collection[str] = ()) -> list[str]:
    """Every name that any former value of a property has, and the wanted ones have not."""
    return sorted({name for names in formers for name in names} - set(besides))


class Policy(ResourceHandler):
    """AWS::IAM::Policy: an inline policy put on roles (users and groups are not modelled)."""

    type_name = "AWS::IAM::Policy"
    schema: ClassVar[Mapping[str, Schema]] = {
        "PolicyDocument*": JSON,
        "PolicyName*": TEXT,
        "Roles*": [TEXT],
    }
    replace_on = frozenset({"PolicyName"})

    def create(self, task: Creation) -> Provisioned:
        name = task.properties["PolicyName"]
        task.started(name)
        self._put(task.properties)
        return Provisioned(name)

    def _put(self, properties: Mapping[str, Any]) -> None:
        for role in properties["Roles"]:
            self.context.client("iam").put_role_policy(
                RoleName=role,
                PolicyName=properties["PolicyName"],
                PolicyDocument=json.dumps(properties["PolicyDocument"]),
            )

    def _remove(self, name: str, roles: list[str]) -> None:
        for role in roles:
            with gone_is_fine("NoSuchEntity"):
                self.context.client("iam").delete_role_policy(RoleName=role, PolicyName=name)

    def update(self, task: Update) -> Provisioned:
        self._put(task.new)
        self._remove(task.physical_id, _each(task.formers("Roles"), besides=task.new["Roles"]))
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        self._remove(task.physical_id, _each(task.formers("Roles")))


class ManagedPolicy(ResourceHandler):
    """AWS::IAM::ManagedPolicy, attached to roles. An update keeps only the newest version."""

    type_name = "AWS::IAM::ManagedPolicy"
    schema: ClassVar[Mapping[str, Schema]] = {
        "Description": TEXT,
        "ManagedPolicyName": TEXT,
        "Path": TEXT,
        "PolicyDocument*": JSON,
        "Roles": [TEXT],
    }
    replace_on = frozenset({"Description", "ManagedPolicyName", "Path"})
    attributes = frozenset({"PolicyArn", "PolicyId"})
    name_property = "ManagedPolicyName"

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("iam")
        properties = task.properties
        policy = client.create_policy(
            PolicyName=properties.get("ManagedPolicyName") or task.generated_name(max_length=128),
            PolicyDocument=json.dumps(properties["PolicyDocument"]),
            **chosen(properties, "Description", "Path"),
        )["Policy"]
        arn = policy["Arn"]
        task.started(arn)
        for role in properties.get("Roles", ()):
            client.attach_role_policy(RoleName=role, PolicyArn=arn)
        return Provisioned(arn, {"PolicyArn": arn, "PolicyId": policy["PolicyId"]})

    def update(self, task: Update) -> Provisioned:
        client = self.context.client("iam")
        arn = task.physical_id
        if task.touches("PolicyDocument"):
            former = client.list_policy_versions(PolicyArn=arn)["Versions"]
            client.create_policy_version(
                PolicyArn=arn,
                PolicyDocument=json.dumps(task.new["PolicyDocument"]),
                SetAsDefault=True,
            )
            for version in former:
                client.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        if task.touches("Roles"):
            wanted = task.new.get("Roles", [])
            for role in _each(task.formers("Roles"), besides=wanted):
                with gone_is_fine("NoSuchEntity"):
                    client.detach_role_policy(RoleName=role, PolicyArn=arn)
            for role in wanted:
                client.attach_role_policy(RoleName=role, PolicyArn=arn)
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        client = self.context.client("iam")
        for role in _each(task.formers("Roles")):
            with gone_is_fine("NoSuchEntity"):
                client.detach_role_policy(RoleName=role, PolicyArn=task.physical_id)
        with gone_is_fine("NoSuchEntity"):
            for version in client.list_policy_versions(PolicyArn=task.physical_id)["Versions"]:
                if not version["IsDefaultVersion"]:
                    client.delete_policy_version(
                        PolicyArn=task.physical_id, VersionId=version["VersionId"]
                    )
            client.delete_policy(PolicyArn=task.physical_id)


HANDLERS = (ManagedPolicy, Policy, Role)
