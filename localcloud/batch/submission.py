"""SubmitJob: from a request to jobs, with what each of them waits for.

https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from localcloud.batch.containers import container
from localcloud.batch.definitions import JobDefinition, JobDefinitions
from localcloud.batch.errors import client_exception, only
from localcloud.batch.jobs import FAILED, SUBMITTED, SUCCEEDED, ArrayJob, Job
from localcloud.batch.names import arn, checked_name
from localcloud.batch.queues import JobQueues
from localcloud.batch.retries import retry_strategy
from localcloud.context import CloudContext

_PARAMETERS = (
    "arrayProperties",
    "containerOverrides",
    "dependsOn",
    "jobDefinition",
    "jobName",
    "jobQueue",
    "parameters",
    "propagateTags",
    "retryStrategy",
    "tags",
    "timeout",
)
_SIZES = range(2, 10_001)
_MOST_DEPENDENCIES = 20
_TYPES = ("N_TO_N", "SEQUENTIAL")


class Submission:
    """Makes jobs; what becomes of them is the scheduler's affair."""

    def __init__(
        self, context: CloudContext, queues: JobQueues, definitions: JobDefinitions
    ) -> None:
        self._context = context
        self._queues = queues
        self._definitions = definitions

    def job(self, given: Mapping[str, Any], known: Mapping[str, Job]) -> Job:
        """The job that a request asks for, its dependencies among `known`; raises Refused."""
        only(given, "SubmitJob", _PARAMETERS)
        queue = self._queues.get(given["jobQueue"])
        if queue.state != "ENABLED":
            raise client_exception(f"JobQueue {queue.arn} is not ENABLED")
        definition = self._definitions.active(given["jobDefinition"])
        size = (given.get("arrayProperties") or {}).get("size")
        if size is not None and size not in _SIZES:
            raise client_exception(
                f"arrayProperties.size: {size}; allowed: {_SIZES.start} to {_SIZES.stop - 1}"
            )
        depends_on = given.get("dependsOn") or []
        others = _others(depends_on, known, size)
        job_id = str(uuid.uuid4())
        common = {
            "name": checked_name("jobName", given["jobName"]),
            "queue": queue,
            **self._settings(given, definition),
        }
        if size is None:
            job = Job(
                job_id=job_id,
                arn=arn(self._context, "job", job_id),
                depends_on=depends_on,
                **common,
            )
        else:
            job = self._array(job_id, size, depends_on, common)
        for kind, other in others:
            _connect(job, kind, other)
        return job

    def _settings(self, given: Mapping[str, Any], definition: JobDefinition) -> dict[str, Any]:
        registered = definition.given
        parameters = {**registered.get("parameters", {}), **given.get("parameters", {})}
        return {
            "definition_arn": definition.arn,
            "container": container(
                registered["containerProperties"],
                given.get("containerOverrides") or {},
                parameters,
            ),
            "retry": retry_strategy(given.get("retryStrategy") or registered.get("retryStrategy")),
            "timeout_s": self._definitions.timeout_s(
                given.get("timeout") or registered.get("timeout")
            ),
            "parameters": parameters,
            "tags": given.get("tags") or {},
            "propagate_tags": bool(
                given.get("propagateTags", registered.get("propagateTags", False))
            ),
        }

    def _array(
        self, job_id: str, size: int, depends_on: Sequence[Mapping[str, str]], common: Any
    ) -> ArrayJob:
        array = ArrayJob(
            job_id=job_id, arn=arn(self._context, "job", job_id), depends_on=depends_on, **common
        )
        array.counts[SUBMITTED] = size
        for index in range(size):
            child_id = f"{job_id}:{index}"
            array.children.append(
                Job(
                    job_id=child_id,
                    arn=arn(self._context, "job", child_id),
                    depends_on=(),
                    index=index,
                    array=array,
                    **common,
                )
            )
        return array


def _others(
    depends_on: Sequence[Mapping[str, str]], known: Mapping[str, Job], size: int | None
) -> list[tuple[str, Job | None]]:
    """Kind and job of each dependency, checked before anything is made; raises Refused."""
    if len(depends_on) > _MOST_DEPENDENCIES:
        raise client_exception(
            f"dependsOn: {len(depends_on)} jobs; allowed: at most {_MOST_DEPENDENCIES}"
        )
    others: list[tuple[str, Job | None]] = []
    for dependency in depends_on:
        kind = dependency.get("type", "")
        job_id = dependency.get("jobId", "")
        if kind and kind not in _TYPES:
            raise client_exception(f"dependsOn.type: {kind!r}; allowed: {', '.join(_TYPES)}")
        if kind and size is None:
            raise client_exception(f"dependsOn.type: {kind}; allowed for array jobs only")
        if kind == "SEQUENTIAL" and not job_id:
            others.append((kind, None))
            continue
        other = known.get(job_id)
        if other is None:
            raise client_exception(f"dependsOn: job {job_id!r} does not exist")
        if kind == "N_TO_N" and not (isinstance(other, ArrayJob) and len(other.children) == size):
            raise client_exception(f"dependsOn: {job_id} is not an array job of the same size")
        others.append((kind, other))
    return others


def _connect(job: Job, kind: str, other: Job | None) -> None:
    children = job.children if isinstance(job, ArrayJob) else [job]
    if other is None:
        for earlier, later in pairwise(children):
            _wait(later, earlier)
    elif kind == "N_TO_N" and isinstance(other, ArrayJob):
        for own, theirs in zip(children, other.children, strict=True):
            _wait(own, theirs)
    else:
        for child in children:
            _wait(child, other)


def _wait(later: Job, earlier: Job) -> None:
    if earlier.status == SUCCEEDED:
        return
    later.waits_for += 1
    if earlier.status == FAILED:
        later.stop_reason = later.stop_reason or DEPENDENCY_FAILED
    earlier.dependents.append(later)


DEPENDENCY_FAILED = "Dependent Job failed"
