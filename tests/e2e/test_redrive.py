"""A job that lost a shard: named, recorded, mended, redriven, and then like one that never failed.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from typing import Any

import boto3
import msgspec
import numpy as np
import pytest

from hpc.api import JobStatus
from hpc.results import fetch_results
from shpc_core import idx
from tests.e2e.conftest import DATA, ROOT

IMAGES = 400
SHARD_SIZE = 50
POISONED = 5


@pytest.fixture(scope="module")
def pixels() -> Any:
    everything = idx.decode((DATA / "images.idx").read_bytes(), item_shape=(28, 28), field="images")
    return everything[:IMAGES]


@pytest.fixture
def bucket(deployment) -> Any:
    """The results bucket, as its owner sees it."""
    return boto3.resource("s3").Bucket(deployment.results_bucket)


def request(images: str, labels: str | None = None) -> dict[str, Any]:
    return {
        "job_id": f"redrive-{uuid.uuid4().hex[:8]}",
        "workload": "classify",
        "input": {"images": images, "labels": labels},
        "shard_size": SHARD_SIZE,
    }


def report_of(status: dict[str, Any]) -> dict[str, Any]:
    """What must be the same of two jobs with the same answers."""
    names = ("images", "predicted", "missing", "duplicated", "shards", "groups", "label_counts")
    return {name: status["report"][name] for name in (*names, "complete", "missing_shards")}


def shard_results(bucket: Any, job_id: str) -> dict[int, str]:
    """Number -> which invocation wrote its result: its telemetry is in the bytes."""
    return {
        int(re.findall(r"(\d{6})\.", found.key)[0]): found.e_tag
        for found in bucket.objects.filter(Prefix=f"jobs/{job_id}/shards/")
    }


@pytest.fixture
def without_write(bucket) -> Any:
    """`without_write(key, ...)`: until `mend()`, nobody may write these objects."""
    policy = bucket.Policy()
    before = policy.policy

    class Broken:
        def __call__(self, *keys: str) -> None:
            document = json.loads(before)
            document["Statement"].append(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:PutObject",
                    "Resource": [f"arn:aws:s3:::{bucket.name}/{key}" for key in keys],
                }
            )
            policy.put(Policy=json.dumps(document))

        def mend(self) -> None:
            policy.put(Policy=before)

    broken = Broken()
    yield broken
    broken.mend()


def succeeded_shards(deployment, job_id: str) -> set[int]:
    """The shards whose child SUCCEEDED in the map's first run."""
    client = boto3.client("stepfunctions")
    job = f"{deployment.state_machine_arn.replace(':stateMachine:', ':execution:')}:{job_id}"
    (run,) = client.list_map_runs(executionArn=job)["mapRuns"]
    children = client.list_executions(mapRunArn=run["mapRunArn"], statusFilter="SUCCEEDED")
    described = (
        client.describe_execution(executionArn=child["executionArn"])
        for child in children["executions"]
    )
    return {json.loads(child["input"])["shard"]["shard"] for child in described}


def hpc(as_its_user, deployment, *command: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "hpc", *command, "--stage", deployment.stage]
    with as_its_user():
        return subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)


def test_job_that_lost_a_shard_is_exact_after_its_redrive(
    api, ended, deployment, bucket, put_input, pixels, without_write, as_its_user
) -> None:
    images = put_input(idx.encode(pixels))
    whole, failing = request(images), request(images)
    assert api("POST", "/jobs", json=whole).status_code == 202
    untouched = ended(whole["job_id"])
    assert untouched["status"] == "SUCCEEDED"
    job_id = failing["job_id"]
    lost = f"jobs/{job_id}/shards/{POISONED:06d}.safetensors"
    without_write(lost)

    assert api("POST", "/jobs", json=failing).status_code == 202
    status = ended(job_id)
    assert (status["status"], status["error"]) == ("FAILED", "StorageError")
    assert status["cause"].startswith(f"shard {POISONED} (items 250..300): object {lost}")
    assert (status["redrive_count"], status["redrive_status"]) == (0, "REDRIVABLE")
    (failure,) = status["failures"]["listed"]
    assert (failure["kind"], failure["number"], failure["error"]) == (
        "shard",
        POISONED,
        "StorageError",
    )
    assert (failure["start"], failure["stop"], failure["recovered"]) == (250, 300, False)
    key = f"jobs/{job_id}/failures/shard-{POISONED}.json"
    record = json.loads(bucket.Object(key).get()["Body"].read())
    assert record["shard"] == {"shard": POISONED, "start": 250, "stop": 300}
    assert record["failure"]["Error"] == "StorageError"
    assert "/ClassifyShards:" in record["execution"]

    told = hpc(as_its_user, deployment, "status", job_id).stdout
    assert f"recorded: shard {POISONED} (items 250..300): StorageError, not recovered" in told
    assert f"can be redriven: hpc redrive {job_id}" in told

    # Nothing is mended: the lost shard is done again, and fails again.
    again = hpc(as_its_user, deployment, "redrive", job_id, "--wait")
    assert again.returncode == 1
    assert f"shard {POISONED} (items 250..300)" in again.stderr
    assert ended(job_id)["redrive_count"] == 1

    done = succeeded_shards(deployment, job_id)
    assert done
    assert POISONED not in done
    before = shard_results(bucket, job_id)
    without_write.mend()
    mended = hpc(as_its_user, deployment, "redrive", job_id, "--wait")
    assert mended.returncode == 0, mended.stderr
    status = ended(job_id)
    assert (status["status"], status["redrive_count"]) == ("SUCCEEDED", 2)
    assert [one["recovered"] for one in status["failures"]["listed"]] == [True]
    assert report_of(status) == report_of(untouched)
    after = shard_results(bucket, job_id)
    assert {shard: after[shard] for shard in done} == {shard: before[shard] for shard in done}
    assert set(after) == set(range(IMAGES // SHARD_SIZE))
    ours, theirs = (
        fetch_results(msgspec.convert(one, JobStatus, strict=False), images=IMAGES)
        for one in (status, untouched)
    )
    for column in ("index", "label", "confidence"):
        assert getattr(ours, column).tobytes() == getattr(theirs, column).tobytes()


def test_redrive_of_a_lost_group_repeats_no_shard(
    api, ended, deployment, bucket, put_input, pixels
) -> None:
    labels = np.arange(IMAGES) % 10
    labels[3] = 200
    key = put_input(idx.encode(labels.astype(np.uint8)))
    job = request(put_input(idx.encode(pixels)), key)
    assert api("POST", "/jobs", json=job).status_code == 202
    status = ended(job["job_id"])
    assert (status["status"], status["error"]) == ("FAILED", "InvalidInput")
    assert [(one["kind"], one["number"]) for one in status["failures"]["listed"]] == [("group", 0)]
    before = shard_results(bucket, job["job_id"])
    assert len(before) == IMAGES // SHARD_SIZE

    labels[3] = 3
    body = idx.encode(labels.astype(np.uint8))
    boto3.client("s3").put_object(Bucket=deployment.input_bucket, Key=key, Body=body)
    redriven = api("POST", f"/jobs/{job['job_id']}/redrive", json={"token": "mended"})
    assert redriven.status_code == 202
    status = ended(job["job_id"])
    assert (status["status"], status["report"]["complete"]) == ("SUCCEEDED", True)
    assert status["report"]["predicted"] == IMAGES
    assert status["failures"]["listed"][0]["recovered"] is True
    assert shard_results(bucket, job["job_id"]) == before
    # The same token again is the same redrive; another one is refused.
    repeated = api("POST", f"/jobs/{job['job_id']}/redrive", json={"token": "mended"})
    assert (repeated.status_code, repeated.json()) == (202, redriven.json())
    other = api("POST", f"/jobs/{job['job_id']}/redrive", json={"token": "other"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "not_redrivable")
    assert "is SUCCEEDED" in other.json()["error"]["message"]


def test_failure_that_cannot_be_recorded_is_told_by_its_own_name(
    api, ended, put_input, pixels, without_write
) -> None:
    job = request(put_input(idx.encode(pixels)))
    prefix = f"jobs/{job['job_id']}"
    without_write(f"{prefix}/shards/{POISONED:06d}.safetensors", f"{prefix}/failures/*")
    assert api("POST", "/jobs", json=job).status_code == 202
    status = ended(job["job_id"])
    assert (status["status"], status["error"]) == ("FAILED", "StorageError")
    assert status["cause"].startswith(f"shard {POISONED} (items 250..300): ")
    assert status["failures"] == {"recorded": 0, "more": False, "listed": []}


def test_unknown_job_is_not_redriven(api, as_its_user, deployment) -> None:
    answer = api("POST", "/jobs/nobody/redrive", json={"token": "any"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (404, "job_id")
    told = hpc(as_its_user, deployment, "redrive", "nobody")
    assert told.returncode == 1
    assert "there is no job nobody" in told.stderr


@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": "a b"}, {"token": 5}, {"t": "x"}])
def test_redrive_without_a_token_is_refused(api, body: dict[str, Any]) -> None:
    answer = api("POST", "/jobs/nobody/redrive", json=body)
    assert answer.status_code == 400
    assert re.search(r"(token|t): .*; allowed: ", answer.json()["error"]["message"])
