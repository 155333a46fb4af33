"""Lambda aliases with their provisioned concurrency.

Provisioned concurrency sits on the alias, so it is put after the alias points to its version and
stays when the alias moves.
"""

from __future__ import annotations

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
from localcloud.cloudformation.resources.schema import INTEGER, NUMBER, TEXT, Schema


class Alias(ResourceHandler):
    """AWS::Lambda::Alias. Traffic shifting by CodeDeploy (UpdatePolicy) is not modelled."""

    type_name = "AWS::Lambda::Alias"
    schema: ClassVar[Mapping[str, Schema]] = {
        "Description": TEXT,
        "FunctionName*": TEXT,
        "FunctionVersion*": TEXT,
        "Name*": TEXT,
        "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions*": INTEGER},
        "RoutingConfig": {
            "AdditionalVersionWeights": [{"FunctionVersion*": TEXT, "FunctionWeight*": NUMBER}]
        },
    }
    replace_on = frozenset({"FunctionName", "Name"})
    attributes = frozenset({"AliasArn"})

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        alias = self.context.client("lambda").create_alias(
            FunctionName=properties["FunctionName"],
            Name=properties["Name"],
            **_pointing(properties),
        )
        arn = alias["AliasArn"]
        task.started(arn)
        if "ProvisionedConcurrencyConfig" in properties:
            self._provision(properties)
        return Provisioned(arn, {"AliasArn": arn})

    def _provision(self, properties: Mapping[str, Any]) -> None:
        self.context.client("lambda").put_provisioned_concurrency_config(
            FunctionName=properties["FunctionName"],
            Qualifier=properties["Name"],
            **properties["ProvisionedConcurrencyConfig"],
        )

    def update(self, task: Update) -> Provisioned:
        client = self.context.client("lambda")
        where = {"FunctionName": task.new["FunctionName"]}
        if task.touches("Description", "FunctionVersion", "RoutingConfig"):
            client.update_alias(**where, Name=task.new["Name"], **_pointing(task.new))
        if task.touches("ProvisionedConcurrencyConfig"):
            if "ProvisionedConcurrencyConfig" in task.new:
                self._provision(task.new)
            else:
                client.delete_provisioned_concurrency_config(**where, Qualifier=task.new["Name"])
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        client = self.context.client("lambda")
        where = {"FunctionName": task.properties["FunctionName"]}
        name = task.properties["Name"]
        with gone_is_fine(
            "ResourceNotFoundException", "ProvisionedConcurrencyConfigNotFoundException"
        ):
            # It may have been scaled without one of its own.
            client.delete_provisioned_concurrency_config(**where, Qualifier=name)
        with gone_is_fine("ResourceNotFoundException"):
            client.delete_alias(**where, Name=name)


def _pointing(properties: Mapping[str, Any]) -> dict[str, Any]:
    weights = properties.get("RoutingConfig", {}).get("AdditionalVersionWeights", [])
    return {
        "FunctionVersion": properties["FunctionVersion"],
        "Description": properties.get("Description", ""),
        "RoutingConfig": {
            "AdditionalVersionWeights": {
                item["FunctionVersion"]: item["FunctionWeight"] for item in weights
            }
        },
    }


HANDLERS = (Alias,)
