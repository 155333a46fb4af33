"""A stage that tolerates lost shards: its jobs succeed, and say everywhere what is missing."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.conftest import DATA, ROOT

SHARD_SIZE = 100
SHARDS = 30
LOST = 4


@pytest.fixture(scope="module", autouse=True)
def tolerant(own_stage, deployment, synthesize_into) -> Iterator[None]:
    """The stage with a tolerance of 10 % as long as this module runs."""
    if own_stage is None:
        pytest.skip("changes the stage")
    own_stage.cdk.deploy(synthesize_into("dev", tolerated_failure_percentage="10"))
    yield
    own_stage.cdk.deploy(own_stage.assembly)


@pytest.fixture
def job_id(deployment) -> Iterator[str]:
    """A job of which shard 4 cannot write its result."""
    name = f"tolerated-{uuid.uuid4().hex[:8]}"
    with unwritable(deployment.results_bucket, name, [LOST]):
        yield name


class unwritable:  # noqa: N801 - read as a phrase
    """While it lasts, the results of these shards may be written by nobody."""

    def __init__(self, bucket: str, job_id: str, shards: list[int]) -> None:
        self._policy = boto3.resource("s3").Bucket(bucket).Policy()
        self._before = self._policy.policy
        self._keys = [
            f"arn:aws:s3:::{bucket}/jobs/{job_id}/shards/{shard:06d}.safetensors"
            for shard in shards
        ]

    def __enter__(self) -> None:
        document = json.loads(self._before)
        denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}
        document["Statement"].append({**denied, "Resource": self._keys})
        self._policy.put(Policy=json.dumps(document))

    def __exit__(self, *exc: object) -> None:
        self._policy.put(Policy=self._before)


@pytest.fixture
def hpc(deployment, as_its_user):
    """`hpc(command, ...)` as a user types it; how it ended."""

    def call(*command: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "hpc", *command, "--stage", deployment.stage]
        with as_its_user():
            return subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)

    return call


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as source:
        return list(csv.DictReader(source))


def test_partial_job_says_so_everywhere(hpc, api, job_id: str, tmp_path: Path) -> None:
    ended = hpc("run", "--job-id", job_id, "--shard-size", "100", "--out", str(tmp_path))
    assert ended.returncode == 3, ended.stderr
    printed = " ".join(ended.stdout.split())
    assert "INCOMPLETE: 100 of 3,000 images are missing, 1 of 30 shards" in printed
    assert "shard 4 (items 400..500): StorageError" in printed
    assert "of the 2,900 predicted" in printed

    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["complete"] is False
    assert (summary["images"], summary["predicted"], summary["missing"]) == (3000, 2900, 100)
    missing = [{"shard": LOST, "start": 400, "stop": 500, "error": "StorageError"}]
    assert summary["missing_shards"] == missing

    table = rows(tmp_path / "predictions.csv")
    assert [int(row["index"]) for row in table] == list(range(3000))
    empty = [int(row["index"]) for row in table if row["label"] == row["confidence"] == ""]
    assert empty == list(range(400, 500))
    hits = sum(row["label"] == row["true_label"] for row in table)
    assert summary["accuracy"] == pytest.approx(hits / 2900)

    page = (tmp_path / "report.html").read_text()
    assert "incomplete: 1 of 30 shards lost" in page
    assert "every image exactly once" not in page

    status: dict[str, Any] = api("GET", f"/jobs/{job_id}").json()
    assert (status["status"], status["error"]) == ("SUCCEEDED", None)
    assert status["report"]["complete"] is False
    assert status["report"]["missing_shards"] == missing
    assert (status["shards"]["succeeded"], status["shards"]["failed"]) == (29, 1)
    assert status["redrive_status"] == "NOT_REDRIVABLE"
    (failure,) = status["failures"]["listed"]
    assert (failure["number"], failure["recovered"]) == (LOST, False)

    accepted = tmp_path / "accepted"
    again = hpc("fetch", job_id, "--accept-partial", "--out", str(accepted))
    assert again.returncode == 0, again.stderr
    assert "INCOMPLETE" in again.stdout
    assert json.loads((accepted / "summary.json").read_text())["complete"] is False
    assert "INCOMPLETE: 100 of 3000 images are missing" in hpc("status", job_id).stdout


def test_more_lost_shards_than_tolerated_fail_the_job(
    deployment, api, ended, uploaded: dict[str, Any]
) -> None:
    job_id = f"tolerated-{uuid.uuid4().hex[:8]}"
    body = {"job_id": job_id, "input": uploaded, "shard_size": SHARD_SIZE}
    with unwritable(deployment.results_bucket, job_id, [1, 5, 9, 13]):
        assert api("POST", "/jobs", json=body).status_code == 202
        status = ended(job_id)
    assert (status["status"], status["error"]) == ("FAILED", "StorageError")
    assert (status["report"], status["parts"]) == (None, [])
    assert status["redrive_status"] == "REDRIVABLE"
    # The shards that were not lost are there, and a redrive makes it a whole job.
    assert api("POST", f"/jobs/{job_id}/redrive", json={"token": job_id}).status_code == 202
    status = ended(job_id)
    assert (status["status"], status["report"]["complete"]) == ("SUCCEEDED", True)


def test_whole_job_is_complete_on_a_tolerant_stage(hpc, tmp_path: Path) -> None:
    ended = hpc("run", "--images", str(DATA / "images.idx"), "--out", str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert "INCOMPLETE" not in ended.stdout
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["complete"], summary["missing_shards"]) == (True, [])
