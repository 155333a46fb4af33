"""Runs operations on stacks, one thread each, and decides what follows a failure.

Every operation ends with the stack in a final status and a reason, whatever happens: a client
that waits for the end must never wait for ever.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping

from localcloud.cloudformation.engine.deployment import Deployment
from localcloud.cloudformation.engine.provisioning import Provisioner
from localcloud.cloudformation.engine.recording import Recorder
from localcloud.cloudformation.engine.registry import StackRegistry
from localcloud.cloudformation.engine.resolution import resolve_target
from localcloud.cloudformation.engine.state import Operation, Stack, Target
from localcloud.cloudformation.engine.undoing import (
    delete_everything,
    delete_leftovers,
    restore_former_state,
)
from localcloud.cloudformation.errors import CloudFormationError, ResourceFailure
from localcloud.cloudformation.resources.handler import ResourceHandler
from localcloud.context import CloudContext

_LOG = logging.getLogger(__name__)


class Operations:
    """Starts deployments, rollbacks and deletions; `join` waits for all that run."""

    def __init__(
        self,
        context: CloudContext,
        registry: StackRegistry,
        handlers: Mapping[str, ResourceHandler],
        linger_s: float,
    ) -> None:
        self._context = context
        self._registry = registry
        self._handlers = handlers
        self._linger_s = linger_s
        self._lock = threading.Lock()
        self._running: dict[str, threading.Thread] = {}

    def deploy(
        self,
        stack: Stack,
        target: Target,
        token: str | None,
        *,
        on_failure: str,
        on_end: Callable[[bool], None] = lambda succeeded: None,
    ) -> Operation:
        """Bring a stack to a target. `on_failure`: ROLLBACK, DELETE or DO_NOTHING.

        `on_end` is told whether the target was reached, before any rollback or clean-up.
        """
        creating = stack.status == "REVIEW_IN_PROGRESS"
        verb = "CREATE" if creating else "UPDATE"
        operation = Operation(f"{verb}_STACK", token)
        stack.target = target
        stack.disable_rollback = on_failure == "DO_NOTHING"

        def run(recorder: Recorder) -> None:
            self._deploy(stack, recorder, verb, on_failure, on_end)

        self._start(stack, operation, f"{verb}_IN_PROGRESS", run)
        return operation

    def _deploy(
        self,
        stack: Stack,
        recorder: Recorder,
        verb: str,
        on_failure: str,
        on_end: Callable[[bool], None],
    ) -> None:
        provisioner = Provisioner(stack, recorder, self._handlers)
        deployment: Deployment | None = None
        try:
            resolved = resolve_target(stack.target, stack, self._context)
            deployment = Deployment(stack, resolved, self._handlers, self._registry, provisioner)
            deployment.bring()
        except (ResourceFailure, CloudFormationError) as error:
            failed = [] if deployment is None else deployment.failed
            done = "create" if verb == "CREATE" else "update"
            reason = (
                f"The following resource(s) failed to {done}: [{', '.join(failed)}]."
                if failed
                else str(error)
            )
            on_end(False)
            self._after_failure(stack, recorder, provisioner, verb, on_failure, reason)
            return
        on_end(True)
        if verb == "UPDATE":
            recorder.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        deployment.clean_up()
        self._settle(stack)
        recorder.stack_status(f"{verb}_COMPLETE")

    def _settle(self, stack: Stack) -> None:
        """The present state is the one a later rollback returns to."""
        stack.journal = []
        stack.leftovers = []
        stack.ever_stable = True
        stack.stable_target = stack.target
        stack.stable_imports = stack.imports

    def _after_failure(
        self,
        stack: Stack,
        recorder: Recorder,
        provisioner: Provisioner,
        verb: str,
        on_failure: str,
        reason: str,
    ) -> None:
        if on_failure == "DO_NOTHING":
            recorder.stack_status(f"{verb}_FAILED", reason)
        elif on_failure == "DELETE" and verb == "CREATE":
            recorder.stack_status("DELETE_IN_PROGRESS", f"{reason} Delete requested by user.")
            self._delete(stack, recorder, provisioner, (), force=False)
        else:
            self._roll_back(stack, recorder, provisioner, f"{reason} Rollback requested by user.")

    def roll_back(self, stack: Stack, token: str | None) -> Operation:
        """Undo a failed operation that was left as it was (RollbackStack)."""
        operation = Operation("ROLLBACK", token)
        status = "UPDATE_ROLLBACK_IN_PROGRESS" if stack.ever_stable else "ROLLBACK_IN_PROGRESS"

        def run(recorder: Recorder) -> None:
            self._undo(stack, recorder, Provisioner(stack, recorder, self._handlers))

        self._start(stack, operation, status, run)
        return operation

    def continue_rollback(
        self, stack: Stack, token: str | None, skip: Collection[str], *, force: bool
    ) -> Operation:
        """Go on with an update's rollback that failed (ContinueUpdateRollback)."""
        operation = Operation("CONTINUE_ROLLBACK", token)

        def run(recorder: Recorder) -> None:
            provisioner = Provisioner(stack, recorder, self._handlers)
            self._undo(stack, recorder, provisioner, skip, force=force)

        self._start(stack, operation, "UPDATE_ROLLBACK_IN_PROGRESS", run)
        return operation

    def _roll_back(
        self, stack: Stack, recorder: Recorder, provisioner: Provisioner, reason: str
    ) -> None:
        prefix = "UPDATE_ROLLBACK" if stack.ever_stable else "ROLLBACK"
        recorder.stack_status(f"{prefix}_IN_PROGRESS", reason)
        self._undo(stack, recorder, provisioner)

    def _undo(
        self,
        stack: Stack,
        recorder: Recorder,
        provisioner: Provisioner,
        skip: Collection[str] = (),
        *,
        force: bool = False,
    ) -> None:
        prefix = "UPDATE_ROLLBACK" if stack.ever_stable else "ROLLBACK"
        failed = restore_former_state(stack, provisioner, skip, skip_failing=force)
        if failed:
            reason = f"The following resource(s) failed to update: [{', '.join(failed)}]."
            recorder.stack_status(f"{prefix}_FAILED", reason)
            return
        stack.target = stack.stable_target
        stack.imports = stack.stable_imports
        if stack.ever_stable:
            recorder.stack_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        failed = delete_leftovers(
            stack,
            provisioner,
            retain_except_on_create=stack.retain_except_on_create,
            give_up=stack.ever_stable,
        )
        if failed:
            reason = f"The following resource(s) failed to delete: [{', '.join(failed)}]."
            recorder.stack_status(f"{prefix}_FAILED", reason)
        else:
            recorder.stack_status(f"{prefix}_COMPLETE")

    def delete(
        self, stack: Stack, token: str | None, retain: Collection[str], *, force: bool
    ) -> Operation:
        """Delete a stack and its resources."""
        operation = Operation("DELETE_STACK", token)
        former = stack.status, stack.status_reason

        def run(recorder: Recorder) -> None:
            try:
                self._registry.check_exports_kept(stack, {}, "deleted")
            except ResourceFailure as error:
                # CloudFormation cancels the deletion and leaves the stack as it was.
                recorder.stack_status(former[0], f"Delete canceled. {error}")
                return
            provisioner = Provisioner(stack, recorder, self._handlers)
            self._delete(stack, recorder, provisioner, retain, force=force)

        self._start(stack, operation, "DELETE_IN_PROGRESS", run)
        return operation

    def _delete(
        self,
        stack: Stack,
        recorder: Recorder,
        provisioner: Provisioner,
        retain: Collection[str],
        *,
        force: bool,
    ) -> None:
        failed = delete_everything(stack, provisioner, retain, force=force)
        if failed:
            reason = f"The following resource(s) failed to delete: [{', '.join(failed)}]. "
            recorder.stack_status("DELETE_FAILED", reason)
            return
        stack.set_outputs(())
        stack.imports = frozenset()
        self._registry.retire(stack)
        recorder.stack_status("DELETE_COMPLETE")

    def _start(
        self, stack: Stack, operation: Operation, status: str, run: Callable[[Recorder], None]
    ) -> None:
        """Enter the operation's first status at once, then work in a thread."""
        recorder = Recorder(stack, operation)
        with stack.lock:
            stack.operation = operation
            recorder.stack_status(status, "User Initiated")

        def work() -> None:
            try:
                run(recorder)
            except Exception as error:  # noqa: BLE001 - a client waits for the end of this
                _LOG.exception("operation %s on %s", operation.kind, stack.name)
                verb = status.removesuffix("_IN_PROGRESS")
                reason = f"Internal failure: {type(error).__name__}: {error}"
                recorder.stack_status(f"{verb}_FAILED", reason)

        thread = threading.Thread(target=work, name=f"cloudformation-{stack.name}", daemon=True)
        with self._lock:
            self._running = {key: t for key, t in self._running.items() if t.is_alive()}
            self._running[operation.operation_id] = thread
            thread.start()

    def linger(self, operation: Operation) -> None:
        """Wait a moment for an operation's end, so that a client's first look may find it.

        The CDK CLI looks again only after five seconds. The caller must hold no lock.
        """
        with self._lock:
            thread = self._running.get(operation.operation_id)
        if thread is not None:
            thread.join(self._linger_s)

    def join(self) -> None:
        """Wait until no operation runs."""
        with self._lock:
            threads = list(self._running.values())
        for thread in threads:
            thread.join()
