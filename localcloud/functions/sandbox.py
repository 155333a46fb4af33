"""What a runtime client runs in: a process of this machine, or (in container.py) a container.

A sandbox is started with the address of its Runtime API, and can be looked at and killed. It
enforces nothing that it can only look at; who waits for it does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from localcloud.functions.memory import PeakMemory


class Sandbox(Protocol):
    """One started runtime client; its output goes where `Start` was told."""

    @property
    def pid(self) -> int:
        """A process of this machine that lives as long as it does; also its process group."""

    @property
    def removal(self) -> tuple[str, ...]:
        """The command that ends what killing the process group does not; empty if nothing."""

    @property
    def peak_memory_mb(self) -> float:
        """Peak resident set so far, as of the last look."""

    def poll(self) -> int | None:
        """The return code as in subprocess, negative for a signal; None while it runs."""

    def look(self) -> float:
        """Look at its memory; the peak so far."""

    def over_memory(self, limit_mb: int) -> bool:
        """Whether it holds, or held, more than it may, and must be killed for it."""

    @property
    def killed_for_memory(self) -> bool:
        """Whether, now that it has ended, it was killed for its memory."""

    def kill(self) -> None:
        """End it, with all that it started."""

    def end(self) -> None:
        """End it, and wait until it is gone."""


# The address of the Runtime API (`127.0.0.1:1234`) and a descriptor for output; raises OSError.
Start = Callable[[str, int], Sandbox]


@dataclass(frozen=True)
class ProcessStart:
    """Starts the runtime client of `python` as a process in a session of its own.

    `variables` are all its environment variables but AWS_LAMBDA_RUNTIME_API.
    """

    python: Path
    handler: str
    workdir: Path
    variables: Mapping[str, str] = field(repr=False)

    def __call__(self, runtime_api: str, output: int) -> ProcessSandbox:
        """Raises OSError if this machine cannot start it."""
        return ProcessSandbox(
            subprocess.Popen(
                [str(self.python), "-m", "awslambdaric", self.handler],
                cwd=self.workdir,
                env={**self.variables, "AWS_LAMBDA_RUNTIME_API": runtime_api},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        )


class ProcessSandbox:
    """A process and its group."""

    removal: tuple[str, ...] = ()
    killed_for_memory = False

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._memory = PeakMemory(process.pid)

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def peak_memory_mb(self) -> float:
        """Peak resident set so far, as of the last look."""
        return self._memory.peak_mb

    def poll(self) -> int | None:
        """The return code, negative for a signal; None while it runs."""
        return self._process.poll()

    def look(self) -> float:
        """Look at its memory; the peak so far."""
        return self._memory.look()

    def over_memory(self, limit_mb: int) -> bool:
        """Whether the peak so far is over the limit: nobody else kills a process for it."""
        return self._memory.peak_mb > limit_mb

    def kill(self) -> None:
        """Kill the process and all of its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill the process and all of its group, and wait for it."""
        self.kill()
        self._process.wait()
