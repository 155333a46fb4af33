"""Brings a stack to its target: the same path for a new stack and an update.

Resources are brought up in dependency order, one after the other; what is no longer wanted is
deleted last, when everything else has succeeded. The first failure ends the deployment, or the
path that it is on where what succeeds is to be preserved; the caller decides about the rollback.
"""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.cloudformation.engine.changes import differing
from localcloud.cloudformation.engine.importing import found_for_import
from localcloud.cloudformation.engine.provisioning import Provisioner
from localcloud.cloudformation.engine.registry import StackRegistry
from localcloud.cloudformation.engine.resolution import CurrentResources, ResolvedTarget
from localcloud.cloudformation.engine.state import Identity, Output, Stack, StackResource, Step
from localcloud.cloudformation.errors import CloudFormationError, ResourceFailure
from localcloud.cloudformation.resources.handler import ResourceHandler
from localcloud.cloudformation.template.declarations import ResourceDeclaration
from localcloud.cloudformation.template.evaluation import Scope


class Deployment:
    """One run towards a target. Raises ResourceFailure from `bring` when a step fails."""

    def __init__(
        self,
        stack: Stack,
        resolved: ResolvedTarget,
        handlers: Mapping[str, ResourceHandler],
        registry: StackRegistry,
        provisioner: Provisioner,
    ) -> None:
        self._stack = stack
        self._resolved = resolved
        self._handlers = handlers
        self._registry = registry
        self._provisioner = provisioner
        self._imported: set[str] = set()
        self._scope: Scope = resolved.scope(CurrentResources(stack), self._import)
        # Logical ids, and the operation ("create", "update") that failed for each.
        self.failed: dict[str, str] = {}

    def _import(self, export_name: str) -> str:
        self._imported.add(export_name)
        return self._registry.import_value(self._stack, export_name)

    def bring(self, *, preserve: bool) -> None:
        """Make, change and replace resources, then publish outputs and exports.

        With `preserve` a failure stops only what depends on it; then all failures end it together.
        """
        stopped: set[str] = set()
        for logical_id in self._resolved.order:
            if not stopped.isdisjoint(self._resolved.graph[logical_id]):
                stopped.add(logical_id)
                continue
            current = self._stack.resource(logical_id)
            try:
                self._bring_one(self._resolved.declared[logical_id])
            except (ResourceFailure, CloudFormationError) as error:
                new = current is None or current.incomplete
                self.failed[logical_id] = "create" if new else "update"
                stopped.add(logical_id)
                if not preserve:
                    raise ResourceFailure(str(error)) from error
        if self.failed:
            raise ResourceFailure(f"{', '.join(self.failed)} failed")
        self._registry.publish(self._stack, self._outputs())
        self._stack.imports = frozenset(self._imported)

    def _bring_one(self, declaration: ResourceDeclaration) -> None:
        logical_id = declaration.logical_id
        current = self._stack.resource(logical_id)
        dependencies = frozenset(
            (name, None if resource is None else resource.physical_id)
            for name in self._resolved.graph[logical_id]
            for resource in [self._stack.resource(name)]
        )
        handler = self._handlers[declaration.type]
        try:
            properties = self._resolved.properties(logical_id, handler, self._scope)
        except (ResourceFailure, CloudFormationError) as error:
            self._refuse(declaration, dependencies, current, str(error))
            raise
        if current is None:
            existing = found_for_import(self._resolved.target, None, handler, properties)
            if existing is not None:
                self._provisioner.adopt(declaration, dependencies, properties, existing)
            else:
                self._provisioner.create(declaration, dependencies, properties)
            return
        if current.incomplete:
            if current.physical_id is not None:
                self._provisioner.delete(current)
            self._provisioner.create(declaration, dependencies, properties, again=True)
            return
        changed = differing(current.properties, properties)
        if changed & handler.replace_on:
            self._refuse_same_name(declaration, current, properties, handler)
            self._provisioner.create(declaration, dependencies, properties, replacing=current)
        elif changed | current.unsettled:
            changed |= current.unsettled
            self._provisioner.update(current, declaration, dependencies, properties, changed)
        else:
            self._provisioner.redeclare(current, declaration, dependencies)

    def _refuse(
        self,
        declaration: ResourceDeclaration,
        dependencies: frozenset[Identity],
        current: StackResource | None,
        reason: str,
    ) -> None:
        """Report a resource whose properties cannot even be evaluated."""
        if current is not None:
            failed = current.now_in("UPDATE_FAILED", reason)
        else:
            failed = StackResource(
                declaration.logical_id, declaration.type, declaration, dependencies, incomplete=True
            ).now_in("CREATE_FAILED", reason)
        self._provisioner.recorder.resource(failed)

    def _refuse_same_name(
        self,
        declaration: ResourceDeclaration,
        current: StackResource,
        properties: Mapping[str, object],
        handler: ResourceHandler,
    ) -> None:
        name = handler.name_property
        if name is None or name not in properties:
            return
        if current.properties.get(name) == properties[name]:
            reason = (
                "CloudFormation cannot update a stack when a custom-named resource requires "
                f"replacing. Rename {properties[name]} and update the stack again."
            )
            self._refuse(declaration, current.dependencies, current, reason)
            raise ResourceFailure(reason)

    def _outputs(self) -> tuple[Output, ...]:
        outputs = []
        for key, declared in self._resolved.outputs.items():
            value = self._scope.evaluate(declared.value)
            if not isinstance(value, str | int | float):
                raise ResourceFailure(f"Output {key} must be a string, not {value!r}")
            export = self._scope.evaluate(declared.export_name)
            text = ("true" if value else "false") if isinstance(value, bool) else str(value)
            outputs.append(
                Output(key, text, declared.description, None if export is None else str(export))
            )
        return tuple(outputs)

    def clean_up(self) -> None:
        """Delete what was replaced or is no longer declared, dependents first.

        A deletion that fails is reported and given up, as CloudFormation does: the deployment has
        succeeded by then.
        """
        replaced = [
            entry.before
            for entry in self._stack.journal
            if entry.step is Step.REPLACED and entry.before is not None
        ]
        removed = [
            resource
            for logical_id, resource in self._stack.resources().items()
            if logical_id not in self._resolved.declared
        ]
        for resource in deletion_order([*replaced, *removed]):
            current = resource.identity in {item.identity for item in removed}
            declared = self._resolved.declared.get(resource.logical_id)
            policy = resource.declaration.deletion_policy
            if declared is not None:
                policy = declared.update_replace_policy
            if policy == "Delete":
                try:
                    self._provisioner.delete(resource, current=current)
                except ResourceFailure:
                    if current:
                        self._stack.drop(resource.logical_id)
            else:
                self._provisioner.keep(resource, current=current)


def deletion_order(resources: list[StackResource]) -> list[StackResource]:
    """Dependents before what they depend on.

    Resources of different generations of a template may form circles (after an interrupted
    update); an edge that closes one is passed over, since deleting must always be possible.
    Among resources that are free to go, the last of the list goes first.
    """
    by_identity = {resource.identity: resource for resource in resources}
    ordered: list[StackResource] = []
    visited: set[Identity] = set()

    def visit(resource: StackResource) -> None:
        visited.add(resource.identity)
        for identity, dependency in by_identity.items():
            if identity in resource.dependencies and identity not in visited:
                visit(dependency)
        ordered.append(resource)

    for resource in by_identity.values():
        if resource.identity not in visited:
            visit(resource)
    return ordered[::-1]
