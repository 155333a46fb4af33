"""AWS Batch of one embedded cloud: its API, and what stands behind each operation.

moto's own Batch runs jobs in Docker and is not used. Modelled: managed compute environments on EC2
(on demand or spot), queues, container job definitions, jobs and arrays. Requests are checked
against botocore's model, and whatever is not modelled is refused by name.
https://docs.aws.amazon.com/batch/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import botocore.session
from botocore.validate import ParamValidator
from werkzeug import Response

from localcloud.batch.definitions import JobDefinitions
from localcloud.batch.environments import ComputeEnvironments
from localcloud.batch.errors import client_exception
from localcloud.batch.jobs import ENDED, ArrayJob, Job
from localcloud.batch.listing import describe_jobs, list_jobs
from localcloud.batch.queues import JobQueues
from localcloud.batch.runner import Runner
from localcloud.batch.scheduler import Scheduler
from localcloud.batch.submission import Submission
from localcloud.context import CloudContext
from localcloud.iam.call import NotModelledError
from localcloud.iam.gate import Allows
from localcloud.iam.operations import operation_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_QUEUE_DELETED = "The job queue was deleted"


@dataclass(frozen=True)
class BatchLimits:
    """`width`: vCPUs of the jobs that run at once on this machine; AWS sets the others.

    https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
    """

    width: int = field(default_factory=lambda: os.cpu_count() or 1)
    least_timeout_s: int = 60
    stop_grace_s: float = 30.0


class BatchService:
    """The Batch API over HTTP; nothing of it runs before its first job."""

    def __init__(
        self, context: CloudContext, allows: Allows, limits: BatchLimits | None = None
    ) -> None:
        limits = limits or BatchLimits()
        self._lock = threading.RLock()
        self._tags: dict[str, dict[str, str]] = {}
        self._jobs: dict[str, Job] = {}
        self._queues = JobQueues(context, tags=self._tags)
        self._environments = ComputeEnvironments(
            context, tags=self._tags, in_queue=self._queues.of_environment
        )
        self._definitions = JobDefinitions(
            context, tags=self._tags, least_timeout_s=limits.least_timeout_s
        )
        self._submission = Submission(context, self._queues, self._definitions)
        self._runner = Runner(context, allows, stop_grace_s=limits.stop_grace_s)
        self._scheduler = Scheduler(
            self._lock, self._environments, self._queues, self._runner, width=limits.width
        )
        self._operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CancelJob": lambda given: self._stop_job(given, terminate=False),
            "CreateComputeEnvironment": self._environments.create,
            "CreateJobQueue": lambda given: self._queues.create(given, self._environments),
            "DeleteComputeEnvironment": self._environments.delete,
            "DeleteJobQueue": self._delete_queue,
            "DeregisterJobDefinition": self._definitions.deregister,
            "DescribeComputeEnvironments": self._environments.describe,
            "DescribeJobDefinitions": self._definitions.describe,
            "DescribeJobQueues": self._queues.describe,
            "DescribeJobs": lambda given: describe_jobs(given, self._jobs),
            "ListJobs": lambda given: list_jobs(given, self._jobs, self._queues),
            "ListTagsForResource": lambda given: {"tags": self._tags_of(given)},
            "RegisterJobDefinition": self._definitions.register,
            "SubmitJob": self._submit,
            "TagResource": self._tag,
            "TerminateJob": lambda given: self._stop_job(given, terminate=True),
            "UntagResource": self._untag,
            "UpdateComputeEnvironment": self._update_environment,
            "UpdateJobQueue": self._update_queue,
        }

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request. Raises Refused."""
        try:
            operation = operation_of(environ, "batch")
        except NotModelledError as error:
            raise client_exception(f"{error} is not modelled by this embedded cloud") from error
        given = dict(operation.parameters)
        if "tagKeys" in given:
            given["tagKeys"] = parse_qs(environ["QUERY_STRING"])["tagKeys"]
        answer = self.handle(operation.name, given)
        response = Response(json.dumps(answer), content_type="application/json")
        return response(environ, start_response)

    def handle(self, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one call: parameters and answer in botocore's shapes. Raises Refused."""
        if operation not in self._operations:
            modelled = ", ".join(sorted(self._operations))
            raise client_exception(
                f"{operation} is not modelled by this embedded cloud; modelled: {modelled}"
            )
        shape = _model().operation_model(operation).input_shape
        report = ParamValidator().validate(given, shape)
        if report.has_errors():
            raise client_exception(f"Error executing request, {report.generate_report()}")
        with self._lock:
            return self._operations[operation](given)

    def running_processes(self) -> list[int]:
        """Process ids of the containers that run."""
        processes = (placement.process for placement in self._scheduler.placements())
        return [process.pid for process in processes if process is not None]

    def leftovers(self) -> list[tuple[str, str]]:
        """Collection and name of everything that somebody made and did not remove."""
        with self._lock:
            active = [each for each in self._definitions.all() if each.status == "ACTIVE"]
            jobs = [job for job in self._jobs.values() if job.status not in ENDED]
            return [
                *(("compute environments", name) for name in self._environments.by_name),
                *(("job queues", name) for name in self._queues.by_name),
                *(("job definitions", each.arn) for each in active),
                *(("jobs", job.job_id) for job in jobs if job.array is None),
            ]

    def stop(self) -> None:
        """End every container; nothing is started any more."""
        self._scheduler.stop()
        self._runner.stop()

    def _submit(self, given: Mapping[str, Any]) -> dict[str, Any]:
        job = self._submission.job(given, self._jobs)
        self._jobs[job.job_id] = job
        if isinstance(job, ArrayJob):
            self._jobs.update((child.job_id, child) for child in job.children)
        self._tags[job.arn] = dict(job.tags)
        self._scheduler.submit(job)
        return {"jobArn": job.arn, "jobName": job.name, "jobId": job.job_id}

    def _stop_job(self, given: Mapping[str, Any], *, terminate: bool) -> dict[str, Any]:
        job = self._jobs.get(given["jobId"])
        if job is None:
            raise client_exception(f"Job {given['jobId']} does not exist")
        self._scheduler.stop_job(job, given["reason"], terminate=terminate)
        return {}

    def _update_environment(self, given: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._environments.update(given)
        self._scheduler.schedule()
        return answer

    def _update_queue(self, given: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._queues.update(given, self._environments)
        self._scheduler.schedule()
        return answer

    def _delete_queue(self, given: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._queues.remove(given["jobQueue"])
        if queue is not None:
            for job in [job for job in self._jobs.values() if job.queue is queue]:
                self._scheduler.stop_job(job, _QUEUE_DELETED, terminate=True)
        return {}

    def _tags_of(self, given: Mapping[str, Any]) -> dict[str, str]:
        arn = given["resourceArn"]
        if arn not in self._tags:
            raise client_exception(f"{arn} does not exist")
        return self._tags[arn]

    def _tag(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self._tags_of(given).update(given["tags"])
        return {}

    def _untag(self, given: Mapping[str, Any]) -> dict[str, Any]:
        tags = self._tags_of(given)
        for key in given["tagKeys"]:
            tags.pop(key, None)
        return {}


def _model() -> Any:
    return botocore.session.get_session().get_service_model("batch")
