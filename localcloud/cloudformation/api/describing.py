"""Shapes of the API's answers, built from the engine's state. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.api.describing_changes import Shape, change_shape, present
from localcloud.cloudformation.engine.state import ChangeSet, Event, Stack, StackResource
from localcloud.cloudformation.template.declarations import Template
from localcloud.cloudformation.template.parameters import declared_type, is_no_echo


def stack_shape(stack: Stack) -> Shape:
    """One element of DescribeStacks."""
    target = stack.target
    with stack.lock:
        return present(
            **_stack_members(stack),
            ChangeSetId=stack.change_set_id,
            Description=target.template.description,
            Parameters=[value.described() for value in target.parameters.values()],
            RollbackConfiguration={},
            DisableRollback=stack.disable_rollback,
            DeploymentConfig={"Mode": target.deployment_mode},
            NotificationARNs=[],
            Capabilities=list(target.capabilities),
            Outputs=[
                present(
                    OutputKey=output.key,
                    OutputValue=output.value,
                    Description=output.description,
                    ExportName=output.export_name,
                )
                for output in stack.outputs()
            ],
            RoleARN=stack.role_arn,
            Tags=[{"Key": key, "Value": value} for key, value in target.tags],
            EnableTerminationProtection=stack.termination_protection,
            RetainExceptOnCreate=stack.retain_except_on_create,
            DeletionMode=stack.deletion_mode,
        )


def _last_operations(stack: Stack) -> list[Shape] | None:
    if stack.operation is None:
        return None
    return [
        {
            "OperationType": stack.operation.kind,
            "OperationId": stack.operation.operation_id,
        }
    ]


def stack_summary(stack: Stack) -> Shape:
    """One element of ListStacks."""
    return present(**_stack_members(stack), TemplateDescription=stack.target.template.description)


def _stack_members(stack: Stack) -> Shape:
    return present(
        StackId=stack.stack_id,
        StackName=stack.name,
        CreationTime=stack.created_at,
        LastUpdatedTime=stack.updated_at,
        DeletionTime=stack.deleted_at,
        StackStatus=stack.status,
        StackStatusReason=stack.status_reason,
        DriftInformation={"StackDriftStatus": "NOT_CHECKED"},
        LastOperations=_last_operations(stack),
    )


def resource_shape(stack: Stack, resource: StackResource, timestamp_name: str) -> Shape:
    """A resource; its time stamp has a different name in each action."""
    shape = present(
        StackName=stack.name,
        StackId=stack.stack_id,
        LogicalResourceId=resource.logical_id,
        PhysicalResourceId=resource.physical_id,
        ResourceType=resource.type,
        ResourceStatus=resource.status,
        ResourceStatusReason=resource.status_reason,
        DriftInformation={"StackResourceDriftStatus": "NOT_CHECKED"},
    )
    shape[timestamp_name] = resource.updated_at
    return shape


def event_shape(stack: Stack, event: Event) -> Shape:
    """One element of DescribeStackEvents."""
    return {"StackName": stack.name, **_event_members(stack, event)}


def operation_event_shape(stack: Stack, event: Event) -> Shape:
    """One element of DescribeEvents."""
    own = event.physical_id == stack.stack_id
    kind = "STACK_EVENT" if own else "PROGRESS_EVENT"
    return {
        "OperationType": event.operation_type,
        "EventType": "PROVISIONING_ERROR" if is_failure(event) and not own else kind,
        **_event_members(stack, event),
    }


def _event_members(stack: Stack, event: Event) -> Shape:
    return present(
        EventId=event.event_id,
        StackId=stack.stack_id,
        OperationId=event.operation_id,
        LogicalResourceId=event.logical_id,
        PhysicalResourceId=event.physical_id,
        ResourceType=event.resource_type,
        Timestamp=event.timestamp,
        ResourceStatus=event.status,
        ResourceStatusReason=event.reason,
        ResourceProperties=event.properties,
        ClientRequestToken=event.token,
    )


def is_failure(event: Event) -> bool:
    """Whether an event reports that something failed."""
    return event.status.endswith("_FAILED")


def change_set_shape(stack: Stack, change_set: ChangeSet, *, values: bool) -> Shape:
    """The answer of DescribeChangeSet; `values`: with the properties before and after."""
    target = change_set.target
    return present(
        **change_set_summary(stack, change_set),
        Parameters=[value.described() for value in target.parameters.values()],
        NotificationARNs=[],
        RollbackConfiguration={},
        Capabilities=list(target.capabilities),
        Tags=[{"Key": key, "Value": value} for key, value in target.tags],
        Changes=[
            {"Type": "Resource", "ResourceChange": change_shape(change, values=values)}
            for change in change_set.changes
        ],
        OnStackFailure=change_set.on_stack_failure,
        ImportExistingResources=target.import_existing or None,
        DeploymentConfig={"Mode": target.deployment_mode},
    )


def change_set_summary(stack: Stack, change_set: ChangeSet) -> Shape:
    """One element of ListChangeSets."""
    return present(
        StackId=stack.stack_id,
        StackName=stack.name,
        ChangeSetId=change_set.change_set_id,
        ChangeSetName=change_set.name,
        ExecutionStatus=change_set.execution_status,
        Status=change_set.status,
        StatusReason=change_set.status_reason,
        CreationTime=change_set.created_at,
        Description=change_set.description,
        IncludeNestedStacks=change_set.include_nested_stacks,
    )


def template_parameters(declarations: Mapping[str, Mapping[str, Any]]) -> list[Shape]:
    """Parameters as GetTemplateSummary lists them."""
    shapes = []
    for key, declaration in declarations.items():
        default = declaration.get("Default")
        allowed = declaration.get("AllowedValues")
        shapes.append(
            present(
                ParameterKey=key,
                DefaultValue=None if default is None else str(default),
                ParameterType=declared_type(declaration),
                NoEcho=is_no_echo(declaration),
                Description=declaration.get("Description"),
                ParameterConstraints=None
                if allowed is None
                else {"AllowedValues": [str(item) for item in allowed]},
            )
        )
    return shapes


def resource_types(template: Template) -> list[str]:
    """Every type that a template uses."""
    return sorted({declaration.type for declaration in template.resources.values()})
