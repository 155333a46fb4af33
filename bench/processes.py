"""What a process and its children have used: processor time, and memory at its peak.

Linux keeps both itself, so nothing is sampled and nothing between two looks is missed.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

# The runtime interface client: what an execution environment's process is started with.
_ENVIRONMENT = "awslambdaric"


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A process that has ended well: what it printed, and what it used."""

    out: bytes
    cpu_s: float
    peak_mb: float

    @property
    def answer(self) -> Any:
        """The last line that it printed, as JSON."""
        return json.loads(self.out.splitlines()[-1])


class ProcessFailedError(Exception):
    """A measured process ended with an error; says which, and the end of what it said."""


def run_measured(
    command: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
) -> Finished:
    """Run a command to its end. What it says on stderr goes to `log`. Raises ProcessFailedError."""
    with (log or Path(os.devnull)).open("wb") as errors:
        process = subprocess.Popen(
            list(command), cwd=cwd, env=environ, stdout=subprocess.PIPE, stderr=errors
        )
        out = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stdout:
        process.stdout.close()
    if process.returncode != 0:
        said = log.read_text(errors="replace")[-2000:] if log else ""
        raise ProcessFailedError(f"{' '.join(command)} ended with {process.returncode}\n{said}")
    return Finished(
        out=out,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / 1024,
    )


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and of all its children so far, those that ended included."""
    process = psutil.Process(pid)
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            # It has ended since the listing: its parent's account has it from now on.
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def peak_mb(pid: int) -> float:
    """The most memory that a process held resident, in MiB. Linux only."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ProcessFailedError(f"process {pid} has ended")


def environments_of(pid: int) -> list[psutil.Process]:
    """The execution environments that a cloud's process has started and that are still there."""
    return [
        child
        for child in psutil.Process(pid).children(recursive=True)
        if _ENVIRONMENT in child.cmdline()
    ]
