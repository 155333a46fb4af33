"""ECR repositories."""

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
from localcloud.cloudformation.resources.schema import BOOLEAN, JSON, TAGS, TEXT, Schema
from localcloud.cloudformation.resources.tagging import tag_list, update_tags


class Repository(ResourceHandler):
    """AWS::ECR::Repository. `EmptyOnDelete` decides whether images stand in the way of deletion."""

    type_name = "AWS::ECR::Repository"
    schema: ClassVar[Mapping[str, Schema]] = {
        "EmptyOnDelete": BOOLEAN,
        "EncryptionConfiguration": {"EncryptionType*": TEXT, "KmsKey": TEXT},
        "ImageScanningConfiguration": {"ScanOnPush": BOOLEAN},
        "ImageTagMutability": TEXT,
        "LifecyclePolicy": {"LifecyclePolicyText*": TEXT},
        "RepositoryName": TEXT,
        "RepositoryPolicyText": JSON,
        "Tags": TAGS,
    }
    replace_on = frozenset({"EncryptionConfiguration", "RepositoryName"})
    attributes = frozenset({"Arn", "RepositoryUri"})
    name_property = "RepositoryName"

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("ecr")
        properties = task.properties
        name = properties.get("RepositoryName") or task.generated_name(
            max_length=256, lower_case=True
        )
        arguments: dict[str, Any] = {"repositoryName": name, "tags": properties.get("Tags", [])}
        if "ImageTagMutability" in properties:
            arguments["imageTagMutability"] = properties["ImageTagMutability"]
        if "ImageScanningConfiguration" in properties:
            arguments["imageScanningConfiguration"] = _scanning(properties)
        if "EncryptionConfiguration" in properties:
            encryption = properties["EncryptionConfiguration"]
            arguments["encryptionConfiguration"] = {
                "encryptionType": encryption["EncryptionType"],
                **({"kmsKey": encryption["KmsKey"]} if "KmsKey" in encryption else {}),
            }
        repository = client.create_repository(**arguments)["repository"]
        task.started(name)
        for prop in ("LifecyclePolicy", "RepositoryPolicyText"):
            if prop in properties:
                self._configure(name, prop, properties)
        return _provisioned(repository)

    def find(self, name: str) -> Provisioned | None:
        with gone_is_fine("RepositoryNotFoundException"):
            found = self.context.client("ecr").describe_repositories(repositoryNames=[name])
            return _provisioned(found["repositories"][0])
        return None

    def _configure(self, name: str, prop: str, properties: Mapping[str, Any]) -> None:
        client = self.context.client("ecr")
        if prop == "LifecyclePolicy":
            client.put_lifecycle_policy(
                repositoryName=name,
                lifecyclePolicyText=properties[prop]["LifecyclePolicyText"],
            )
        elif prop == "RepositoryPolicyText":
            policy = properties[prop]
            client.set_repository_policy(
                repositoryName=name,
                policyText=policy if isinstance(policy, str) else json.dumps(policy),
            )
        elif prop == "ImageTagMutability":
            client.put_image_tag_mutability(
                repositoryName=name, imageTagMutability=properties[prop]
            )
        elif prop == "ImageScanningConfiguration":
            client.put_image_scanning_configuration(
                repositoryName=name, imageScanningConfiguration=_scanning(properties)
            )

    def _deconfigure(self, name: str, prop: str) -> None:
        client = self.context.client("ecr")
        if prop == "LifecyclePolicy":
            with gone_is_fine("LifecyclePolicyNotFoundException"):
                client.delete_lifecycle_policy(repositoryName=name)
        elif prop == "RepositoryPolicyText":
            with gone_is_fine("RepositoryPolicyNotFoundException"):
                client.delete_repository_policy(repositoryName=name)
        elif prop == "ImageTagMutability":
            client.put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")
        elif prop == "ImageScanningConfiguration":
            client.put_image_scanning_configuration(
                repositoryName=name, imageScanningConfiguration={"scanOnPush": False}
            )

    def update(self, task: Update) -> Provisioned:
        for prop in sorted(task.changed - {"EmptyOnDelete", "Tags"}):
            if prop in task.new:
                self._configure(task.physical_id, prop, task.new)
            else:
                self._deconfigure(task.physical_id, prop)
        client = self.context.client("ecr")
        arn = task.attributes["Arn"]
        update_tags(
            task,
            tag=lambda tags: client.tag_resource(resourceArn=arn, tags=tag_list(tags)),
            untag=lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("RepositoryNotFoundException"):
            self.context.client("ecr").delete_repository(
                repositoryName=task.physical_id,
                force=task.properties.get("EmptyOnDelete", False),
            )


def _provisioned(repository: Mapping[str, Any]) -> Provisioned:
    return Provisioned(
        repository["repositoryName"],
        {"Arn": repository["repositoryArn"], "RepositoryUri": repository["repositoryUri"]},
    )


def _scanning(properties: Mapping[str, Any]) -> dict[str, bool]:
    configuration = properties["ImageScanningConfiguration"]
    return {"scanOnPush": configuration.get("ScanOnPush", False)}


HANDLERS = (Repository,)
