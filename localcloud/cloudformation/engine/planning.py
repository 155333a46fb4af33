"""What a deployment would change, found without changing anything.

Every resource's properties are evaluated against what is known now; what hangs on a resource that
will be made or replaced is unknown. The deployment itself decides again with real values, so that
a plan may say "Conditional" where the deployment then finds nothing to do, never the reverse.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localcloud.cloudformation.errors import unresolved_dependency
from localcloud.cloudformation.resources.handler import ResourceHandler
from localcloud.cloudformation.resources.schema import conform
from localcloud.cloudformation.template.declarations import ResourceDeclaration
from localcloud.cloudformation.template.evaluation import UNKNOWN, NotYetKnown, Scope

if TYPE_CHECKING:
    from localcloud.cloudformation.engine.state import StackResource


@dataclass(frozen=True)
class PropertyChange:
    """One top-level property that differs, or one other attribute (Metadata, a policy)."""

    attribute: str
    name: str | None
    requires_recreation: str
    dynamic: bool
    direct: bool


@dataclass(frozen=True)
class ResourceChange:
    """What would happen to one resource; `replacement` is set for Modify only."""

    action: str
    logical_id: str
    type: str
    physical_id: str | None = None
    replacement: str | None = None
    policy_action: str | None = None
    details: tuple[PropertyChange, ...] = ()


def holds_unknown(value: Any) -> bool:
    """Whether any part of an evaluated value is unknown."""
    if isinstance(value, dict):
        return any(holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_unknown(item) for item in value)
    return value is UNKNOWN


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> frozenset[str]:
    """Top-level properties that differ between two evaluated sets of properties."""
    return frozenset(name for name in {*old, *new} if old.get(name) != new.get(name))


class PlannedResources:
    """Looks references up in the future, as far as it is known."""

    def __init__(
        self,
        declared: Collection[str],
        current: Mapping[str, StackResource],
        handlers: Mapping[str, ResourceHandler],
    ) -> None:
        """`declared`: the resources that there will be, whose conditions hold."""
        self._declared = declared
        self._current = current
        self._handlers = handlers
        self._remade: set[str] = set()
        self._changed: set[str] = set()

    def will_be_made(self, logical_id: str) -> None:
        """Nothing about this resource is known before the deployment."""
        self._remade.add(logical_id)

    def will_be_changed(self, logical_id: str) -> None:
        """Its volatile attributes are not known before the deployment."""
        self._changed.add(logical_id)

    def _known(self, logical_id: str) -> StackResource:
        if logical_id not in self._declared:
            raise unresolved_dependency(logical_id)
        resource = self._current.get(logical_id)
        if logical_id in self._remade or resource is None or resource.physical_id is None:
            raise NotYetKnown
        return resource

    def ref(self, logical_id: str) -> Any:
        """The physical id, unless it will be a new one."""
        return self._known(logical_id).physical_id

    def get_att(self, logical_id: str, attribute: str) -> Any:
        """The attribute, unless the deployment may change it."""
        resource = self._known(logical_id)
        volatile = self._handlers[resource.type].volatile_attributes
        if logical_id in self._changed and attribute in volatile:
            raise NotYetKnown
        return resource.attributes[attribute]


def plan_changes(
    order: list[str],
    declared: Mapping[str, ResourceDeclaration],
    current: Mapping[str, StackResource],
    handlers: Mapping[str, ResourceHandler],
    scope: Scope,
    planned: PlannedResources,
) -> tuple[ResourceChange, ...]:
    """All changes, in the order in which they would be made; removals last.

    `scope` must look references up in `planned`. Raises ResourceFailure or CloudFormationError
    when a value cannot be evaluated or has the wrong shape.
    """
    changes = []
    for logical_id in order:
        declaration = declared[logical_id]
        handler = handlers[declaration.type]
        properties = conform(handler.schema, scope.evaluate(dict(declaration.properties)), "")
        resource = current.get(logical_id)
        if resource is None or resource.incomplete:
            planned.will_be_made(logical_id)
            changes.append(ResourceChange("Add", logical_id, declaration.type))
            continue
        change = _modification(declaration, resource, handler, properties)
        if change is None:
            continue
        if change.replacement != "False":
            planned.will_be_made(logical_id)
        elif any(detail.attribute == "Properties" for detail in change.details):
            planned.will_be_changed(logical_id)
        changes.append(change)
    changes.extend(
        ResourceChange(
            "Remove",
            logical_id,
            resource.type,
            resource.physical_id,
            policy_action="Delete"
            if resource.declaration.deletion_policy == "Delete"
            else "Retain",
        )
        for logical_id, resource in current.items()
        if logical_id not in declared
    )
    return tuple(changes)


def _modification(
    declaration: ResourceDeclaration,
    resource: StackResource,
    handler: ResourceHandler,
    properties: Mapping[str, Any],
) -> ResourceChange | None:
    details = []
    for name in sorted(differing(resource.properties, properties) | resource.unsettled):
        dynamic = holds_unknown(properties.get(name))
        recreation = "Never"
        if name in handler.replace_on:
            recreation = "Conditionally" if dynamic else "Always"
        direct = declaration.properties.get(name) != resource.declaration.properties.get(name)
        details.append(PropertyChange("Properties", name, recreation, dynamic, direct))
    before = resource.declaration
    for attribute, old, new in (
        ("Metadata", before.metadata, declaration.metadata),
        ("DeletionPolicy", before.deletion_policy, declaration.deletion_policy),
        ("UpdateReplacePolicy", before.update_replace_policy, declaration.update_replace_policy),
    ):
        if old != new:
            details.append(PropertyChange(attribute, None, "Never", False, True))
    if not details:
        return None
    recreations = {detail.requires_recreation for detail in details}
    replacement = "False"
    if "Always" in recreations:
        replacement = "True"
    elif "Conditionally" in recreations:
        replacement = "Conditional"
    return ResourceChange(
        "Modify",
        declaration.logical_id,
        declaration.type,
        resource.physical_id,
        replacement,
        _replace_action(declaration) if replacement == "True" else None,
        tuple(details),
    )


def _replace_action(declaration: ResourceDeclaration) -> str:
    retained = declaration.update_replace_policy == "Retain"
    return "ReplaceAndRetain" if retained else "ReplaceAndDelete"
