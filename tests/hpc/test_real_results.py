"""What the real steps of a job write is what this client takes, and both count the same."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from obstore.store import MemoryStore

from hpc.api import JobsApi
from hpc.conclude import evaluate_agreed
from hpc.dataset import read_dataset
from hpc.pictures import DEFAULT_MODEL
from hpc.results import fetch_results
from shpc_core import columns, keys
from shpc_core.classifier import Classifier
from shpc_core.messages import (
    Group,
    GroupRequest,
    Input,
    JobRequest,
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
from tests.hpc.made_up import FinishedJob

DATA = Path(__file__).parents[2] / "data" / "fashion-mnist-3000"
JOB_ID = "job-1"


@pytest.fixture(scope="module")
def stored() -> Bucket:
    """The results bucket after a job over all 3,000 images, 25 to a shard: two groups."""
    inputs, results = Bucket(MemoryStore()), Bucket(MemoryStore())
    given = Input(images="inputs/x/images.idx", labels="inputs/x/labels.idx")
    inputs.put(given.images, (DATA / "images.idx").read_bytes())
    inputs.put(given.labels, (DATA / "labels.idx").read_bytes())
    planned = plan(
        JobRequest(job_id=JOB_ID, input=given, shard_size=25), inputs=inputs, results=results
    )
    classifier = Classifier(DEFAULT_MODEL)
    environment = ExecutionEnvironment("classify", {})
    for shard in msgspec.json.decode(results.get(planned.shards.key), type=list[Shard]):
        classify_shard(
            ShardRequest(job_id=JOB_ID, input=given, shard=shard),
            inputs=inputs,
            results=results,
            classifier=classifier,
            invocation=environment.begin(memory_mb=1769, request_id=f"request-{shard.shard}"),
        )
    for group in msgspec.json.decode(results.get(planned.groups.key), type=list[Group]):
        reduce_group(
            GroupRequest(job_id=JOB_ID, input=given, group=group), inputs=inputs, results=results
        )
    reduce_job(
        ReportRequest(
            job_id=JOB_ID,
            input=given,
            images=planned.images,
            shards=planned.shards,
            groups=planned.groups,
        ),
        results=results,
    )
    return results


@pytest.fixture
def status(stored, fake_api, signed_session):
    report = json.loads(stored.get(keys.report(JOB_ID)))
    fake_api.finished[JOB_ID] = FinishedJob(
        report=report,
        parts=[
            (
                columns.decode(stored.get(part["key"]))[0],
                json.loads(stored.get(part["summary_key"])),
            )
            for part in report["parts"]
        ],
    )
    fake_api.polls[JOB_ID] = fake_api.running_polls
    return JobsApi(fake_api.url, signed_session).status(JOB_ID)


def test_results_of_the_real_steps_are_taken_and_add_up(status) -> None:
    dataset = read_dataset(DATA / "images.idx", DATA / "labels.idx")
    results = fetch_results(status, images=3000)
    assert results.coverage.is_exact
    assert len(results.telemetry) == 120
    assert [one.cold for one in results.telemetry].count(True) == 1
    evaluation = evaluate_agreed(results, dataset.labels)
    assert evaluation.accuracy == status.report.accuracy
    assert evaluation.accuracy > 0.9
