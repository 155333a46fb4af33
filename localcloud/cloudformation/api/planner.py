"""What a target would change of a stack, for change sets and updates alike. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.cloudformation.engine.changes import ResourceChange
from localcloud.cloudformation.engine.planning import PlannedResources, plan_changes
from localcloud.cloudformation.engine.registry import StackRegistry
from localcloud.cloudformation.engine.resolution import resolve_target
from localcloud.cloudformation.engine.state import Stack, Target
from localcloud.cloudformation.resources.handler import ResourceHandler
from localcloud.context import CloudContext


class Planner:
    """Compares targets with stacks."""

    def __init__(
        self,
        context: CloudContext,
        registry: StackRegistry,
        handlers: Mapping[str, ResourceHandler],
    ) -> None:
        self._context = context
        self._registry = registry
        self._handlers = handlers

    def plan(self, stack: Stack, target: Target) -> tuple[tuple[ResourceChange, ...], bool]:
        """The changes of resources, and whether there is anything to do at all.

        Raises CloudFormationError or ResourceFailure when a value cannot be evaluated.
        """
        resolved = resolve_target(target, stack, self._context)
        current = stack.resources()
        planned = PlannedResources(resolved.declared, current, self._handlers)
        scope = resolved.scope(planned, self._registry.peek_value)
        changes = plan_changes(resolved, current, self._handlers, scope, planned)
        outputs = {
            key: (
                repr(scope.evaluate(output.value)),
                output.description,
                scope.evaluate(output.export_name),
            )
            for key, output in resolved.outputs.items()
        }
        former = {
            output.key: (repr(output.value), output.description, output.export_name)
            for output in stack.outputs()
        }
        different = (
            bool(changes)
            or outputs != former
            or not stack.ever_stable
            or target.tags != stack.target.tags
        )
        return changes, different
