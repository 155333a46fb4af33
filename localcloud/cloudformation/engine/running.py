"""Runs operations in threads of their own, and makes sure that each of them ends.

A client that waits for the end must never wait for ever: whatever happens, the stack comes to a
final status with a reason. What an operation does is not decided here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from localcloud.cloudformation.engine.recording import Recorder
from localcloud.cloudformation.engine.state import Operation, Stack

_LOG = logging.getLogger(__name__)


class RunningOperations:
    """The threads of all operations of one cloud."""

    def __init__(self, linger_s: float) -> None:
        self._linger_s = linger_s
        self._lock = threading.Lock()
        # Each with an event: its end is not to be lingered for any more, it has ended or is held.
        self._running: dict[str, tuple[threading.Thread, threading.Event]] = {}

    def start(
        self,
        stack: Stack,
        operation: Operation,
        status: str,
        run: Callable[[Recorder], None],
        *,
        watched: bool = False,
    ) -> None:
        """Enter the operation's first status at once, then work in a thread.

        `watched`: it does not fail before somebody has looked at the stack (or a moment is over).
        `cdk rollback` begins to watch when its call has been answered, and takes a failure that
        was over by then for a success; on AWS none is that fast.
        """
        answered = threading.Event()
        recorder = Recorder(stack, operation)
        if watched:
            stack.looked_at.clear()
            recorder.before_failure = lambda: self._hold(stack, answered)
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
            finally:
                answered.set()

        thread = threading.Thread(target=work, name=f"cloudformation-{stack.name}", daemon=True)
        with self._lock:
            self._running = {key: r for key, r in self._running.items() if r[0].is_alive()}
            self._running[operation.operation_id] = thread, answered
            thread.start()

    def _hold(self, stack: Stack, answered: threading.Event) -> None:
        answered.set()
        stack.looked_at.wait(self._linger_s)

    def linger(self, operation: Operation) -> None:
        """Wait a moment for an operation's end, so that a client's first look may find it.

        The CDK CLI looks again only after five seconds. The caller must hold no lock.
        """
        with self._lock:
            running = self._running.get(operation.operation_id)
        if running is not None:
            running[1].wait(self._linger_s)

    def join(self) -> None:
        """Wait until no operation runs."""
        with self._lock:
            threads = [thread for thread, _ in self._running.values()]
        for thread in threads:
            thread.join()
