"""The children of an array job as AWS Batch describes them: when, where and how each ended.

It reads; what a child's times come to is decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hpc.errors import UnexpectedAnswerError

# https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html
_DESCRIBED_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One run of a child on `machine`, None where Batch named none; seconds since the epoch."""

    machine: str | None
    started_at: float
    stopped_at: float


@dataclass(frozen=True, kw_only=True)
class Child:
    """One child that succeeded, with all its attempts: the last one is the one that did."""

    vcpus: int
    attempts: tuple[Attempt, ...]

    @classmethod
    def of(cls, described: dict[str, Any]) -> Child:
        """What Batch's description says; UnexpectedAnswerError where it has no run."""
        attempts = tuple(
            Attempt(
                machine=attempt["container"].get("containerInstanceArn"),
                started_at=attempt["startedAt"] / 1000,
                stopped_at=attempt["stoppedAt"] / 1000,
            )
            for attempt in described.get("attempts", ())
            # A machine that was lost before the container ran: no time of ours.
            if "startedAt" in attempt
        )
        if not attempts:
            raise UnexpectedAnswerError(
                f"child {described['jobId']} is {described['status']}, but has no attempt"
            )
        return cls(vcpus=_vcpus(described["container"]), attempts=attempts)

    @property
    def started_at(self) -> float:
        """When its first container ran."""
        return self.attempts[0].started_at

    @property
    def stopped_at(self) -> float:
        """When its last container ended."""
        return self.attempts[-1].stopped_at

    @property
    def run_s(self) -> float:
        """Time in containers, without the waiting between them."""
        return sum(attempt.stopped_at - attempt.started_at for attempt in self.attempts)


def read_children(batch: Any, job: dict[str, Any]) -> list[dict[str, Any]]:
    """Batch's descriptions of all children, in order; of a job that is no array, its own."""
    if "arrayProperties" not in job or "size" not in job["arrayProperties"]:
        return [job]
    size, parent = job["arrayProperties"]["size"], job["jobId"]
    found: list[dict[str, Any]] = []
    for first in range(0, size, _DESCRIBED_AT_ONCE):
        ids = [f"{parent}:{index}" for index in range(first, min(size, first + _DESCRIBED_AT_ONCE))]
        found += batch.describe_jobs(jobs=ids)["jobs"]
    if len(found) != size:
        raise UnexpectedAnswerError(f"AWS Batch knows {len(found)} of {size} children of {parent}")
    return sorted(found, key=lambda child: int(child["jobId"].rpartition(":")[2]))


def child_failure(logs: Any, children: Sequence[dict[str, Any]]) -> str | None:
    """The first child that failed, its exit code and the last line of its log; None if none did."""
    failed = [child for child in children if child["status"] == "FAILED"]
    if not failed:
        return None
    first = failed[0]
    container = first.get("container", {})
    code = container.get("exitCode")
    who = "the job"
    if len(children) > 1:
        index = first["jobId"].rpartition(":")[2]
        who = f"child {index} ({len(failed)} of {len(children)} failed)"
    parts = [
        f"{who} ended with" + (f" exit code {code}" if code is not None else "out an exit code"),
        container.get("reason") or first.get("statusReason") or "",
        _last_line(logs, container),
    ]
    return ", ".join(part for part in parts if part)


def _last_line(logs: Any, container: dict[str, Any]) -> str:
    """What its log ends with; empty where there is none to be read, which is not the failure."""
    group = container.get("logConfiguration", {}).get("options", {}).get("awslogs-group")
    stream = container.get("logStreamName")
    if not group or not stream:
        return ""
    try:
        events = logs.get_log_events(
            logGroupName=group, logStreamName=stream, limit=1, startFromHead=False
        )["events"]
    except (BotoCoreError, ClientError):
        return ""
    return f"its log ends: {_message(events[-1]['message'])}" if events else ""


def _message(line: str) -> str:
    """What a line of the container's log says; a line that is not its JSON, as it is."""
    try:
        message: str = json.loads(line)["message"]
    except (ValueError, TypeError, KeyError):
        return line.strip()
    return message


def _vcpus(container: dict[str, Any]) -> int:
    needs = {need["type"]: need["value"] for need in container.get("resourceRequirements", ())}
    return int(needs.get("VCPU") or container["vcpus"])
