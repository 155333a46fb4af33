"""One unmodified runtime interface client, and what stops it.

It starts the client's sandbox, hands over its requests one at a time, and enforces the limits while
it waits: deadline, memory, and that it lives. It knows nothing of invocations, logs or retries.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from http import HTTPStatus

from localcloud.functions.runtime_api import Request, RuntimeApi
from localcloud.functions.sandbox import Start

_LOOK_EVERY_S = 0.05
# Between the end of a process's connections and its own there are some microseconds; one that
# hangs up and lives on must not cost a processor.
_EXIT_LOOK_EVERY_S = 0.001
_EXIT_LOOKS = 50
_ACKNOWLEDGE_S = 1.0
_OUTPUT_BYTES = 64 * 1024
# A process that writes without end must not keep its reader from looking at the deadline.
_OUTPUT_READS = 32


class RuntimeStoppedError(Exception):
    """The process ended or was found over a limit; it must be ended by the caller."""


class DeadlinePassedError(RuntimeStoppedError):
    """The deadline passed before the runtime's next request."""


class MemoryExceededError(RuntimeStoppedError):
    """The process holds, or held, more memory than it may."""


class ProcessExitedError(RuntimeStoppedError):
    """The process has ended by itself or by a signal; `return_code` is as in subprocess."""

    def __init__(self, return_code: int) -> None:
        super().__init__(f"return code {return_code}")
        self.return_code = return_code


class RuntimeProcess:
    """What `start` starts; its output goes to `on_output` while requests are awaited."""

    def __init__(self, start: Start, *, memory_mb: int, on_output: Callable[[bytes], None]) -> None:
        self._memory_mb = memory_mb
        self._on_output = on_output
        self._output_ended = False
        with ExitStack() as starting:
            self._api = RuntimeApi()
            starting.callback(self._api.close)
            self._output, write_end = os.pipe()
            starting.callback(os.close, self._output)
            os.set_blocking(self._output, False)
            try:
                self._sandbox = start(f"127.0.0.1:{self._api.port}", write_end)
            finally:
                os.close(write_end)
            starting.pop_all()
        self._api.watch(self._output, self.read_output)
        self._looked_at = time.monotonic()

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group."""
        return self._sandbox.pid

    @property
    def removal(self) -> tuple[str, ...]:
        """The command that ends what is left when the process group is killed."""
        return self._sandbox.removal

    @property
    def port(self) -> int:
        """The port of its Runtime API."""
        return self._api.port

    @property
    def peak_memory_mb(self) -> float:
        """Peak resident set so far, as of the last look."""
        return self._sandbox.peak_memory_mb

    def next_request(self, deadline: float) -> Request:
        """The runtime's next request before `deadline` (monotonic seconds).

        Raises DeadlinePassedError, MemoryExceededError or ProcessExitedError.
        """
        exit_looks = 0
        while True:
            now = time.monotonic()
            ending = self._api.hung_up and exit_looks < _EXIT_LOOKS
            exit_looks += ending
            look_every_s = _EXIT_LOOK_EVERY_S if ending else _LOOK_EVERY_S
            request = self._api.receive(min(look_every_s, deadline - now))
            if request is not None:
                return request
            self._look()
            if now >= deadline:
                raise DeadlinePassedError

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._sandbox.poll() is None

    def check_alive(self) -> None:
        """Raises ProcessExitedError, or MemoryExceededError where that was why, if it has ended."""
        return_code = self._sandbox.poll()
        if return_code is None:
            return
        if self._sandbox.killed_for_memory:
            raise MemoryExceededError
        raise ProcessExitedError(return_code)

    def check_memory(self) -> None:
        """Raises MemoryExceededError if the peak so far is over the limit."""
        self._sandbox.look()
        if self._sandbox.over_memory(self._memory_mb):
            raise MemoryExceededError

    def hand_over(
        self, request: Request, payload: bytes, headers: Mapping[str, str], *, within_s: float
    ) -> None:
        """Answer a call for the next event with one.

        Raises TimeoutError if the runtime does not take it `within_s`, OSError if it is gone.
        """
        self._api.reply(request, HTTPStatus.OK, payload, headers, within_s=within_s)

    def acknowledge(self, request: Request, status: HTTPStatus, body: bytes) -> None:
        """Answer any other request; a runtime that is gone by now shows at the next look."""
        with contextlib.suppress(OSError):
            self._api.reply(request, status, body, within_s=_ACKNOWLEDGE_S)

    def read_output(self) -> None:
        """Pass on what the process has written so far."""
        for _ in range(_OUTPUT_READS):
            try:
                data = os.read(self._output, _OUTPUT_BYTES)
            except BlockingIOError:
                return
            if not data:
                if not self._output_ended:
                    self._output_ended = True
                    self._api.unwatch(self._output)
                return
            self._on_output(data)

    def kill(self) -> None:
        """Kill the process and all of its group; what it was doing ends with ProcessExitedError."""
        self._sandbox.kill()

    def end(self) -> None:
        """Kill the process and all of its group, wait for it, and close its port."""
        self._sandbox.end()
        self.read_output()
        self._api.close()
        os.close(self._output)

    def _look(self) -> None:
        self.check_alive()
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = now
            self.check_memory()
