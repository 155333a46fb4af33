"""Change sets: planned, described, executed, deleted; always looked up within their stack.

A change set is planned when it is created. One without changes, or one whose plan cannot be
evaluated, ends FAILED with the reason that the CDK CLI looks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.cloudformation.api.describing import change_set_shape, change_set_summary
from localcloud.cloudformation.api.planner import Planner
from localcloud.cloudformation.api.targets import Targets
from localcloud.cloudformation.engine.changes import ResourceChange
from localcloud.cloudformation.engine.operations import Operations
from localcloud.cloudformation.engine.registry import StackRegistry
from localcloud.cloudformation.engine.state import ChangeSet, Stack, Target
from localcloud.cloudformation.errors import (
    CloudFormationError,
    ResourceFailure,
    validation_error,
)

NO_CHANGES = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)


class ChangeSets:
    """The actions on change sets."""

    def __init__(
        self, registry: StackRegistry, planner: Planner, targets: Targets, operations: Operations
    ) -> None:
        self._registry = registry
        self._planner = planner
        self._targets = targets
        self._operations = operations

    def actions(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        """The API's actions served here, by name."""
        return {
            "CreateChangeSet": self.create,
            "DeleteChangeSet": self.delete,
            "DescribeChangeSet": self.describe,
            "ExecuteChangeSet": self.execute,
            "ListChangeSets": self.list,
        }

    def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Plan a deployment; a stack that does not exist yet waits in REVIEW_IN_PROGRESS."""
        kind = request.get("ChangeSetType", "UPDATE")
        if kind not in ("CREATE", "UPDATE"):
            raise validation_error(f"ChangeSetType {kind} is not modelled; use CREATE or UPDATE")
        with self._registry.lock:
            stack = self._stack_for(request["StackName"], kind)
            name = request["ChangeSetName"]
            repeated = None if stack is None else stack.change_sets().get(name)
            if stack is not None and repeated is not None:
                if repeated.token and repeated.token == request.get("ClientToken"):
                    return {"Id": repeated.change_set_id, "StackId": stack.stack_id}
                raise CloudFormationError(
                    "AlreadyExistsException", f"ChangeSet {name} already exists"
                )
            role_arn = self._targets.role(request, stack)
            target = self._targets.target(request, stack)
            stack = stack or self._registry.create(request["StackName"])
            change_set = self._plan(stack, target, request, kind, role_arn)
            stack.put_change_set(change_set)
        return {"Id": change_set.change_set_id, "StackId": stack.stack_id}

    def _stack_for(self, name: str, kind: str) -> Stack | None:
        stack = self._registry.find(name)
        fresh = stack is None or stack.status == "REVIEW_IN_PROGRESS"
        if kind == "UPDATE" and fresh:
            raise validation_error(f"Stack [{name}] does not exist")
        if kind == "CREATE" and not fresh:
            raise validation_error(
                f"Stack [{name}] already exists and cannot be created again with the changeSet"
            )
        if stack is not None and not fresh:
            self._targets.check_updatable(stack)
        if stack is None:
            self._targets.check_new_name(name)
        return stack

    def _plan(
        self,
        stack: Stack,
        target: Target,
        request: Mapping[str, Any],
        kind: str,
        role_arn: str | None,
    ) -> ChangeSet:
        status, reason, execution = "CREATE_COMPLETE", None, "AVAILABLE"
        changes: tuple[ResourceChange, ...] = ()
        try:
            changes, changed = self._planner.plan(stack, target)
            if not changed:
                status, reason, execution = "FAILED", NO_CHANGES, "UNAVAILABLE"
        except (CloudFormationError, ResourceFailure) as error:
            status, reason, execution = "FAILED", str(error), "UNAVAILABLE"
        return ChangeSet(
            change_set_id=self._registry.arn("changeSet", request["ChangeSetName"]),
            name=request["ChangeSetName"],
            type=kind,
            target=target,
            role_arn=role_arn,
            changes=changes,
            status=status,
            status_reason=reason,
            execution_status=execution,
            description=request.get("Description"),
            token=request.get("ClientToken"),
            include_nested_stacks=bool(request.get("IncludeNestedStacks")),
            on_stack_failure=request.get("OnStackFailure"),
        )

    def _find(self, request: Mapping[str, Any]) -> tuple[Stack, ChangeSet]:
        """By ARN alone, or by name within a stack. Raises ChangeSetNotFound."""
        wanted = request["ChangeSetName"]
        if "StackName" in request:
            stacks = [self._registry.get(request["StackName"])]
        elif wanted.startswith("arn:"):
            stacks = self._registry.all()
        else:
            raise validation_error(
                "StackName must be specified if ChangeSetName is not specified as an ARN."
            )
        for stack in stacks:
            for change_set in stack.change_sets().values():
                if wanted in (change_set.name, change_set.change_set_id):
                    return stack, change_set
        raise CloudFormationError("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist")

    def get(self, request: Mapping[str, Any]) -> ChangeSet:
        """The change set that a request names."""
        return self._find(request)[1]

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """All of it in one page."""
        values = bool(request.get("IncludePropertyValues"))
        return change_set_shape(*self._find(request), values=values)

    def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The change sets of one stack."""
        stack = self._registry.get(request["StackName"])
        return {"Summaries": [change_set_summary(stack, c) for c in stack.change_sets().values()]}

    def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Forget a change set; one that does not exist is no error."""
        try:
            stack, change_set = self._find(request)
        except CloudFormationError as error:
            if error.code == "ChangeSetNotFound":
                return {}
            raise
        if change_set.execution_status == "EXECUTE_IN_PROGRESS":
            raise CloudFormationError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.change_set_id}] cannot be deleted in its current "
                "execution status of [EXECUTE_IN_PROGRESS]",
            )
        stack.drop_change_set(change_set.name)
        return {}

    def execute(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Start the deployment. The same token again means the same execution."""
        with self._registry.lock:
            stack, change_set = self._find(request)
            token = request.get("ClientRequestToken")
            if token and stack.operation is not None and stack.operation.token == token:
                return {}
            if change_set.execution_status != "AVAILABLE":
                raise CloudFormationError(
                    "InvalidChangeSetStatus",
                    f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current "
                    f"execution status of [{change_set.execution_status}]",
                )
            on_failure = "DO_NOTHING" if request.get("DisableRollback") else "ROLLBACK"
            if not request.get("DisableRollback") and change_set.on_stack_failure:
                on_failure = change_set.on_stack_failure
            if stack.status != "REVIEW_IN_PROGRESS":
                self._targets.check_updatable(stack)
                self._targets.check_resumable(stack, on_failure)
            change_set.execution_status = "EXECUTE_IN_PROGRESS"
            for other in stack.change_sets().values():
                if other is not change_set:
                    other.execution_status = "OBSOLETE"
            stack.retain_except_on_create = bool(request.get("RetainExceptOnCreate"))
            stack.change_set_id = change_set.change_set_id
            stack.role_arn = change_set.role_arn

            def done(succeeded: bool) -> None:
                outcome = "EXECUTE_COMPLETE" if succeeded else "EXECUTE_FAILED"
                change_set.execution_status = outcome

            started = self._operations.deploy(
                stack, change_set.target, token, on_failure=on_failure, on_end=done
            )
        self._operations.linger(started)
        return {}
