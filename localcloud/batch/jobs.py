"""Jobs and their states, as DescribeJobs and ListJobs tell them.

A job is a single one, the child of an array, or an array, which runs nothing itself: it is PENDING
from when its first child may run until the last one has ended.
https://docs.aws.amazon.com/batch/latest/userguide/job_states.html
https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localcloud.batch.containers import Container
from localcloud.batch.retries import RetryStrategy

if TYPE_CHECKING:
    from localcloud.batch.queues import JobQueue

SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED, FAILED = STATES = (
    "SUBMITTED",
    "PENDING",
    "RUNNABLE",
    "STARTING",
    "RUNNING",
    "SUCCEEDED",
    "FAILED",
)
ENDED = frozenset((SUCCEEDED, FAILED))
PLACED = frozenset((STARTING, RUNNING))


def now_ms() -> int:
    """Unix time, as Batch tells it."""
    return int(time.time() * 1000)


@dataclass(frozen=True)
class Attempt:
    """What came of a container; `exit_code` is None where none was started."""

    status_reason: str
    exit_code: int | None = None
    reason: str | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    log_stream: str | None = None
    task_arn: str | None = None
    instance_arn: str | None = None

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0

    def container(self) -> dict[str, Any]:
        told = {
            "containerInstanceArn": self.instance_arn,
            "taskArn": self.task_arn,
            "exitCode": self.exit_code,
            "reason": self.reason,
            "logStreamName": self.log_stream,
        }
        return {name: value for name, value in told.items() if value is not None}

    def describe(self) -> dict[str, Any]:
        times = {"startedAt": self.started_at, "stoppedAt": self.stopped_at}
        return {
            "container": {**self.container(), "networkInterfaces": []},
            **{name: value for name, value in times.items() if value is not None},
            "statusReason": self.status_reason,
        }


@dataclass(eq=False)
class Job:
    """One job. `waits_for` counts the dependencies that have not succeeded yet."""

    job_id: str
    name: str
    arn: str
    queue: JobQueue
    definition_arn: str
    container: Container
    retry: RetryStrategy
    timeout_s: int | None
    parameters: Mapping[str, str]
    depends_on: Sequence[Mapping[str, str]]
    tags: Mapping[str, str]
    propagate_tags: bool
    created_at: int = field(default_factory=now_ms)
    index: int | None = None
    array: ArrayJob | None = None
    status: str = SUBMITTED
    status_reason: str | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    # What of the attempt that runs is known already.
    current: Attempt | None = None
    # Why it was cancelled or terminated, and which.
    stop_reason: str | None = None
    terminated: bool = False
    waits_for: int = 0
    dependents: list[Job] = field(default_factory=list)

    def become(self, status: str) -> None:
        """Change the state, also in the array's account of its children."""
        if self.array is not None:
            self.array.counts[self.status] -= 1
            self.array.counts[status] += 1
        self.status = status

    def summary(self) -> dict[str, Any]:
        """As ListJobs tells it."""
        told: dict[str, Any] = {
            "jobArn": self.arn,
            "jobId": self.job_id,
            "jobName": self.name,
            "createdAt": self.created_at,
            "status": self.status,
            "jobDefinition": self.definition_arn,
        }
        optional = {
            "statusReason": self.status_reason,
            "startedAt": self.started_at,
            "stoppedAt": self.stopped_at,
        }
        told |= {name: value for name, value in optional.items() if value is not None}
        if last := self._last():
            kept = ("exitCode", "reason")
            made = last.container()
            told["container"] = {name: made[name] for name in kept if name in made}
        if self.index is not None:
            told["arrayProperties"] = {"index": self.index}
        return told

    def describe(self) -> dict[str, Any]:
        """As DescribeJobs tells it."""
        told = self.summary()
        told |= {
            "jobQueue": self.queue.arn,
            "dependsOn": list(self.depends_on),
            "parameters": dict(self.parameters),
            "retryStrategy": self.retry.describe(),
            "attempts": [attempt.describe() for attempt in self.attempts],
            "container": {**self.container.describe(), **self._made()},
            "tags": dict(self.tags),
            "propagateTags": self.propagate_tags,
            "platformCapabilities": ["EC2"],
            "isCancelled": self.stop_reason is not None and not self.terminated,
            "isTerminated": self.terminated,
        }
        if self.timeout_s is not None:
            told["timeout"] = {"attemptDurationSeconds": self.timeout_s}
        if self.index is not None:
            told["arrayProperties"] = {"statusSummary": {}, "index": self.index}
        return told

    def _last(self) -> Attempt | None:
        return self.current or (self.attempts[-1] if self.attempts else None)

    def _made(self) -> dict[str, Any]:
        last = self._last()
        return last.container() if last else {}


@dataclass(eq=False)
class ArrayJob(Job):
    """A job of `children`; `counts` says how many are in each state."""

    children: list[Job] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def ended_children(self) -> int:
        return self.counts[SUCCEEDED] + self.counts[FAILED]

    def summary(self) -> dict[str, Any]:
        return {**super().summary(), "arrayProperties": {"size": len(self.children)}}

    def describe(self) -> dict[str, Any]:
        statuses = {status: self.counts[status] for status in STATES}
        return {
            **super().describe(),
            "arrayProperties": {"statusSummary": statuses, "size": len(self.children)},
        }
