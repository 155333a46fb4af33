"""One container of a job as a process of this machine, and what stops it.

It is stopped as the container agent does it: SIGTERM to the first process, SIGKILL to all after a
grace period. Past its memory it is killed at once. It knows nothing of jobs.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html
https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localcloud.functions.memory import PeakMemory

_LOOK_EVERY_S = 0.05
_OUTPUT_BYTES = 64 * 1024
_KILLED = 137


@dataclass(frozen=True)
class Ended:
    """How it ended; the exit code is a shell's: 128 and the signal's number after a signal."""

    exit_code: int
    out_of_memory: bool
    timed_out: bool


class ContainerProcess:
    """A process in a session of its own. Raises OSError if it cannot be started."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        workdir: Path,
        variables: Mapping[str, str],
        memory_mib: int,
        stop_grace_s: float,
    ) -> None:
        self._memory_mib = memory_mib
        self._stop_grace_s = stop_grace_s
        self._kill_at: float | None = None
        self._signals = threading.Lock()
        self._output, write_end = os.pipe()
        try:
            self._process = subprocess.Popen(
                arguments,
                cwd=workdir,
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                start_new_session=True,
            )
        except OSError:
            os.close(self._output)
            raise
        finally:
            os.close(write_end)
        self._memory = PeakMemory(self._process.pid)
        # Where there is none, the end is seen at the next look.
        self._end = os.pidfd_open(self._process.pid) if sys.platform == "linux" else None

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group."""
        return self._process.pid

    def stop(self) -> None:
        """Ask it to end; whoever waits for it kills it after the grace period."""
        with self._signals:
            if self._kill_at is None:
                self._kill_at = time.monotonic() + self._stop_grace_s
                if self._process.returncode is None:
                    self._process.terminate()

    def kill(self) -> None:
        """End it and all of its group now."""
        with self._signals, contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def wait(
        self, on_output: Callable[[bytes], None], on_look: Callable[[], None], timeout_s: int | None
    ) -> Ended:
        """Follow it to its end; its whole group is gone then."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        out_of_memory = timed_out = False
        poller = select.poll()
        poller.register(self._output, select.POLLIN)
        if self._end is not None:
            poller.register(self._end, select.POLLIN)
        open_output = True
        while self._running():
            ready = {descriptor for descriptor, _ in poller.poll(_LOOK_EVERY_S * 1000)}
            if self._output in ready:
                open_output = self._read(on_output)
                if not open_output:
                    poller.unregister(self._output)
            on_look()
            now = time.monotonic()
            if not out_of_memory and self._memory.look() > self._memory_mib:
                out_of_memory = True
                self.kill()
            if deadline is not None and now >= deadline and not timed_out:
                timed_out = True
                self.stop()
            if self._kill_at is not None and now >= self._kill_at:
                self.kill()
        self._end_group()
        os.set_blocking(self._output, False)
        with contextlib.suppress(BlockingIOError):
            while open_output:
                open_output = self._read(on_output)
        os.close(self._output)
        if self._end is not None:
            os.close(self._end)
        code = self._process.returncode
        return Ended(
            exit_code=_KILLED if out_of_memory else code if code >= 0 else 128 - code,
            out_of_memory=out_of_memory,
            timed_out=timed_out,
        )

    def _running(self) -> bool:
        # Not reaped but under the lock: a signal must not reach another process of that number.
        with self._signals:
            return self._process.poll() is None

    def _read(self, on_output: Callable[[bytes], None]) -> bool:
        data = os.read(self._output, _OUTPUT_BYTES)
        if data:
            on_output(data)
        return bool(data)

    def _end_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
