"""Who may invoke a Lambda function, and what becomes of its asynchronous invocations."""

from __future__ import annotations

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
    chosen,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import INTEGER, TEXT, Schema


def split_function(name_or_arn: str) -> tuple[str, str | None]:
    """Function name and qualifier of a name, `name:qualifier`, or ARN of either."""
    parts = name_or_arn.split(":")
    if parts[0] == "arn":
        parts = parts[6:]
    return parts[0], parts[1] if len(parts) > 1 else None


class Permission(ResourceHandler):
    """AWS::Lambda::Permission: one statement of a function's or an alias's resource policy."""

    type_name = "AWS::Lambda::Permission"
    schema: ClassVar[Mapping[str, Schema]] = {
        "Action*": TEXT,
        "EventSourceToken": TEXT,
        "FunctionName*": TEXT,
        "Principal*": TEXT,
        "PrincipalOrgID": TEXT,
        "SourceAccount": TEXT,
        "SourceArn": TEXT,
    }
    replace_on = frozenset(name.removesuffix("*") for name in schema)

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        name, qualifier = split_function(properties["FunctionName"])
        statement_id = task.generated_name(max_length=100)
        self.context.client("lambda").add_permission(
            FunctionName=name,
            StatementId=statement_id,
            **({"Qualifier": qualifier} if qualifier else {}),
            **chosen(
                properties,
                "Action",
                "EventSourceToken",
                "Principal",
                "PrincipalOrgID",
                "SourceAccount",
                "SourceArn",
            ),
        )
        return Provisioned(statement_id)

    def update(self, task: Update) -> Provisioned:
        """Every property replaces the resource, so nothing is ever left to update."""
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        name, qualifier = split_function(task.properties["FunctionName"])
        with gone_is_fine("ResourceNotFoundException"):
            self.context.client("lambda").remove_permission(
                FunctionName=name,
                StatementId=task.physical_id,
                **({"Qualifier": qualifier} if qualifier else {}),
            )


_DESTINATION: Schema = {"Destination*": TEXT}


class EventInvokeConfig(ResourceHandler):
    """AWS::Lambda::EventInvokeConfig. moto keeps one per function: a second one is refused."""

    type_name = "AWS::Lambda::EventInvokeConfig"
    schema: ClassVar[Mapping[str, Schema]] = {
        "DestinationConfig": {"OnFailure": _DESTINATION, "OnSuccess": _DESTINATION},
        "FunctionName*": TEXT,
        "MaximumEventAgeInSeconds": INTEGER,
        "MaximumRetryAttempts": INTEGER,
        "Qualifier*": TEXT,
    }
    replace_on = frozenset({"FunctionName", "Qualifier"})

    def create(self, task: Creation) -> Provisioned:
        where = self._where(task.properties)
        try:
            self.context.client("lambda").get_function_event_invoke_config(**where)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
        else:
            raise ResourceFailure(f"{where['FunctionName']} already has an EventInvokeConfig")
        self._put(task.properties)
        return Provisioned(f"{where['FunctionName']}|{where['Qualifier']}")

    def _where(self, properties: Mapping[str, Any]) -> dict[str, str]:
        name, _ = split_function(properties["FunctionName"])
        return {"FunctionName": name, "Qualifier": properties["Qualifier"]}

    def _put(self, properties: Mapping[str, Any]) -> None:
        self.context.client("lambda").put_function_event_invoke_config(
            **self._where(properties),
            **chosen(
                properties, "DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"
            ),
        )

    def _remove(self, properties: Mapping[str, Any]) -> None:
        with gone_is_fine("ResourceNotFoundException"):
            self.context.client("lambda").delete_function_event_invoke_config(
                **self._where(properties)
            )

    def update(self, task: Update) -> Provisioned:
        # moto appends to what it has instead of replacing it.
        self._remove(task.new)
        self._put(task.new)
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        self._remove(task.properties)


HANDLERS = (EventInvokeConfig, Permission)
