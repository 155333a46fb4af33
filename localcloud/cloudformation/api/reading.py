"""Actions that only read: stacks, resources, events, templates, exports."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.cloudformation.api.change_sets import ChangeSets
from localcloud.cloudformation.api.describing import (
    event_shape,
    is_failure,
    operation_event_shape,
    resource_shape,
    resource_types,
    stack_shape,
    stack_summary,
    template_parameters,
)
from localcloud.cloudformation.api.describing_changes import present
from localcloud.cloudformation.api.targets import Targets
from localcloud.cloudformation.api.template_source import requested_template
from localcloud.cloudformation.engine.registry import StackRegistry
from localcloud.cloudformation.engine.state import Stack
from localcloud.cloudformation.engine.validation import required_capabilities
from localcloud.cloudformation.errors import validation_error
from localcloud.cloudformation.template.declarations import Template
from localcloud.context import CloudContext


class Reading:
    """The actions that change nothing. Every list is answered in one page."""

    def __init__(
        self,
        context: CloudContext,
        registry: StackRegistry,
        targets: Targets,
        change_sets: ChangeSets,
    ) -> None:
        self._context = context
        self._registry = registry
        self._targets = targets
        self._change_sets = change_sets

    def actions(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        """The API's actions served here, by name."""
        return {
            "DescribeEvents": self.describe_events,
            "DescribeStackEvents": self.describe_stack_events,
            "DescribeStackResource": self.describe_stack_resource,
            "DescribeStackResources": self.describe_stack_resources,
            "DescribeStacks": self.describe_stacks,
            "GetTemplate": self.get_template,
            "GetTemplateSummary": self.get_template_summary,
            "ListExports": self.list_exports,
            "ListHookResults": self.list_hook_results,
            "ListImports": self.list_imports,
            "ListStackResources": self.list_stack_resources,
            "ListStacks": self.list_stacks,
            "ValidateTemplate": self.validate_template,
        }

    def _events_owner(self, name: str) -> Stack:
        # The CDK CLI knows a vanished stack by this wording.
        return self._registry.get(name, lambda n: validation_error(f"Stack [{n}] does not exist"))

    def describe_stacks(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One stack, or all live ones."""
        if "StackName" in request:
            stack = self._registry.get(request["StackName"])
            shape = stack_shape(stack)
            stack.looked_at.set()
            return {"Stacks": [shape]}
        return {"Stacks": [stack_shape(stack) for stack in self._registry.live()]}

    def list_stacks(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """All stacks, deleted ones too, or those in certain states."""
        wanted = request.get("StackStatusFilter")
        stacks = [s for s in self._registry.all() if not wanted or s.status in wanted]
        return {"StackSummaries": [stack_summary(stack) for stack in stacks]}

    def describe_stack_events(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Newest first."""
        stack = self._events_owner(request["StackName"])
        return {"StackEvents": [event_shape(stack, event) for event in stack.events()[::-1]]}

    def describe_events(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Newest first, of one operation or of a whole stack; a change set has none."""
        if "ChangeSetName" in request:
            self._change_sets.get(request)
            return {"OperationEvents": []}
        operation_id = request.get("OperationId")
        if "StackName" in request:
            stacks = [self._events_owner(request["StackName"])]
        elif operation_id:
            stacks = self._registry.all()
        else:
            raise validation_error("Either StackName, ChangeSetName or OperationId is required")
        failed_only = request.get("Filters", {}).get("FailedEvents", False)
        events = [
            (stack, event)
            for stack in stacks
            for event in stack.events()[::-1]
            if (not operation_id or event.operation_id == operation_id)
            and (not failed_only or is_failure(event))
        ]
        return {"OperationEvents": [operation_event_shape(*pair) for pair in events]}

    def describe_stack_resource(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One resource with its metadata."""
        stack = self._registry.get(request["StackName"])
        logical_id = request["LogicalResourceId"]
        resource = stack.resource(logical_id)
        if resource is None:
            raise validation_error(
                f"Resource {logical_id} does not exist for stack {request['StackName']}"
            )
        shape = resource_shape(stack, resource, "LastUpdatedTimestamp")
        if resource.declaration.metadata is not None:
            shape["Metadata"] = json.dumps(resource.declaration.metadata)
        return {"StackResourceDetail": shape}

    def describe_stack_resources(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """All resources of a stack, or of the stack that has a certain physical id."""
        if "StackName" in request:
            stacks = [self._registry.get(request["StackName"])]
        elif "PhysicalResourceId" in request:
            stacks = self._registry.live()
        else:
            raise validation_error("Either StackName or PhysicalResourceId is required")
        physical_id = request.get("PhysicalResourceId")
        logical_id = request.get("LogicalResourceId")
        shapes = [
            resource_shape(stack, resource, "Timestamp")
            for stack in stacks
            for resource in stack.resources().values()
            if (physical_id is None or resource.physical_id == physical_id)
            and (logical_id is None or resource.logical_id == logical_id)
        ]
        if physical_id is not None and not shapes:
            raise validation_error(f"Stack for {physical_id} does not exist")
        return {"StackResources": shapes}

    def list_stack_resources(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """All resources of a stack."""
        stack = self._registry.get(request["StackName"])
        return {
            "StackResourceSummaries": [
                resource_shape(stack, resource, "LastUpdatedTimestamp")
                for resource in stack.resources().values()
            ]
        }

    def get_template(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The text as it was deployed, or as a change set would deploy it."""
        if "ChangeSetName" in request:
            template = self._change_sets.get(request).target.template
        elif "StackName" in request:
            template = self._registry.get(request["StackName"]).target.template
        else:
            raise validation_error("StackName is required")
        return {"TemplateBody": template.body, "StagesAvailable": ["Original", "Processed"]}

    def _summarised(self, request: Mapping[str, Any]) -> Template:
        if "StackName" in request:
            return self._registry.get(request["StackName"]).target.template
        template = requested_template(self._context, request, None)
        self._targets.check(template)
        return template

    def get_template_summary(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What a template declares."""
        template = self._summarised(request)
        metadata = template.document.get("Metadata")
        version = template.document.get("AWSTemplateFormatVersion")
        return present(
            Parameters=template_parameters(template.parameters),
            Description=template.description,
            Capabilities=required_capabilities(template),
            ResourceTypes=resource_types(template),
            Version=None if version is None else str(version),
            Metadata=None if metadata is None else json.dumps(metadata),
            DeclaredTransforms=[],
            ResourceIdentifierSummaries=[],
        )

    def validate_template(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Refuse what is not modelled; otherwise list the parameters."""
        template = self._summarised(request)
        parameters = template_parameters(template.parameters)
        for parameter in parameters:
            parameter.pop("ParameterType")
            parameter.pop("ParameterConstraints", None)
        return present(
            Parameters=parameters,
            Description=template.description,
            Capabilities=required_capabilities(template),
            DeclaredTransforms=[],
        )

    def list_exports(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Exports of all live stacks."""
        return {
            "Exports": [
                {"ExportingStackId": stack.stack_id, "Name": name, "Value": value}
                for name, (stack, value) in sorted(self._registry.exports().items())
            ]
        }

    def list_imports(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Stacks that use an export."""
        name = request["ExportName"]
        importers = self._registry.importers(name)
        if not importers:
            raise validation_error(f"Export '{name}' is not imported by any stack.")
        return {"Imports": importers}

    def list_hook_results(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """There are no hooks; the CDK CLI asks when a change set has failed."""
        return {
            "TargetType": request.get("TargetType", "CHANGE_SET"),
            "TargetId": request.get("TargetId", ""),
            "HookResults": [],
        }
