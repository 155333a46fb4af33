"""Writes an operation's progress into the stack: its status and its events.

Within a stack every event is at least a millisecond later than the one before: clients sort
events by time stamps that they cut to milliseconds.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from localcloud.cloudformation.engine.state import Event, Operation, Stack, StackResource, now
from localcloud.cloudformation.template.declarations import Template

STACK_TYPE = "AWS::CloudFormation::Stack"


class Recorder:
    """The events of one operation."""

    def __init__(self, stack: Stack, operation: Operation) -> None:
        self.stack = stack
        self.operation = operation
        self.before_failure: Callable[[], None] = lambda: None

    def stack_status(self, status: str, reason: str | None = None) -> None:
        """Move the stack to a status and say so."""
        with self.stack.lock:
            self.stack.status = status
            self.stack.status_reason = _printable(reason)
            if status == "DELETE_COMPLETE":
                self.stack.deleted_at = now()
            elif status.startswith("UPDATE") and status.endswith("IN_PROGRESS"):
                self.stack.updated_at = now()
            self._add(self.stack.name, self.stack.stack_id, STACK_TYPE, status, reason, None)

    def resource(self, resource: StackResource, reason: str | None = None) -> None:
        """Say what state a resource is in."""
        if resource.status.endswith("_FAILED"):
            self.before_failure()
        self._add(
            resource.logical_id,
            resource.physical_id,
            resource.type,
            resource.status,
            reason if reason is not None else resource.status_reason,
            resource.properties,
        )

    def _add(
        self,
        logical_id: str,
        physical_id: str | None,
        resource_type: str,
        status: str,
        reason: str | None,
        properties: Mapping[str, Any] | None,
    ) -> None:
        with self.stack.lock:
            events = self.stack.events()
            timestamp = now()
            if events:
                timestamp = max(timestamp, events[-1].timestamp + timedelta(milliseconds=1))
            hidden = _hides_values(self.stack.target.template)
            self.stack.add_event(
                Event(
                    event_id=str(uuid.uuid4()),
                    operation_id=self.operation.operation_id,
                    operation_type=self.operation.kind,
                    token=self.operation.token,
                    timestamp=timestamp,
                    logical_id=logical_id,
                    physical_id=physical_id,
                    resource_type=resource_type,
                    status=status,
                    reason=_printable(reason),
                    properties=None
                    if properties is None or hidden
                    else json.dumps(properties, default=str),
                )
            )


def _hides_values(template: Template) -> bool:
    """Whether evaluated properties might hold the value of a NoEcho parameter."""
    return any(
        str(declaration.get("NoEcho", False)).lower() == "true"
        for declaration in template.parameters.values()
    )


def _printable(reason: str | None) -> str | None:
    """XML, in which the API answers, has no control characters."""
    if reason is None:
        return None
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in reason
    )
