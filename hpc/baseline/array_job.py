"""Starts an array job on AWS Batch, watches it to its end, and reads what became of its children.

Unlike a serverless job it has nobody but this client to reduce its results, so an interrupted watch
ends the job: machines that work for nobody would be paid for. Where Batch cannot be asked any more,
the error says how to end it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hpc.baseline.children import Child, child_failure, read_children
from hpc.baseline.progress import ArrayProgress, ArrayView
from hpc.errors import HpcError, JobFailedError

# https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html
LARGEST_ARRAY = 10_000
_ENDED = frozenset({"SUCCEEDED", "FAILED"})
_POLL_SHARE, _POLL_AT_LEAST_S, _POLL_AT_MOST_S = 0.05, 0.25, 5.0


class BaselineInterruptedError(HpcError):
    """The user stopped watching, and the array job was ended."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """What every child is told: the job's id, its images, how many children there are."""

    job_id: str
    images_key: str
    children: int


@dataclass(frozen=True, kw_only=True)
class EndedArray:
    """An array job whose children all succeeded; seconds since the epoch, by AWS Batch's clock."""

    batch_id: str
    created_at: float
    children: tuple[Child, ...]

    @property
    def stopped_at(self) -> float:
        """When the last child ended."""
        return max(child.stopped_at for child in self.children)

    @property
    def seconds(self) -> float:
        """From the submission to the end of the last child."""
        return self.stopped_at - self.created_at

    @property
    def startup_s(self) -> float:
        """From the submission to the first child's start: machines, their boot, the image."""
        return min(child.started_at for child in self.children) - self.created_at

    @property
    def vcpu_s(self) -> float:
        """What the containers had, while they ran, failed attempts included."""
        return sum(child.vcpus * child.run_s for child in self.children)


def submit_array(batch: Any, *, queue: str, definition: str, share: Share) -> str:
    """Submit the children of `share`; Batch's id of the job.

    An array has two children at least: one child alone is a job of its own, which does everything.
    """
    array = {"arrayProperties": {"size": share.children}} if share.children > 1 else {}
    variables = {"JOB_ID": share.job_id, "INPUT_IMAGES": share.images_key}
    answer = batch.submit_job(
        jobName=share.job_id,
        jobQueue=queue,
        jobDefinition=definition,
        containerOverrides={
            "environment": [{"name": name, "value": value} for name, value in variables.items()]
        },
        **array,
    )
    batch_id: str = answer["jobId"]
    return batch_id


def wait_for_array(
    batch: Any,
    logs: Any,
    batch_id: str,
    view: ArrayView,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> EndedArray:
    """Poll until every child has ended, ever more rarely.

    Raises JobFailedError that names the first child that failed, with the last line of its log;
    BaselineInterruptedError on Ctrl-C, after it has asked Batch to end the job; HpcError where
    Batch does not answer, while the job goes on.
    """
    started = clock()
    with _ending_on_interrupt(batch, batch_id), view:
        while True:
            (job,) = batch.describe_jobs(jobs=[batch_id])["jobs"]
            elapsed_s = clock() - started
            view.show(_progress(job), elapsed_s)
            if job["status"] in _ENDED:
                break
            sleep(min(max(_POLL_AT_LEAST_S, _POLL_SHARE * elapsed_s), _POLL_AT_MOST_S))
    children = read_children(batch, job)
    if job["status"] != "SUCCEEDED":
        reason = child_failure(logs, children) or job.get("statusReason") or "no reason given"
        raise JobFailedError(f"array job {batch_id} {job['status']}: {reason}")
    return EndedArray(
        batch_id=batch_id,
        created_at=job["createdAt"] / 1000,
        children=tuple(Child.of(child) for child in children),
    )


def _progress(job: dict[str, Any]) -> ArrayProgress:
    """Counts by state; of a job that is no array, its own."""
    counts = job.get("arrayProperties", {}).get("statusSummary") or {job["status"]: 1}
    return ArrayProgress(
        total=job.get("arrayProperties", {}).get("size", 1),
        running=counts.get("RUNNING", 0),
        succeeded=counts.get("SUCCEEDED", 0),
        failed=counts.get("FAILED", 0),
        ended=job["status"] in _ENDED,
    )


@contextmanager
def _ending_on_interrupt(batch: Any, batch_id: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as interrupt:
        batch.terminate_job(jobId=batch_id, reason="the client was interrupted")
        raise BaselineInterruptedError(
            f"interrupted: array job {batch_id} is being ended, and its machines with it"
        ) from interrupt
    except (BotoCoreError, ClientError) as error:
        raise HpcError(
            f"AWS: {error}; array job {batch_id} goes on, and nobody will reduce it; end it: "
            f"aws batch terminate-job --job-id {batch_id} --reason unwatched"
        ) from error
