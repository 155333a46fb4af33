"""What a deployment would change, found without changing anything.

Every resource's properties are evaluated against what is known now; what hangs on a resource that
will be made or replaced is unknown. The deployment itself decides again with real values, so that
a plan may say "Conditional" where the deployment then finds nothing to do, never the reverse.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from localcloud.cloudformation.engine.changes import PropertyChange, ResourceChange, differing
from localcloud.cloudformation.engine.importing import found_for_import
from localcloud.cloudformation.engine.resolution import ResolvedTarget
from localcloud.cloudformation.engine.state import StackResource
from localcloud.cloudformation.errors import ResourceFailure, unresolved_dependency
from localcloud.cloudformation.resources.handler import ResourceHandler
from localcloud.cloudformation.template.declarations import ResourceDeclaration
from localcloud.cloudformation.template.evaluation import UNKNOWN, NotYetKnown, Scope


def holds_unknown(value: Any) -> bool:
    """Whether any part of an evaluated value is unknown."""
    if isinstance(value, dict):
        return any(holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_unknown(item) for item in value)
    return value is UNKNOWN


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
    resolved: ResolvedTarget,
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
    unprotected = []
    for logical_id in resolved.order:
        declaration = resolved.declared[logical_id]
        handler = handlers[declaration.type]
        properties = resolved.properties(logical_id, handler, scope)
        resource = current.get(logical_id)
        if resource is None or resource.incomplete:
            planned.will_be_made(logical_id)
            existing = found_for_import(resolved.target, resource, handler, properties)
            if existing is None:
                added = ResourceChange("Add", logical_id, declaration.type, after=properties)
            else:
                added = ResourceChange(
                    "Import", logical_id, declaration.type, existing.physical_id, after=properties
                )
                if not declaration.has_deletion_policy:
                    unprotected.append(logical_id)
            changes.append(added)
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
            before=resource.properties,
        )
        for logical_id, resource in current.items()
        if logical_id not in resolved.declared
    )
    if unprotected:
        raise ResourceFailure(
            f"The following resources to import [{', '.join(unprotected)}] must have "
            "DeletionPolicy attribute specified in the template."
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
        before, after = resource.properties.get(name), properties.get(name)
        if name == "Tags" and not direct:
            # The stack's own tags have changed, or what they are added to.
            details.append(PropertyChange("Tags", None, recreation, dynamic, True, before, after))
        else:
            details.append(
                PropertyChange("Properties", name, recreation, dynamic, direct, before, after)
            )
    former = resource.declaration
    for attribute, old, new in (
        ("Metadata", former.metadata, declaration.metadata),
        ("DeletionPolicy", former.deletion_policy, declaration.deletion_policy),
        ("UpdateReplacePolicy", former.update_replace_policy, declaration.update_replace_policy),
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
        resource.properties,
        properties,
    )


def _replace_action(declaration: ResourceDeclaration) -> str:
    retained = declaration.update_replace_policy == "Retain"
    return "ReplaceAndRetain" if retained else "ReplaceAndDelete"
