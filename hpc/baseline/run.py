"""The whole of a baseline: plan here, classify on the machines, reduce here, fetch and check.

Plan and reduce are the functions' own steps, run by the client, so that the baseline needs no
function and both ways end in the same objects, checked the same. The machines do what is measured.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from hpc.api import JobStatus, PartUrls, ShardCounts
from hpc.baseline.array_job import (
    LARGEST_ARRAY,
    EndedArray,
    Share,
    submit_array,
    wait_for_array,
)
from hpc.baseline.deployment import BaselineDeployment, Machines
from hpc.baseline.objects import BucketObjects
from hpc.baseline.progress import ArrayView
from hpc.errors import HpcError, ResultsInvalidError
from hpc.results import JobResults, fetch_results
from shpc_core import keys, shards
from shpc_core.errors import IncompleteResults
from shpc_core.messages import GroupRequest, JobRequest, Plan, ReportRequest
from shpc_core.results import JobReport
from shpc_core.steps.plan import plan
from shpc_core.steps.reduce_group import reduce_group
from shpc_core.steps.reduce_job import reduce_job

_ADDRESS_S = 900


@dataclass(frozen=True, kw_only=True)
class Clients:
    """boto3 clients of the services that a baseline calls."""

    s3: Any
    batch: Any
    logs: Any


@dataclass(frozen=True, kw_only=True)
class BaselineRun:
    """A baseline that succeeded, with checked results; `reduce_s` is by this client's clock."""

    job_id: str
    array: EndedArray
    plan: Plan
    results: JobResults
    reduce_s: float


def children_for(shard_count: int, machines: Machines, *, asked: int | None) -> int:
    """How many children share the shards: one for every container that the machines hold at once.

    More would only wait; with fewer shards than that, one for each. Raises HpcError for a number
    that is asked for and cannot be.
    """
    most = min(shard_count, LARGEST_ARRAY)
    if asked is not None and not 1 <= asked <= most:
        raise HpcError(f"--children is {asked}; allowed: 1 to {most}, the number of shards")
    if machines.containers < 1:
        raise HpcError(
            f"the machines have {machines.max_vcpus} vCPUs at most, a container needs "
            f"{machines.vcpus}: no job can start"
        )
    return min(machines.containers, most) if asked is None else asked


def run_baseline(
    clients: Clients,
    deployment: BaselineDeployment,
    machines: Machines,
    request: JobRequest,
    view: ArrayView,
    *,
    children: int | None = None,
) -> BaselineRun:
    """Classify the input of `request` on virtual machines.

    Raises what the steps raise for input or results that cannot be, JobFailedError for children
    that failed, ResultsInvalidError when the results do not cover the input exactly once.
    """
    inputs = BucketObjects(clients.s3, deployment.input_bucket)
    results = BucketObjects(clients.s3, deployment.results_bucket)
    planned = plan(request, inputs=inputs, results=results)
    share = Share(
        job_id=request.job_id,
        images_key=request.input.images,
        children=children_for(planned.shards.count, machines, asked=children),
    )
    batch_id = submit_array(
        clients.batch,
        queue=deployment.job_queue,
        definition=deployment.job_definition,
        share=share,
    )
    array = wait_for_array(clients.batch, clients.logs, batch_id, view)
    started = time.monotonic()
    try:
        report = _reduce(planned, request.shard_size, inputs=inputs, results=results)
    except IncompleteResults as error:
        raise ResultsInvalidError(f"results of job {request.job_id} are wrong: {error}") from error
    reduce_s = time.monotonic() - started
    status = _as_status(clients.s3, deployment.results_bucket, array, report)
    return BaselineRun(
        job_id=request.job_id,
        array=array,
        plan=planned,
        results=fetch_results(status, images=planned.images),
        reduce_s=reduce_s,
    )


def _reduce(
    planned: Plan, shard_size: int, *, inputs: BucketObjects, results: BucketObjects
) -> JobReport:
    for group in shards.grouped(shards.partition(planned.images, shard_size)):
        reduce_group(
            GroupRequest(job_id=planned.job_id, input=planned.input, group=group),
            inputs=inputs,
            results=results,
        )
    request = ReportRequest(
        job_id=planned.job_id,
        input=planned.input,
        images=planned.images,
        shards=planned.shards,
        groups=planned.groups,
    )
    reduce_job(request, results=results)
    return msgspec.json.decode(results.get(keys.report(planned.job_id)), type=JobReport)


def _as_status(s3: Any, bucket: str, array: EndedArray, report: JobReport) -> JobStatus:
    """What the API says of a job that has succeeded, so that results are fetched the same way."""

    def address(key: str) -> str:
        url: str = s3.generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=_ADDRESS_S
        )
        return url

    return JobStatus(
        job_id=report.job_id,
        status="SUCCEEDED",
        started_at=datetime.fromtimestamp(array.created_at, UTC),
        stopped_at=datetime.fromtimestamp(array.stopped_at, UTC),
        shards=ShardCounts(
            total=report.shards, pending=0, running=0, succeeded=report.shards, failed=0
        ),
        report=report,
        parts=[
            PartUrls(
                url=address(part.key),
                sha256=part.sha256,
                summary_url=address(part.summary_key),
                summary_sha256=part.summary_sha256,
                start=part.start,
                stop=part.stop,
            )
            for part in report.parts
        ],
    )
