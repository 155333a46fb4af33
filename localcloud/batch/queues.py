"""Job queues: which environments they use, in which order, and when one may be removed.

https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html
https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteJobQueue.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localcloud.batch.environments import ComputeEnvironments
from localcloud.batch.errors import client_exception, only
from localcloud.batch.names import arn, checked_name, found, short_name
from localcloud.context import CloudContext

if TYPE_CHECKING:
    from localcloud.batch.jobs import Job

KIND = "job-queue"
_PARAMETERS = (
    "computeEnvironmentOrder",
    "jobQueueName",
    "jobStateTimeLimitActions",
    "priority",
    "state",
    "tags",
)
_UPDATES = (
    "computeEnvironmentOrder",
    "jobQueue",
    "jobStateTimeLimitActions",
    "priority",
    "state",
)
_MOST_ENVIRONMENTS = 3


@dataclass
class JobQueue:
    """`runnable` are the jobs that wait for a place, the oldest first."""

    name: str
    arn: str
    state: str
    priority: int
    environments: list[str]
    order: Sequence[Mapping[str, Any]]
    limits: Sequence[Mapping[str, Any]]
    runnable: deque[Job] = field(default_factory=deque)
    waiting_vcpus: int = 0

    def describe(self, tags: Mapping[str, str]) -> dict[str, Any]:
        return {
            "jobQueueName": self.name,
            "jobQueueArn": self.arn,
            "state": self.state,
            "status": "VALID",
            "statusReason": "JobQueue Healthy",
            "priority": self.priority,
            "computeEnvironmentOrder": list(self.order),
            "jobStateTimeLimitActions": list(self.limits),
            "tags": dict(tags),
        }


class JobQueues:
    """Those of one cloud."""

    def __init__(self, context: CloudContext, *, tags: dict[str, dict[str, str]]) -> None:
        self._context = context
        self._tags = tags
        self.by_name: dict[str, JobQueue] = {}

    def get(self, name_or_arn: str) -> JobQueue:
        """Raises Refused if there is none."""
        return found(self.by_name, KIND, name_or_arn)

    def of_environment(self, environment_arn: str) -> str | None:
        """The ARN of a queue that uses an environment."""
        for queue in self.by_name.values():
            if environment_arn in queue.environments:
                return queue.arn
        return None

    def create(self, given: Mapping[str, Any], known: ComputeEnvironments) -> dict[str, Any]:
        only(given, "CreateJobQueue", _PARAMETERS)
        name = checked_name("jobQueueName", given["jobQueueName"])
        if name in self.by_name:
            raise client_exception("Object already exists")
        order = given.get("computeEnvironmentOrder") or ()
        queue = JobQueue(
            name=name,
            arn=arn(self._context, KIND, name),
            state=_state(given.get("state", "ENABLED")),
            priority=given["priority"],
            environments=_in_order(order, known),
            order=order,
            limits=given.get("jobStateTimeLimitActions", ()),
        )
        self.by_name[name] = queue
        self._tags[queue.arn] = dict(given.get("tags") or {})
        return {"jobQueueName": name, "jobQueueArn": queue.arn}

    def update(self, given: Mapping[str, Any], known: ComputeEnvironments) -> dict[str, Any]:
        only(given, "UpdateJobQueue", _UPDATES)
        queue = self.get(given["jobQueue"])
        order = given.get("computeEnvironmentOrder", queue.order)
        environments = _in_order(order, known)
        queue.state = _state(given.get("state", queue.state))
        queue.order, queue.environments = order, environments
        queue.priority = given.get("priority", queue.priority)
        queue.limits = given.get("jobStateTimeLimitActions", queue.limits)
        return {"jobQueueName": queue.name, "jobQueueArn": queue.arn}

    def remove(self, name_or_arn: str) -> JobQueue | None:
        """Take one out, which must be disabled; None when it is gone already."""
        queue = self.by_name.get(short_name(KIND, name_or_arn))
        if queue is None:
            return None
        if queue.state != "DISABLED":
            raise client_exception("Cannot delete, state must be DISABLED")
        del self.by_name[queue.name]
        self._tags.pop(queue.arn, None)
        return queue

    def describe(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All, or those asked for that there are."""
        wanted = [short_name(KIND, name) for name in given.get("jobQueues") or ()]
        return {
            "jobQueues": [
                self.by_name[name].describe(self._tags[self.by_name[name].arn])
                for name in wanted or sorted(self.by_name)
                if name in self.by_name
            ]
        }


def _in_order(order: Sequence[Mapping[str, Any]], known: ComputeEnvironments) -> list[str]:
    if not 1 <= len(order) <= _MOST_ENVIRONMENTS:
        raise client_exception(
            f"computeEnvironmentOrder: {len(order)} environments; "
            f"allowed: 1 to {_MOST_ENVIRONMENTS}"
        )
    by_order = sorted(order, key=lambda entry: int(entry["order"]))
    return [known.get(entry["computeEnvironment"]).arn for entry in by_order]


def _state(given: str) -> str:
    if given not in ("ENABLED", "DISABLED"):
        raise client_exception(f"state: {given!r}; allowed: ENABLED, DISABLED")
    return given
