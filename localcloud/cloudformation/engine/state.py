"""What is remembered of a stack: settings, resources, events, change sets, and how to go back.

Only holds state; who may change it when is decided by the operations. Readers and the operation's
thread share a stack, so every access to its collections goes through a method that takes the lock.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from localcloud.cloudformation.engine.changes import ResourceChange, differing
from localcloud.cloudformation.template.declarations import ResourceDeclaration, Template
from localcloud.cloudformation.template.parameters import ParameterValue


def now() -> datetime:
    """Time stamps of the API are UTC."""
    return datetime.now(UTC)


# Logical and physical id: a replaced resource and its successor share only the first.
Identity = tuple[str, str | None]


@dataclass(frozen=True)
class StackResource:
    """One resource of a stack as it stands; `properties` are evaluated.

    `dependencies` names the very resources that it was made or last changed upon; after a failed
    update, those that it was to be changed upon as well.
    `possible`: after failed updates, all properties that it may have in part; empty once settled.
    `incomplete`: its creation failed; it must be deleted (if it exists at all) and made anew.
    """

    logical_id: str
    type: str
    declaration: ResourceDeclaration
    dependencies: frozenset[Identity]
    physical_id: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    status: str = ""
    status_reason: str | None = None
    updated_at: datetime = field(default_factory=now)
    possible: tuple[Mapping[str, Any], ...] = ()
    incomplete: bool = False

    @property
    def unsettled(self) -> frozenset[str]:
        """Names of properties that failed updates may or may not have changed."""
        return frozenset[str]().union(*(differing(p, self.properties) for p in self.possible))

    @property
    def identity(self) -> Identity:
        """What tells it apart from all other resources of its stack, former ones included."""
        return self.logical_id, self.physical_id

    def now_in(self, status: str, reason: str | None = None, **changes: Any) -> StackResource:
        """This resource in another status."""
        return replace(self, status=status, status_reason=reason, updated_at=now(), **changes)


@dataclass(frozen=True)
class Target:
    """Where a deployment is meant to lead."""

    template: Template
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    tags: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[str, ...] = ()
    deployment_mode: str = "STANDARD"
    import_existing: bool = False


@dataclass(frozen=True)
class Output:
    """One evaluated output."""

    key: str
    value: str
    description: str | None
    export_name: str | None


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    event_id: str
    operation_id: str
    operation_type: str
    token: str | None
    timestamp: datetime
    logical_id: str
    physical_id: str | None
    resource_type: str
    status: str
    reason: str | None
    properties: str | None = None


class Step(Enum):
    """What was done to a resource since the stack was last stable."""

    MADE = "made"
    CHANGED = "changed"
    REPLACED = "replaced"
    IMPORTED = "imported"


@dataclass(frozen=True)
class JournalEntry:
    """One step and what it takes to undo it: the resource as it was before."""

    step: Step
    logical_id: str
    before: StackResource | None


@dataclass
class ChangeSet:
    """A planned deployment. `name` is unique within its stack only: CDK uses one for all stacks."""

    change_set_id: str
    name: str
    type: str
    target: Target
    changes: tuple[ResourceChange, ...]
    status: str
    status_reason: str | None
    execution_status: str
    role_arn: str | None = None
    description: str | None = None
    token: str | None = None
    include_nested_stacks: bool = False
    on_stack_failure: str | None = None
    created_at: datetime = field(default_factory=now)


@dataclass(frozen=True)
class Operation:
    """One run of something on a stack, as events are labelled with it."""

    kind: str
    token: str | None = None
    operation_id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Stack:
    """A stack, live or deleted."""

    def __init__(self, name: str, stack_id: str) -> None:
        self.name = name
        self.stack_id = stack_id
        self.lock = threading.RLock()
        # Set when the stack has been described since its last watched operation began.
        self.looked_at = threading.Event()
        self.created_at = now()
        self.updated_at: datetime | None = None
        self.deleted_at: datetime | None = None
        self.status = "REVIEW_IN_PROGRESS"
        self.status_reason: str | None = None
        self.target = Target(Template.empty())
        # What a rollback returns to; differs from `target` between a failure and its end.
        self.stable_target = self.target
        self.termination_protection = False
        self.disable_rollback = False
        self.retain_except_on_create = False
        self.deletion_mode: str | None = None
        self.change_set_id: str | None = None
        self.operation: Operation | None = None
        # Kept for all operations until a request names another one.
        self.role_arn: str | None = None
        self.imports: frozenset[str] = frozenset()
        self.stable_imports: frozenset[str] = frozenset()
        self.ever_stable = False
        self.journal: list[JournalEntry] = []
        # Physical resources that a rollback has still to delete, newest first.
        self.leftovers: list[StackResource] = []
        self._resources: dict[str, StackResource] = {}
        self._outputs: tuple[Output, ...] = ()
        self._events: list[Event] = []
        self._change_sets: dict[str, ChangeSet] = {}

    @property
    def in_progress(self) -> bool:
        """Whether an operation is running (waiting for review is none)."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def deleted(self) -> bool:
        """Whether only its id finds it any more."""
        return self.status == "DELETE_COMPLETE"

    def resources(self) -> dict[str, StackResource]:
        """A copy of the resources by logical id."""
        with self.lock:
            return dict(self._resources)

    def resource(self, logical_id: str) -> StackResource | None:
        """One resource."""
        with self.lock:
            return self._resources.get(logical_id)

    def put(self, resource: StackResource) -> None:
        """Remember a resource in its newest state."""
        with self.lock:
            self._resources[resource.logical_id] = resource

    def drop(self, logical_id: str) -> None:
        """Forget a resource: it is deleted, retained or was never made."""
        with self.lock:
            self._resources.pop(logical_id, None)

    def outputs(self) -> tuple[Output, ...]:
        """The outputs of the last successful deployment."""
        with self.lock:
            return self._outputs

    def set_outputs(self, outputs: tuple[Output, ...]) -> None:
        """Replace all outputs."""
        with self.lock:
            self._outputs = outputs

    def events(self) -> list[Event]:
        """All events, oldest first."""
        with self.lock:
            return list(self._events)

    def add_event(self, event: Event) -> None:
        """Append to the history."""
        with self.lock:
            self._events.append(event)

    def change_sets(self) -> dict[str, ChangeSet]:
        """A copy of the change sets by name."""
        with self.lock:
            return dict(self._change_sets)

    def put_change_set(self, change_set: ChangeSet) -> None:
        """Keep a change set under its name."""
        with self.lock:
            self._change_sets[change_set.name] = change_set

    def drop_change_set(self, name: str) -> None:
        """Forget a change set."""
        with self.lock:
            self._change_sets.pop(name, None)
