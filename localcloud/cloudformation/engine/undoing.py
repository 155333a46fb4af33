"""Undoes a failed operation from its journal, and deletes whole stacks.

Steps are undone newest first: changed resources get their former properties back, replaced ones
point to their predecessor again; only when all that has succeeded is anything deleted. What fails
stays in the journal, so that a later attempt can go on from there.
"""

from __future__ import annotations

from collections.abc import Collection

from localcloud.cloudformation.engine.deployment import deletion_order
from localcloud.cloudformation.engine.provisioning import Provisioner
from localcloud.cloudformation.engine.state import (
    Identity,
    JournalEntry,
    Stack,
    StackResource,
    Step,
)
from localcloud.cloudformation.errors import ResourceFailure

SKIPPED_REASON = "Resource skipped during UpdateRollback"


def restore_former_state(
    stack: Stack,
    provisioner: Provisioner,
    skip: Collection[str] = (),
    *,
    skip_failing: bool = False,
) -> list[str]:
    """Undo changes and replacements; collect in `stack.leftovers` what is then to be deleted.

    `skip` names resources to leave as they are; with `skip_failing` those that cannot be restored
    are left too. Returns the logical ids that failed.
    """
    failed: list[str] = []
    kept: list[JournalEntry] = []
    for entry in reversed(_without_stopovers(stack.journal)):
        current = stack.resource(entry.logical_id)
        try:
            _undo(entry, current, stack, provisioner, entry.logical_id in skip)
        except ResourceFailure:
            if skip_failing and entry.before is not None:
                _leave(entry.before, stack, provisioner)
            else:
                failed.append(entry.logical_id)
                kept.append(entry)
    stack.journal = kept[::-1]
    return failed


def _without_stopovers(journal: list[JournalEntry]) -> list[JournalEntry]:
    """The journal without changes to what an older entry changes back, or deletes, altogether."""
    known: set[str] = set()
    needed = []
    for entry in journal:
        if entry.step is not Step.CHANGED or entry.logical_id not in known:
            needed.append(entry)
        if entry.step is not Step.IMPORTED:
            known.add(entry.logical_id)
    return needed


def _undo(
    entry: JournalEntry,
    current: StackResource | None,
    stack: Stack,
    provisioner: Provisioner,
    skipped: bool,
) -> None:
    before = entry.before
    if current is None:
        return
    if entry.step is Step.IMPORTED:
        provisioner.keep(current)
    elif before is None:
        stack.leftovers.append(current)
    elif entry.step is Step.REPLACED:
        stack.leftovers.append(current)
        stack.put(before)
    elif skipped:
        _leave(before, stack, provisioner)
    elif current.unsettled or current.properties != before.properties:
        provisioner.restore(current, before)
    else:
        stack.put(before)


def _leave(before: StackResource, stack: Stack, provisioner: Provisioner) -> None:
    left = before.now_in("UPDATE_COMPLETE", SKIPPED_REASON)
    stack.put(left)
    provisioner.recorder.resource(left)


def restore_failed(stack: Stack, provisioner: Provisioner, failed: Collection[str]) -> None:
    """Restore resources whose update failed to their last stable state; they stay UPDATE_FAILED.

    That is what becomes of them when a failed operation preserves what succeeded. What cannot be
    restored stays unsettled for the next operation.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
    """
    for logical_id in failed:
        entry = next(e for e in reversed(stack.journal) if e.logical_id == logical_id)
        current = stack.resource(logical_id)
        if current is None or entry.step is not Step.CHANGED or entry.before is None:
            continue
        reason = current.status_reason
        try:
            provisioner.restore(current, entry.before)
        except ResourceFailure:
            continue
        restored = stack.resource(logical_id)
        if restored is not None:
            stack.put(restored.now_in("UPDATE_FAILED", reason))


def delete_leftovers(
    stack: Stack, provisioner: Provisioner, *, retain_except_on_create: bool, give_up: bool
) -> list[str]:
    """Delete what the failed operation had made; return the logical ids that failed.

    A Retain policy holds for resources made by the failed operation too, unless it is
    RetainExceptOnCreate or the caller asks for that. With `give_up` a resource that cannot be
    deleted is dropped from the stack (an update's rollback succeeds nevertheless).
    """
    failed: list[str] = []
    remaining: list[StackResource] = []
    # Newest first, but for what was made in an early attempt and uses something from a later one.
    for resource in deletion_order(stack.leftovers[::-1]):
        current = stack.resource(resource.logical_id)
        own = current is not None and current.physical_id == resource.physical_id
        keeps = resource.declaration.deletion_policy == "Retain" and not retain_except_on_create
        if keeps and not resource.incomplete:
            provisioner.keep(resource, current=own)
            continue
        try:
            provisioner.delete(resource, current=own)
        except ResourceFailure:
            if give_up:
                if own:
                    stack.drop(resource.logical_id)
            else:
                failed.append(resource.logical_id)
                remaining.append(resource)
    stack.leftovers = remaining
    return failed


def delete_everything(
    stack: Stack, provisioner: Provisioner, retain: Collection[str], *, force: bool
) -> list[str]:
    """Delete a stack's resources, dependents first; return the logical ids that failed.

    What a failed resource depends on is left alone; everything else is deleted all the same.
    `retain` names resources to let go of; with `force` failing ones are let go of too.
    """
    failed: list[str] = []
    needed: set[Identity] = set()
    own = stack.resources()
    predecessors = [
        entry.before
        for entry in stack.journal
        if entry.step is Step.REPLACED and entry.before is not None
    ]
    others = [
        resource
        for resource in [*predecessors, *stack.leftovers]
        if resource.identity not in {mine.identity for mine in own.values()}
    ]
    for resource in deletion_order([*own.values(), *others]):
        current = own.get(resource.logical_id) is resource
        if resource.identity in needed:
            needed |= resource.dependencies
            continue
        if resource.logical_id in retain or _is_retained(resource):
            provisioner.keep(resource, current=current)
            continue
        try:
            provisioner.delete(resource, current=current)
        except ResourceFailure:
            if force:
                provisioner.keep(resource, current=current)
            else:
                failed.append(resource.logical_id)
                needed |= resource.dependencies
    if not failed:
        stack.journal = []
        stack.leftovers = []
    return failed


def _is_retained(resource: StackResource) -> bool:
    return resource.declaration.deletion_policy != "Delete" and not resource.incomplete
