"""A job of 120 shards in memory: planned, classified, to be reduced as a test likes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import obstore
from obstore.store import MemoryStore

from shpc_core import columns, keys
from shpc_core.classifier import Classifier
from shpc_core.columns import Predictions
from shpc_core.messages import (
    Group,
    GroupRequest,
    Input,
    JobRequest,
    Plan,
    ReportRequest,
    Shard,
    ShardRequest,
)
from shpc_core.steps.classify import classify_shard
from shpc_core.steps.plan import plan
from shpc_core.steps.reduce_group import reduce_group
from shpc_core.steps.reduce_job import reduce_job
from shpc_core.store import Bucket
from shpc_core.telemetry import ExecutionEnvironment

JOB = "job-1"
INPUT = Input(images="inputs/x/images.idx", labels="inputs/x/labels.idx")
UNLABELLED = Input(images="inputs/x/images.idx")


class Job:
    """A job of 3,000 images in two buckets, planned and classified in this process."""

    results: Bucket

    def __init__(self, inputs: Bucket, classifier: Classifier, shard_size: int) -> None:
        self.inputs = inputs
        self.results = Bucket(MemoryStore())
        self.classifier = classifier
        self.environment = ExecutionEnvironment("classify", {})
        self.plan: Plan = plan(
            JobRequest(job_id=JOB, input=INPUT, shard_size=shard_size),
            inputs=inputs,
            results=self.results,
        )
        for shard in json.loads(self.results.get(self.plan.shards.key)):
            self.classify(Shard(**shard))

    def classify(self, shard: Shard, *, attempt: int = 0) -> None:
        classify_shard(
            ShardRequest(job_id=JOB, input=INPUT, shard=shard, attempt=attempt),
            inputs=self.inputs,
            results=self.results,
            classifier=self.classifier,
            invocation=self.environment.begin(memory_mb=512, request_id="r"),
        )

    def reduce_groups(self, *, input_: Input = INPUT, tolerated: float = 0) -> None:
        for group in json.loads(self.results.get(self.plan.groups.key)):
            request = GroupRequest(
                job_id=JOB,
                input=input_,
                group=Group(**group),
                tolerated_failure_percentage=tolerated,
            )
            reduce_group(request, inputs=self.inputs, results=self.results)

    def report(self, *, input_: Input = INPUT, tolerated: float = 0) -> dict[str, Any]:
        request = ReportRequest(
            job_id=JOB,
            input=input_,
            images=self.plan.images,
            shards=self.plan.shards,
            groups=self.plan.groups,
            tolerated_failure_percentage=tolerated,
        )
        answer = reduce_job(request, results=self.results)
        assert (answer.job_id, answer.report_key) == (JOB, "jobs/job-1/report.json")
        report: dict[str, Any] = json.loads(self.results.get(answer.report_key))
        return report

    def alter_shard(self, shard: int, alter: Callable[[Predictions, dict[str, str]], Any]) -> None:
        key = keys.shard_result(JOB, shard)
        predictions, metadata = columns.decode(self.results.get(key))
        altered = alter(predictions, metadata)
        rows = altered if isinstance(altered, Predictions) else predictions
        self.results.put(key, columns.encode(rows, metadata))

    def alter_last_summary(self, fields: dict[str, Any]) -> None:
        key = keys.part_summary(JOB, 1)
        self.results.put(key, json.dumps(json.loads(self.results.get(key)) | fields).encode())


class Forgetful(Bucket):
    """A bucket that has lost some keys."""

    def __init__(self, bucket: Bucket, *lost: str) -> None:
        super().__init__(bucket._store)
        self._lost = lost

    def get(self, key: str) -> bytes:
        if key in self._lost:
            raise FileNotFoundError(key)
        return super().get(key)


def duplicate(bucket: Bucket) -> Bucket:
    other = Bucket(MemoryStore())
    for page in obstore.list(bucket._store):
        for entry in page:
            other.put(entry["path"], bucket.get(entry["path"]))
    return other
