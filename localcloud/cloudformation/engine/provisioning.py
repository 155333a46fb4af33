"""Makes, changes and removes single resources, and writes down how to undo it.

Every step is journalled before the service is called, so that whatever a failure leaves behind is
known to the rollback. Any failure becomes a ResourceFailure with the service's own words.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloudformation.engine.changes import differing
from localcloud.cloudformation.engine.recording import Recorder
from localcloud.cloudformation.engine.state import (
    Identity,
    JournalEntry,
    Stack,
    StackResource,
    Step,
)
from localcloud.cloudformation.errors import CloudFormationError, ResourceFailure
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
)
from localcloud.cloudformation.template.declarations import ResourceDeclaration

_LOG = logging.getLogger(__name__)


def failure_reason(error: Exception) -> str:
    """A status reason from whatever a handler raised."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        metadata = error.response.get("ResponseMetadata", {})
        return (
            f"{details.get('Message') or error} (Operation: {error.operation_name}, "
            f"Status Code: {metadata.get('HTTPStatusCode')}, Error Code: {details.get('Code')})"
        )
    if isinstance(error, ResourceFailure | CloudFormationError | BotoCoreError):
        return str(error)
    _LOG.exception("a resource handler failed unexpectedly", exc_info=error)
    return f"Internal failure in the resource handler: {type(error).__name__}: {error}"


def _distinct(*possible: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Each set of properties once."""
    different: list[Mapping[str, Any]] = []
    for properties in possible:
        if properties not in different:
            different.append(properties)
    return tuple(different)


class Provisioner:
    """Applies single steps to the resources of one stack."""

    def __init__(
        self, stack: Stack, recorder: Recorder, handlers: Mapping[str, ResourceHandler]
    ) -> None:
        self.stack = stack
        self.recorder = recorder
        self.handlers = handlers

    def create(
        self,
        declaration: ResourceDeclaration,
        dependencies: frozenset[Identity],
        properties: Mapping[str, Any],
        *,
        replacing: StackResource | None = None,
        again: bool = False,
    ) -> None:
        """Make a resource; `replacing` its predecessor, which stays until the end.

        `again`: a former attempt already journalled it. Raises ResourceFailure.
        """
        verb = "CREATE" if replacing is None else "UPDATE"
        resource = StackResource(
            declaration.logical_id,
            declaration.type,
            declaration,
            dependencies,
            properties=properties,
            status=f"{verb}_IN_PROGRESS",
            incomplete=True,
        )
        if replacing is None:
            self.stack.put(resource)
            if not again:
                self._journal(Step.MADE, declaration.logical_id, None)
            self.recorder.resource(resource)
        else:
            self.recorder.resource(
                replace(resource, physical_id=replacing.physical_id),
                "Requested update requires the creation of a new physical resource; "
                "hence creating one.",
            )

        def started(physical_id: str) -> None:
            nonlocal resource
            if resource.physical_id is not None:
                return
            resource = replace(resource, physical_id=physical_id)
            self.stack.put(resource)
            if replacing is not None and not again:
                self._journal(Step.REPLACED, declaration.logical_id, replacing)
            self.recorder.resource(resource, "Resource creation Initiated")

        try:
            made = self.handlers[declaration.type].create(
                Creation(
                    self.stack.name,
                    self.stack.stack_id,
                    declaration.logical_id,
                    properties,
                    started,
                )
            )
        except Exception as error:
            reason = failure_reason(error)
            failed = resource.now_in(f"{verb}_FAILED", reason)
            if replacing is not None and resource.physical_id is None:
                failed = replacing.now_in("UPDATE_FAILED", reason)
            self.stack.put(failed)
            self.recorder.resource(failed)
            raise ResourceFailure(reason) from error
        started(made.physical_id)
        resource = resource.now_in(
            f"{verb}_COMPLETE",
            physical_id=made.physical_id,
            attributes=made.attributes,
            incomplete=False,
        )
        self.stack.put(resource)
        self.recorder.resource(resource)

    def adopt(
        self,
        declaration: ResourceDeclaration,
        dependencies: frozenset[Identity],
        properties: Mapping[str, Any],
        found: Provisioned,
    ) -> None:
        """Take a resource that exists into the stack, as it is; a rollback lets go of it again."""
        resource = StackResource(
            declaration.logical_id,
            declaration.type,
            declaration,
            dependencies,
            physical_id=found.physical_id,
            properties=properties,
            attributes=found.attributes,
            status="IMPORT_IN_PROGRESS",
        )
        self._journal(Step.IMPORTED, declaration.logical_id, None)
        self.stack.put(resource)
        self.recorder.resource(resource, "Resource import started.")
        done = resource.now_in("IMPORT_COMPLETE")
        self.stack.put(done)
        self.recorder.resource(done, "Resource import completed.")

    def update(
        self,
        current: StackResource,
        declaration: ResourceDeclaration,
        dependencies: frozenset[Identity],
        properties: Mapping[str, Any],
        changed: frozenset[str],
    ) -> None:
        """Change a resource in place. Raises ResourceFailure."""
        self._journal(Step.CHANGED, current.logical_id, current)
        after = replace(
            current, declaration=declaration, dependencies=dependencies, properties=properties
        )
        self._apply(current, after, changed, restoring=False)

    def restore(self, current: StackResource, before: StackResource) -> None:
        """Give a resource its former properties back; not journalled. Raises ResourceFailure."""
        changed = differing(current.properties, before.properties) | current.unsettled
        self._apply(current, before, changed, restoring=True)

    def _apply(
        self,
        current: StackResource,
        after: StackResource,
        changed: frozenset[str],
        *,
        restoring: bool,
    ) -> None:
        # Until it has succeeded it may be on either side, and need what either side needs.
        between: dict[str, Any] = {
            "possible": _distinct(*current.possible, current.properties, after.properties),
            "dependencies": current.dependencies | after.dependencies,
        }
        self.stack.put(after.now_in("UPDATE_IN_PROGRESS", **between))
        self.recorder.resource(after.now_in("UPDATE_IN_PROGRESS"))
        if current.physical_id is None:
            raise ResourceFailure(f"{current.logical_id} does not exist and cannot be updated")
        try:
            made = self.handlers[after.type].update(
                Update(
                    self.stack.stack_id,
                    current.logical_id,
                    current.physical_id,
                    current.attributes,
                    current.properties,
                    after.properties,
                    changed,
                    current.possible,
                )
            )
        except Exception as error:
            reason = failure_reason(error)
            self.recorder.resource(after.now_in("UPDATE_FAILED", reason))
            kept = current if restoring else after
            self.stack.put(kept.now_in("UPDATE_FAILED", reason, **between))
            raise ResourceFailure(reason) from error
        done = after.now_in("UPDATE_COMPLETE", attributes=made.attributes, possible=())
        self.stack.put(done)
        self.recorder.resource(done)

    def redeclare(
        self,
        current: StackResource,
        declaration: ResourceDeclaration,
        dependencies: frozenset[Identity],
    ) -> None:
        """Take over a declaration that changes nothing in the service (metadata, policies)."""
        after = replace(current, declaration=declaration, dependencies=dependencies)
        if after != current:
            self._journal(Step.CHANGED, current.logical_id, current)
            self.stack.put(after)

    def delete(self, resource: StackResource, *, current: bool = True) -> None:
        """Remove a resource; `current`: it is the stack's own, not a replaced predecessor.

        Raises ResourceFailure.
        """
        self._note(resource.now_in("DELETE_IN_PROGRESS"), current)
        if resource.physical_id is not None:
            try:
                self.handlers[resource.type].delete(
                    Deletion(resource.physical_id, resource.properties, resource.possible)
                )
            except Exception as error:
                failed = resource.now_in("DELETE_FAILED", failure_reason(error))
                self._note(failed, current)
                raise ResourceFailure(str(failed.status_reason)) from error
        self.recorder.resource(resource.now_in("DELETE_COMPLETE"))
        if current:
            self.stack.drop(resource.logical_id)

    def keep(self, resource: StackResource, *, current: bool = True) -> None:
        """Let go of a resource without deleting it, as a Retain policy asks."""
        self.recorder.resource(resource.now_in("DELETE_SKIPPED"))
        if current:
            self.stack.drop(resource.logical_id)

    def _note(self, resource: StackResource, current: bool) -> None:
        if current:
            self.stack.put(resource)
        self.recorder.resource(resource)

    def _journal(self, step: Step, logical_id: str, before: StackResource | None) -> None:
        self.stack.journal.append(JournalEntry(step, logical_id, before))
