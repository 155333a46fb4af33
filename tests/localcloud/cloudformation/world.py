"""A resource type whose things live in memory and know who uses them.

It holds the engine to its order: a thing cannot be made while what it uses is missing, nor deleted
while another one uses it.
"""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudformation import CloudFormationService
from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
)
from localcloud.cloudformation.resources.schema import TEXT, MapOf
from localcloud.context import CloudContext


@dataclass
class World:
    """All things by physical id, what was done to them, and what shall fail once."""

    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    # "create A", "create A half-way", "update A", "update A half-way" (its labels), "delete A":
    # fails the next time, then not again.
    failing: set[str] = field(default_factory=set)
    # What shall fail once something has failed: while the failure is undone.
    failing_next: set[str] = field(default_factory=set)
    # A creation waits for `gate` before it goes on, and tells by `reached` that it does.
    gate: threading.Event | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    # Every creation waits here for as many others as it takes.
    barrier: threading.Barrier | None = None

    def fail_if_asked(self, what: str) -> None:
        if what in self.failing:
            self.failing.discard(what)
            self.failing |= self.failing_next
            self.failing_next = set()
            raise ResourceFailure(f"asked to fail: {what}")

    def state(self) -> dict[str, dict[str, Any]]:
        return {physical_id: dict(thing) for physical_id, thing in self.things.items()}


class Thing(ResourceHandler):
    """Test::Thing: Name replaces, everything else is updated in place."""

    type_name = "Test::Thing"
    schema = {  # noqa: RUF012
        "Name": TEXT,
        "Value": TEXT,
        "Uses": [TEXT],
        "Fixed": TEXT,
        "Labels": MapOf(TEXT),
    }
    replace_on = frozenset({"Name", "Fixed"})
    attributes = frozenset({"Id", "Value"})
    volatile_attributes = frozenset({"Value"})
    name_property = "Fixed"

    def __init__(self, context: CloudContext, world: World) -> None:
        super().__init__(context)
        self._world = world
        self._numbers = itertools.count(1)

    def _check_uses(self, properties: Any) -> None:
        for used in properties.get("Uses", ()):
            if used not in self._world.things:
                raise AssertionError(f"{used} is used before it exists")

    def create(self, task: Creation) -> Provisioned:
        if self._world.gate is not None:
            self._world.reached.set()
            self._world.gate.wait(10)
        if self._world.barrier is not None:
            self._world.barrier.wait(30)
        self._check_uses(task.properties)
        self._world.fail_if_asked(f"create {task.logical_id}")
        physical_id = task.properties.get("Fixed", f"{task.logical_id}#{next(self._numbers)}")
        if physical_id in self._world.things:
            raise ResourceFailure(f"{physical_id} already exists")
        self._world.things[physical_id] = dict(task.properties)
        self._world.log.append(f"create {task.logical_id}")
        task.started(physical_id)
        self._world.fail_if_asked(f"create {task.logical_id} half-way")
        return self._provisioned(physical_id)

    def _provisioned(self, physical_id: str) -> Provisioned:
        value = self._world.things[physical_id].get("Value", "")
        return Provisioned(physical_id, {"Id": physical_id, "Value": value})

    def update(self, task: Update) -> Provisioned:
        self._check_uses(task.new)
        thing = self._world.things[task.physical_id]
        for name in sorted(task.changed):
            # A failure leaves the first changed property applied and the others not.
            if name == "Labels":
                self._label(thing, task)
            elif name in task.new:
                thing[name] = task.new[name]
            else:
                thing.pop(name, None)
            self._world.fail_if_asked(f"update {task.logical_id}")
        self._world.log.append(f"update {task.logical_id}")
        return self._provisioned(task.physical_id)

    def _label(self, thing: dict[str, Any], task: Update) -> None:
        """As services tag: what is not named for removal stays."""
        wanted = task.new.get("Labels", {})
        labels = thing["Labels"] = {**thing.get("Labels", {}), **wanted}
        self._world.fail_if_asked(f"update {task.logical_id} half-way")
        for key in {key for former in task.formers("Labels") for key in former} - set(wanted):
            labels.pop(key, None)
        if not labels and "Labels" not in task.new:
            del thing["Labels"]

    def delete(self, task: Deletion) -> None:
        logical_id = task.physical_id.partition("#")[0]
        self._world.fail_if_asked(f"delete {logical_id}")
        users = [
            user
            for user, thing in self._world.things.items()
            if task.physical_id in thing.get("Uses", ())
        ]
        if users:
            raise AssertionError(f"{task.physical_id} is still used by {users}")
        if self._world.things.pop(task.physical_id, None) is not None:
            self._world.log.append(f"delete {logical_id}")


def thing(*uses: str, policies: dict[str, str] | None = None, **properties: Any) -> dict[str, Any]:
    """A declaration; `uses` are logical ids."""
    declared: dict[str, Any] = dict(properties)
    if uses:
        declared["Uses"] = [{"Ref": used} for used in uses]
    return {"Type": "Test::Thing", "Properties": declared, **(policies or {})}


def body(resources: dict[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


def deploy(
    service: CloudFormationService, resources: dict[str, Any], action: str = "", **request: Any
) -> str:
    """Create or update the stack `s`; its final status."""
    exists = "s" in service.live_stacks()
    action = action or ("UpdateStack" if exists else "CreateStack")
    request = {"StackName": "s", "TemplateBody": body(resources), **request}
    stack_id = service.handle(action, request)["StackId"]
    service.join()
    return status(service, stack_id)


def status(service: CloudFormationService, name: str = "s") -> str:
    return str(service.handle("DescribeStacks", {"StackName": name})["Stacks"][0]["StackStatus"])


def delete(service: CloudFormationService, **request: Any) -> str:
    stack_id = service.handle("DescribeStacks", {"StackName": "s"})["Stacks"][0]["StackId"]
    service.handle("DeleteStack", {"StackName": "s", **request})
    service.join()
    return status(service, stack_id)


def reasons(service: CloudFormationService) -> str:
    events = service.handle("DescribeStackEvents", {"StackName": "s"})["StackEvents"]
    return "\n".join(event.get("ResourceStatusReason", "") for event in events)
