"""Actions that change stacks directly: create, update, delete, roll back, protect."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from localcloud.cloudformation.api.planner import Planner
from localcloud.cloudformation.api.targets import Targets
from localcloud.cloudformation.engine.operations import Operations
from localcloud.cloudformation.engine.registry import StackRegistry
from localcloud.cloudformation.engine.state import Operation, Stack, Target
from localcloud.cloudformation.errors import (
    CloudFormationError,
    ResourceFailure,
    validation_error,
)


class StackActions:
    """The actions that start operations on stacks."""

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
            "ContinueUpdateRollback": self.continue_update_rollback,
            "CreateStack": self.create,
            "DeleteStack": self.delete,
            "RollbackStack": self.roll_back,
            "UpdateStack": self.update,
            "UpdateTerminationProtection": self.update_termination_protection,
        }

    def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Deploy a new stack."""
        name = request["StackName"]
        if request.get("DisableRollback") and request.get("OnFailure"):
            raise validation_error("Only one of DisableRollback and OnFailure may be specified")
        with self._registry.lock:
            self._targets.check_new_name(name)
            existing = self._registry.find(name)
            if existing is not None:
                if _same_token(existing, request):
                    return _started(existing)
                raise CloudFormationError(
                    "AlreadyExistsException", f"Stack [{name}] already exists"
                )
            role_arn = self._targets.role(request, None)
            target = self._targets.target(request, None)
            stack = self._registry.create(name)
            stack.role_arn = role_arn
            stack.termination_protection = bool(request.get("EnableTerminationProtection"))
            stack.retain_except_on_create = bool(request.get("RetainExceptOnCreate"))
            on_failure = "DO_NOTHING" if request.get("DisableRollback") else "ROLLBACK"
            started = self._deploy(stack, target, request, request.get("OnFailure", on_failure))
        self._operations.linger(started)
        return _started(stack)

    def update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Deploy to an existing stack; without changes a ValidationError says so."""
        with self._registry.lock:
            stack = self._existing(request)
            if _same_token(stack, request):
                return _started(stack)
            self._targets.check_updatable(stack)
            on_failure = "DO_NOTHING" if request.get("DisableRollback") else "ROLLBACK"
            self._targets.check_resumable(stack, on_failure)
            role_arn = self._targets.role(request, stack)
            target = self._targets.target(request, stack)
            if not self._would_change(stack, target):
                raise validation_error("No updates are to be performed.")
            stack.role_arn = role_arn
            stack.retain_except_on_create = bool(request.get("RetainExceptOnCreate"))
            started = self._deploy(stack, target, request, on_failure)
        self._operations.linger(started)
        return _started(stack)

    def _deploy(
        self, stack: Stack, target: Target, request: Mapping[str, Any], on_failure: str
    ) -> Operation:
        stack.change_set_id = None
        for change_set in stack.change_sets().values():
            change_set.execution_status = "OBSOLETE"
        return self._operations.deploy(
            stack, target, request.get("ClientRequestToken"), on_failure=on_failure
        )

    def _would_change(self, stack: Stack, target: Target) -> bool:
        try:
            return self._planner.plan(stack, target)[1]
        except ResourceFailure as error:
            raise validation_error(str(error)) from error

    def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a stack; one that does not exist, or is being deleted, is no error."""
        with self._registry.lock:
            stack = self._registry.find(request["StackName"])
            if stack is None or stack.deleted or stack.status == "DELETE_IN_PROGRESS":
                return {}
            if stack.termination_protection:
                raise validation_error(
                    f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
                )
            if stack.in_progress:
                raise validation_error(
                    f"Stack [{stack.name}] cannot be deleted while in status {stack.status}"
                )
            retain = request.get("RetainResources", ())
            if retain and stack.status != "DELETE_FAILED":
                raise validation_error(
                    "Invalid operation on stack. Specify which resources to retain only when the "
                    "stack is in the DELETE_FAILED state."
                )
            stack.role_arn = self._targets.role(request, stack)
            stack.deletion_mode = request.get("DeletionMode")
            started = self._operations.delete(
                stack,
                request.get("ClientRequestToken"),
                retain,
                force=stack.deletion_mode == "FORCE_DELETE_STACK",
            )
        self._operations.linger(started)
        return {}

    def roll_back(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Undo a failed operation that was run without rollback."""
        with self._registry.lock:
            stack = self._existing(request)
            if _same_token(stack, request):
                return _started(stack)
            if stack.status not in ("CREATE_FAILED", "UPDATE_FAILED"):
                raise validation_error(
                    f"Stack:{stack.stack_id} is in {stack.status} state and can not be rolled "
                    "back; allowed: CREATE_FAILED, UPDATE_FAILED"
                )
            stack.role_arn = self._targets.role(request, stack)
            stack.retain_except_on_create = bool(request.get("RetainExceptOnCreate"))
            started = self._operations.roll_back(stack, request.get("ClientRequestToken"))
        self._operations.linger(started)
        return _started(stack)

    def continue_update_rollback(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Go on with a rollback that failed."""
        with self._registry.lock:
            stack = self._existing(request)
            if _same_token(stack, request):
                return {}
            if stack.status != "UPDATE_ROLLBACK_FAILED":
                raise validation_error(
                    f"Stack:{stack.stack_id} is in {stack.status} state and its rollback can not "
                    "be continued; allowed: UPDATE_ROLLBACK_FAILED"
                )
            skip = request.get("ResourcesToSkip", ())
            _check_skippable(stack, skip)
            stack.role_arn = self._targets.role(request, stack)
            started = self._operations.continue_rollback(
                stack,
                request.get("ClientRequestToken"),
                skip,
                force=bool(request.get("ForceRollback")),
            )
        self._operations.linger(started)
        return {}

    def update_termination_protection(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Protect a stack from deletion, or stop protecting it."""
        stack = self._existing(request)
        stack.termination_protection = bool(request["EnableTerminationProtection"])
        return {"StackId": stack.stack_id}

    def _existing(self, request: Mapping[str, Any]) -> Stack:
        stack = self._registry.get(
            request["StackName"], lambda name: validation_error(f"Stack [{name}] does not exist")
        )
        if stack.deleted:
            raise validation_error(f"Stack [{stack.stack_id}] does not exist")
        return stack


def _same_token(stack: Stack, request: Mapping[str, Any]) -> bool:
    """Whether this request is a retry of the one that started the stack's last operation."""
    token = request.get("ClientRequestToken")
    return bool(token) and stack.operation is not None and stack.operation.token == token


def _started(stack: Stack) -> dict[str, Any]:
    operation = stack.operation
    answer = {"StackId": stack.stack_id}
    if operation is not None:
        answer["OperationId"] = operation.operation_id
    return answer


def _check_skippable(stack: Stack, logical_ids: Collection[str]) -> None:
    """Only what a rollback could not restore can be skipped (ContinueUpdateRollback)."""
    resources = stack.resources()
    wrong = [
        name
        for name in logical_ids
        if name not in resources or resources[name].status != "UPDATE_FAILED"
    ]
    if wrong:
        raise validation_error(
            f"ResourcesToSkip: [{', '.join(wrong)}] cannot be skipped; allowed: resources in the "
            "UPDATE_FAILED state"
        )
