"""Step Functions state machines, made through the service's API: that back end executes them."""

from __future__ import annotations

import json
import re
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
    gone_is_fine,
    lower_camel,
)
from localcloud.cloudformation.resources.schema import (
    BOOLEAN,
    JSON,
    TAGS,
    TEXT,
    MapOf,
    Schema,
)
from localcloud.cloudformation.resources.tagging import tag_list, update_tags
from localcloud.context import CloudContext

_DEFINITION = ("Definition", "DefinitionS3Location", "DefinitionString", "DefinitionSubstitutions")
_NO_LOGGING = {"includeExecutionData": False, "level": "OFF", "destinations": []}


class StateMachine(ResourceHandler):
    """AWS::StepFunctions::StateMachine."""

    type_name = "AWS::StepFunctions::StateMachine"
    schema: ClassVar[Mapping[str, Schema]] = {
        "Definition": JSON,
        "DefinitionS3Location": {"Bucket*": TEXT, "Key*": TEXT, "Version": TEXT},
        "DefinitionString": TEXT,
        "DefinitionSubstitutions": MapOf(TEXT),
        "LoggingConfiguration": {
            "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn*": TEXT}}],
            "IncludeExecutionData": BOOLEAN,
            "Level": TEXT,
        },
        "RoleArn*": TEXT,
        "StateMachineName": TEXT,
        "StateMachineType": TEXT,
        "Tags": TAGS,
        "TracingConfiguration": {"Enabled": BOOLEAN},
    }
    replace_on = frozenset({"StateMachineName", "StateMachineType"})
    attributes = frozenset({"Arn", "Name"})
    name_property = "StateMachineName"

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("stepfunctions")
        properties = task.properties
        name = properties.get("StateMachineName") or task.generated_name(max_length=80)
        self._refuse_existing(name)
        arn = client.create_state_machine(
            name=name,
            type=properties.get("StateMachineType", "STANDARD"),
            roleArn=properties["RoleArn"],
            definition=definition_text(self.context, properties),
            loggingConfiguration=lower_camel(properties.get("LoggingConfiguration", _NO_LOGGING)),
            tracingConfiguration=lower_camel(
                properties.get("TracingConfiguration", {"Enabled": False})
            ),
            tags=lower_camel(properties.get("Tags", [])),
        )["stateMachineArn"]
        return Provisioned(arn, {"Arn": arn, "Name": name})

    def _refuse_existing(self, name: str) -> None:
        """CreateStateMachine answers with what exists when the name is taken."""
        where = f"{self.context.region}:{self.context.account}"
        arn = f"arn:aws:states:{where}:stateMachine:{name}"
        try:
            self.context.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] == "StateMachineDoesNotExist":
                return
            raise
        raise ResourceFailure(f"State Machine Already Exists: '{arn}'")

    def update(self, task: Update) -> Provisioned:
        client = self.context.client("stepfunctions")
        arn = task.physical_id
        changes: dict[str, Any] = {}
        if task.touches(*_DEFINITION):
            changes["definition"] = definition_text(self.context, task.new)
        if task.touches("RoleArn"):
            changes["roleArn"] = task.new["RoleArn"]
        if task.touches("LoggingConfiguration"):
            changes["loggingConfiguration"] = lower_camel(
                task.new.get("LoggingConfiguration", _NO_LOGGING)
            )
        if task.touches("TracingConfiguration"):
            changes["tracingConfiguration"] = lower_camel(
                task.new.get("TracingConfiguration", {"Enabled": False})
            )
        if changes:
            client.update_state_machine(stateMachineArn=arn, **changes)
        update_tags(
            task,
            tag=lambda tags: client.tag_resource(
                resourceArn=arn, tags=tag_list(tags, "key", "value")
            ),
            untag=lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("StateMachineDoesNotExist"):
            self.context.client("stepfunctions").delete_state_machine(
                stateMachineArn=task.physical_id
            )


def definition_text(context: CloudContext, properties: Mapping[str, Any]) -> str:
    """The Amazon States Language text, from whichever property holds it, with substitutions."""
    given = [name for name in _DEFINITION[:3] if name in properties]
    if len(given) != 1:
        raise ResourceFailure(f"exactly one of {', '.join(_DEFINITION[:3])} is required")
    value = properties[given[0]]
    if given[0] == "DefinitionString":
        text = str(value)
    elif given[0] == "Definition":
        text = json.dumps(value)
    else:
        arguments = {"Bucket": value["Bucket"], "Key": value["Key"]}
        if "Version" in value:
            arguments["VersionId"] = value["Version"]
        text = context.client("s3").get_object(**arguments)["Body"].read().decode()
    substitutions = properties.get("DefinitionSubstitutions", {})

    def replace(match: re.Match[str]) -> str:
        return str(substitutions.get(match.group(1), match.group(0)))

    return re.sub(r"\$\{([^}]+)\}", replace, text) if substitutions else text


HANDLERS = (StateMachine,)
