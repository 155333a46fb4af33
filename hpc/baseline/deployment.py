"""Finds the baseline of a stage: its outputs, and what its queue says of the machines behind it.

It refuses to guess: without the stack there is no baseline, and the machines are those that the
queue names, not what some settings file would have had.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3

from hpc.errors import UnexpectedAnswerError
from hpc.outputs import read_outputs

_OUTPUTS = {
    "storage": ("InputBucketName", "ResultsBucketName"),
    "baseline": ("JobQueueArn", "JobDefinitionArn"),
}
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True)
class BaselineDeployment:
    """Where input and results lie, and what is submitted to which queue."""

    stage: str
    region: str
    input_bucket: str
    results_bucket: str
    job_queue: str
    job_definition: str
    is_on_this_machine: bool

    @property
    def place(self) -> str:
        """Where the machines are, in words for a reader."""
        return "embedded cloud on this machine" if self.is_on_this_machine else f"AWS {self.region}"


@dataclass(frozen=True, kw_only=True)
class Machines:
    """What the queue runs on: one instance type, so many vCPUs at most, for containers of a size.

    `vcpus` and `memory_mb` are those of one container.
    """

    instance_type: str
    spot: bool
    max_vcpus: int
    vcpus: int
    memory_mb: int

    @property
    def containers(self) -> int:
        """How many run at once at most."""
        return self.max_vcpus // self.vcpus


def read_baseline(stage: str, *, session: boto3.Session) -> BaselineDeployment:
    """Read the outputs of `shpc-<stage>-storage` and `shpc-<stage>-baseline`.

    Raises NotDeployedError that names what is missing and how it is deployed.
    """
    cloudformation = session.client("cloudformation")
    hint = (
        "the baseline is deployed when asked for: `make deploy "
        f"STAGE={stage} CONTEXT='-c baseline=true'` (with LOCAL=1 for the embedded cloud)"
    )
    found = read_outputs(cloudformation, stage, _OUTPUTS, hint=hint)
    endpoint = urlsplit(cloudformation.meta.endpoint_url).hostname
    return BaselineDeployment(
        stage=stage,
        region=cloudformation.meta.region_name,
        input_bucket=found["InputBucketName"],
        results_bucket=found["ResultsBucketName"],
        job_queue=found["JobQueueArn"],
        job_definition=found["JobDefinitionArn"],
        is_on_this_machine=endpoint in _THIS_MACHINE,
    )


def read_machines(batch: Any, deployment: BaselineDeployment) -> Machines:
    """What the queue's compute environment and the job definition say.

    Raises UnexpectedAnswerError where they are not as the baseline stack makes them.
    """
    queue = _only(
        batch.describe_job_queues(jobQueues=[deployment.job_queue])["jobQueues"], "job queue"
    )
    order = _only(queue["computeEnvironmentOrder"], "compute environment of the queue")
    name = order["computeEnvironment"]
    environments = batch.describe_compute_environments(computeEnvironments=[name])
    environment = _only(environments["computeEnvironments"], "compute environment")
    resources = environment["computeResources"]
    definitions = batch.describe_job_definitions(jobDefinitions=[deployment.job_definition])
    definition = _only(definitions["jobDefinitions"], "job definition")
    needs = {
        need["type"]: int(need["value"])
        for need in definition["containerProperties"]["resourceRequirements"]
    }
    return Machines(
        instance_type=_only(resources["instanceTypes"], "instance type"),
        spot=resources["type"] == "SPOT",
        max_vcpus=resources["maxvCpus"],
        vcpus=needs["VCPU"],
        memory_mb=needs["MEMORY"],
    )


def _only(found: list[Any], what: str) -> Any:
    if len(found) != 1:
        raise UnexpectedAnswerError(f"AWS Batch knows {len(found)} of one {what}")
    return found[0]
