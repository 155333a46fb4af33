"""The job with EXPRESS map children, which is a setting: deployed over the stage, and run."""

from __future__ import annotations

import csv
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import numpy as np
import pytest

from hpc.outputs import Deployment
from shpc_core import idx


@pytest.fixture(scope="module", autouse=True)
def express(own_stage, deployment: Deployment, synthesize_into, as_its_user) -> Iterator[None]:
    """The stage with EXPRESS children as long as this module runs."""
    if own_stage is None:
        pytest.skip("changes the stage")
    own_stage.cdk.deploy(synthesize_into("dev", map_children="EXPRESS"))
    with as_its_user():
        assert read_map_children(deployment) == {"EXPRESS"}
    yield
    own_stage.cdk.deploy(own_stage.assembly)
    with as_its_user():
        assert read_map_children(deployment) == {"STANDARD"}


def read_map_children(deployment: Deployment) -> set[str]:
    """The types of the children of all maps of the deployed state machine."""
    machine = boto3.client("stepfunctions").describe_state_machine(
        stateMachineArn=deployment.state_machine_arn
    )
    return set(re.findall(r'"ExecutionType": ?"(\w+)"', machine["definition"]))


def map_runs(deployment: Deployment, job_id: str) -> list[tuple[dict[str, int], list[str]]]:
    """Of each map run of a job, how many children ended how, and the ARNs of all of them."""
    client = boto3.client("stepfunctions")
    job = f"{deployment.state_machine_arn.replace(':stateMachine:', ':execution:')}:{job_id}"
    runs = []
    for run in client.list_map_runs(executionArn=job)["mapRuns"]:
        described = client.describe_map_run(mapRunArn=run["mapRunArn"])
        counts = {name: count for name, count in described["executionCounts"].items() if count}
        children = client.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        runs.append((counts, [child["executionArn"] for child in children]))
    return runs


def test_job_with_express_children_classifies_every_image_once(deployment, run_job, tmp_path):
    job_id = f"express-{uuid.uuid4().hex[:8]}"
    run_job(tmp_path, "--shard-size", "100", "--job-id", job_id)
    runs = map_runs(deployment, job_id)
    assert sorted(counts["succeeded"] for counts, _ in runs) == [1, 30]
    assert {arn.split(":")[5] for _, arns in runs for arn in arns} == {"express"}
    with (tmp_path / "predictions.csv").open() as file:
        assert len({row["index"] for row in csv.DictReader(file)}) == 3000


def test_job_with_a_failed_express_child_names_it_and_its_cause(
    api, ended, deployment, put_input
) -> None:
    """And is recorded; a redrive starts it anew, once the cause is mended."""
    images = put_input(idx.encode(np.zeros((5, 28, 28), np.uint8)))
    labels = put_input(idx.encode(np.array([0, 1, 2, 200, 4], np.uint8)))
    body: dict[str, Any] = {
        "job_id": f"express-{uuid.uuid4().hex[:8]}",
        "input": {"images": images, "labels": labels},
        "shard_size": 2,
    }
    assert api("POST", "/jobs", json=body).status_code == 202
    status = ended(body["job_id"])
    assert (status["status"], status["error"]) == ("FAILED", "InvalidInput")
    assert status["cause"].startswith("group 0 (items 0..5): input.labels: item 3 of ")
    assert (status["report"], status["parts"]) == (None, [])
    ((_, (child,)),) = [run for run in map_runs(deployment, body["job_id"]) if "failed" in run[0]]
    assert child.split(":")[5] == "express"
    (failure,) = status["failures"]["listed"]
    assert (failure["kind"], failure["number"], failure["error"]) == ("group", 0, "InvalidInput")
    assert ":express:" in record_of(deployment, body["job_id"])["execution"]

    right = idx.encode(np.array([0, 1, 2, 3, 4], np.uint8))
    boto3.client("s3").put_object(Bucket=deployment.input_bucket, Key=labels, Body=right)
    redriven = api("POST", f"/jobs/{body['job_id']}/redrive", json={"token": "mended"})
    assert redriven.status_code == 202
    status = ended(body["job_id"])
    assert (status["status"], status["report"]["predicted"]) == ("SUCCEEDED", 5)
    assert [one["recovered"] for one in status["failures"]["listed"]] == [True]


def record_of(deployment: Deployment, job_id: str) -> dict[str, Any]:
    """What was recorded of the job's first group."""
    key = f"jobs/{job_id}/failures/group-0.json"
    stored = boto3.client("s3").get_object(Bucket=deployment.results_bucket, Key=key)
    record: dict[str, Any] = json.loads(stored["Body"].read())
    return record
