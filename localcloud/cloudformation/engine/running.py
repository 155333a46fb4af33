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
        self._running: dict[str, threading.Thread] = {}

    def start(
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
