"""What one invocation cost, measured from inside its execution environment.

An environment is one process. It is cold for its first invocation, unless the platform initialised
it ahead (provisioned concurrency), where nobody waited. Reads the process's own counters only; what
the platform bills is in the platform's logs.
"""

from __future__ import annotations

import math
import os
import resource
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shpc_core.messages import Message

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
INITIALIZATION_TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE"
PROVISIONED = "provisioned-concurrency"


class Telemetry(Message, frozen=True, kw_only=True):
    """One invocation. Times are seconds since the epoch; `init_ms` is null unless cold.

    `provisioned` where its environment was initialised ahead, by provisioned concurrency.
    """

    function: str
    environment: str
    cold: bool
    init_ms: float | None
    started_at: float
    ended_at: float
    max_rss_mb: float
    memory_mb: int
    attempt: int
    request_id: str
    shard: int
    provisioned: bool = False

    @property
    def duration_ms(self) -> float:
        """Time in the handler."""
        return (self.ended_at - self.started_at) * 1000

    @property
    def billed_gb_s(self) -> float:
        """Handler and initialisation, rounded up to 1 ms, times the configured memory.

        https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
        """
        # The inner rounding drops what float arithmetic adds to a whole number.
        billed_ms = math.ceil(round(self.duration_ms + (self.init_ms or 0.0), 3))
        return self.memory_mb / 1024 * billed_ms / 1000


class TelemetryTotals(Message, frozen=True, kw_only=True):
    """Sums over all shard invocations that ended well.

    Failed attempts leave no telemetry, so `billed_gb_s` estimates Lambda's bill from below.
    `max_rss_mb` is the largest.
    """

    invocations: int
    environments: int
    duration_ms: float
    init_ms: float
    billed_gb_s: float
    max_rss_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """An invocation that has begun."""

    function: str
    environment: str
    init_ms: float | None
    cold: bool
    provisioned: bool
    started_at: float
    memory_mb: int
    request_id: str

    def finished(self, *, shard: int, attempt: int) -> Telemetry:
        """The measurements up to now."""
        return Telemetry(
            function=self.function,
            environment=self.environment,
            cold=self.cold,
            init_ms=self.init_ms,
            started_at=self.started_at,
            ended_at=time.time(),
            max_rss_mb=max_rss_mb(),
            memory_mb=self.memory_mb,
            attempt=attempt,
            request_id=self.request_id,
            shard=shard,
            provisioned=self.provisioned,
        )


class ExecutionEnvironment:
    """This process. Made as the last act of a handler's import: `init_ms` runs up to there."""

    def __init__(self, function: str, environment: Mapping[str, str]) -> None:
        self._function = function
        self._id = secrets.token_hex(8)
        self._init_ms = process_age_ms()
        initialised = environment.get(INITIALIZATION_TYPE, "on-demand")
        self._cold = initialised == "on-demand"
        self._provisioned = initialised == PROVISIONED

    def begin(self, *, memory_mb: int, request_id: str) -> Invocation:
        """Starts the clock of one invocation; only the first of an environment can be cold."""
        cold, self._cold = self._cold, False
        return Invocation(
            function=self._function,
            environment=self._id,
            init_ms=self._init_ms if cold else None,
            cold=cold,
            provisioned=self._provisioned,
            started_at=time.time(),
            memory_mb=memory_mb,
            request_id=request_id,
        )


def totals(telemetry: Sequence[Telemetry]) -> TelemetryTotals:
    """The sums over all of `telemetry`."""
    return TelemetryTotals(
        invocations=len(telemetry),
        environments=len({one.environment for one in telemetry}),
        duration_ms=sum(one.duration_ms for one in telemetry),
        init_ms=sum(one.init_ms or 0.0 for one in telemetry),
        billed_gb_s=sum(one.billed_gb_s for one in telemetry),
        max_rss_mb=max((one.max_rss_mb for one in telemetry), default=0.0),
    )


def process_age_ms() -> float | None:
    """Milliseconds since this process started, to the kernel's 10 ms; None where Linux is not."""
    if sys.platform != "linux":
        return None
    # Field 22, counted after the command's closing bracket: proc_pid_stat(5).
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return (time.clock_gettime(time.CLOCK_BOOTTIME) - started_s) * 1000


def max_rss_mb() -> float:
    """The most memory this process has held, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts KiB, macOS bytes: getrusage(2).
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
