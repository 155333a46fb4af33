"""All stacks of one cloud, their exports, and who imports what.

Decides that a name belongs to one live stack, that an export's name is unique, and that an export
in use is neither changed nor removed.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping

from localcloud.cloudformation.engine.state import Output, Stack
from localcloud.cloudformation.errors import (
    ResourceFailure,
    stack_does_not_exist,
    validation_error,
)
from localcloud.context import CloudContext


class StackRegistry:
    """Stacks by name (live) and by id (live and deleted)."""

    def __init__(self, context: CloudContext) -> None:
        self._context = context
        self.lock = threading.RLock()
        self._live: dict[str, Stack] = {}
        self._by_id: dict[str, Stack] = {}

    def arn(self, kind: str, name: str) -> str:
        """A new ARN of a stack or a change set."""
        where = f"{self._context.region}:{self._context.account}"
        return f"arn:aws:cloudformation:{where}:{kind}/{name}/{uuid.uuid4()}"

    def create(self, name: str) -> Stack:
        """Register a new stack. The caller has made sure that the name is free."""
        stack = Stack(name, self.arn("stack", name))
        with self.lock:
            self._live[name] = stack
            self._by_id[stack.stack_id] = stack
        return stack

    def retire(self, stack: Stack) -> None:
        """Free the name of a deleted stack; its id still finds it."""
        with self.lock:
            if self._live.get(stack.name) is stack:
                del self._live[stack.name]

    def find(self, name_or_id: str) -> Stack | None:
        """A live stack by name, any stack by id."""
        with self.lock:
            return self._by_id.get(name_or_id) or self._live.get(name_or_id)

    def get(
        self,
        name_or_id: str,
        error: Callable[[str], Exception] = stack_does_not_exist,
    ) -> Stack:
        """Like `find`. Raises `error(name_or_id)` when there is none."""
        stack = self.find(name_or_id)
        if stack is None:
            raise error(name_or_id)
        return stack

    def live(self) -> list[Stack]:
        """Live stacks, newest first, as DescribeStacks lists them."""
        with self.lock:
            return sorted(self._live.values(), key=lambda s: s.created_at, reverse=True)

    def all(self) -> list[Stack]:
        """All stacks that ever were, newest first."""
        with self.lock:
            return sorted(self._by_id.values(), key=lambda s: s.created_at, reverse=True)

    def exports(self) -> dict[str, tuple[Stack, str]]:
        """Exporting stack and value by export name."""
        found = {}
        for stack in self.live():
            for output in stack.outputs():
                if output.export_name is not None:
                    found[output.export_name] = (stack, output.value)
        return found

    def importers(self, export_name: str) -> list[str]:
        """Names of the stacks that use an export."""
        return sorted(stack.name for stack in self.live() if export_name in stack.imports)

    def import_value(self, stack: Stack, export_name: str) -> str:
        """Value of an export, remembered as used by `stack` from now on.

        Raises ResourceFailure when nobody exports it.
        """
        with self.lock:
            exported = self.exports().get(export_name)
            if exported is None:
                raise ResourceFailure(f"No export named {export_name} found")
            stack.imports |= {export_name}
            return exported[1]

    def peek_value(self, export_name: str) -> str:
        """Value of an export, for planning. Raises ValidationError when nobody exports it."""
        exported = self.exports().get(export_name)
        if exported is None:
            raise validation_error(f"No export named {export_name} found")
        return exported[1]

    def publish(self, stack: Stack, outputs: tuple[Output, ...]) -> None:
        """Make these the stack's outputs and exports.

        Raises ResourceFailure when an export's name belongs to another stack, or one in use would
        change or vanish.
        """
        with self.lock:
            taken = self.exports()
            new: dict[str, str] = {}
            for output in outputs:
                name = output.export_name
                if name is None:
                    continue
                if name in new:
                    raise ResourceFailure(f"Export name {name} is used by two outputs")
                if name in taken and taken[name][0] is not stack:
                    owner = taken[name][0].name
                    raise ResourceFailure(
                        f"Export with name {name} is already exported by stack {owner}"
                    )
                new[name] = output.value
            self.check_exports_kept(stack, new, "updated")
            stack.set_outputs(outputs)

    def check_exports_kept(self, stack: Stack, new: Mapping[str, str], verb: str) -> None:
        """Raise ResourceFailure when an export in use is missing in `new` or has another value."""
        for output in stack.outputs():
            name = output.export_name
            if name is None or new.get(name) == output.value:
                continue
            users = [user for user in self.importers(name) if user != stack.name]
            if users:
                done = verb if name in new else "deleted"
                raise ResourceFailure(
                    f"Export {name} cannot be {done} as it is in use by {' and '.join(users)}"
                )
