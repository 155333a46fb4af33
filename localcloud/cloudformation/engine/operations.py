"""The operations on stacks: deployments, rollbacks, deletions, and what follows a failure.

Each runs with the handlers of its role in a thread of its own; what a deployment or a rollback
does step by step is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from localcloud.cloudformation.engine.deployment import Deployment
from localcloud.cloudformation.engine.provisioning import Provisioner
from localcloud.cloudformation.engine.recording import Recorder
from localcloud.cloudformation.engine.registry import StackRegistry
from localcloud.cloudformation.engine.resolution import resolve_target
from localcloud.cloudformation.engine.roles import HandlersByRole
from localcloud.cloudformation.engine.running import RunningOperations
from localcloud.cloudformation.engine.state import Operation, Stack, Target
from localcloud.cloudformation.engine.undoing import (
    delete_everything,
    delete_leftovers,
    restore_failed,
    restore_former_state,
)
from localcloud.cloudformation.errors import CloudFormationError, ResourceFailure
from localcloud.context import CloudContext


class Operations:
    """Starts deployments, rollbacks and deletions; `join` waits for all that run."""

    def __init__(
        self,
        context: CloudContext,
        registry: StackRegistry,
        handlers: HandlersByRole,
        linger_s: float,
    ) -> None:
        """`linger_s`: see RunningOperations."""
        self._context = context
        self._registry = registry
        self._handlers = handlers
        self._running = RunningOperations(linger_s)

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

        self._running.start(stack, operation, f"{verb}_IN_PROGRESS", run)
        return operation

    def _deploy(
        self,
        stack: Stack,
        recorder: Recorder,
        verb: str,
        on_failure: str,
        on_end: Callable[[bool], None],
    ) -> None:
        preserve = on_failure == "DO_NOTHING"
        provisioner = self._provisioner(stack, recorder)
        deployment: Deployment | None = None
        try:
            resolved = resolve_target(stack.target, stack, self._context)
            deployment = Deployment(
                stack, resolved, provisioner.handlers, self._registry, provisioner
            )
            deployment.bring(preserve=preserve)
        except (ResourceFailure, CloudFormationError) as error:
            failed = {} if deployment is None else deployment.failed
            if preserve:
                updated = [name for name, what in failed.items() if what == "update"]
                restore_failed(stack, provisioner, updated)
            reason = _failure_reason(failed) or str(error)
            on_end(False)
            self._after_failure(stack, recorder, provisioner, verb, on_failure, reason)
            return
        on_end(True)
        if verb == "UPDATE":
            recorder.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        deployment.clean_up()
        self._settle(stack)
        recorder.stack_status(f"{verb}_COMPLETE")

    def _provisioner(self, stack: Stack, recorder: Recorder) -> Provisioner:
        """What changes resources, with the credentials of the stack's role."""
        return Provisioner(stack, recorder, self._handlers.of(stack.role_arn))

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
            recorder.stack_status(
                "DELETE_IN_PROGRESS", f"{reason.rstrip()} Delete requested by user."
            )
            self._delete(stack, recorder, provisioner, (), force=False)
        else:
            # On a failed update the user is not mentioned, see the source of `_failure_reason`.
            asked = "Rollback requested by user." if verb == "CREATE" else ""
            self._roll_back(stack, recorder, provisioner, f"{reason.rstrip()} {asked}")

    def roll_back(self, stack: Stack, token: str | None) -> Operation:
        """Undo a failed operation that was left as it was (RollbackStack)."""
        operation = Operation("ROLLBACK", token)
        status = "UPDATE_ROLLBACK_IN_PROGRESS" if stack.ever_stable else "ROLLBACK_IN_PROGRESS"

        def run(recorder: Recorder) -> None:
            self._undo(stack, recorder, self._provisioner(stack, recorder))

        self._running.start(stack, operation, status, run, watched=True)
        return operation

    def continue_rollback(
        self, stack: Stack, token: str | None, skip: Collection[str], *, force: bool
    ) -> Operation:
        """Go on with an update's rollback that failed (ContinueUpdateRollback)."""
        operation = Operation("CONTINUE_ROLLBACK", token)

        def run(recorder: Recorder) -> None:
            provisioner = self._provisioner(stack, recorder)
            self._undo(stack, recorder, provisioner, skip, force=force)

        self._running.start(stack, operation, "UPDATE_ROLLBACK_IN_PROGRESS", run, watched=True)
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
            reason = _failure_reason(dict.fromkeys(failed, "update"))
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
            reason = _not_deleted(failed)
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
            provisioner = self._provisioner(stack, recorder)
            self._delete(stack, recorder, provisioner, retain, force=force)

        self._running.start(stack, operation, "DELETE_IN_PROGRESS", run)
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
            recorder.stack_status("DELETE_FAILED", _not_deleted(failed))
            return
        stack.set_outputs(())
        stack.imports = frozenset()
        self._registry.retire(stack)
        recorder.stack_status("DELETE_COMPLETE")

    def linger(self, operation: Operation) -> None:
        """Wait a moment for an operation's end. The caller must hold no lock."""
        self._running.linger(operation)

    def join(self) -> None:
        """Wait until no operation runs."""
        self._running.join()


def _failure_reason(failed: Mapping[str, str]) -> str:
    """The stack's reason as CloudFormation words it: what failed to be created, then updated.

    https://github.com/serverless/serverless/issues/1745 shows one with both.
    """
    sentences = []
    for verb in ("create", "update"):
        names = ", ".join(name for name, what in failed.items() if what == verb)
        if names:
            sentences.append(f"The following resource(s) failed to {verb}: [{names}]. ")
    return "".join(sentences)


def _not_deleted(failed: list[str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(failed)}]. "
