"""What people do with a stage over its life, by the real CDK CLI: diff, change, repeat, remove."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import requests

from hpc.http_session import retrying_session
from hpc.outputs import Deployment, read_deployment
from hpc.signing import ExecuteApiAuth
from localcloud.cdk import CdkCli
from localcloud.cloud import Cloud
from localcloud.residue import bootstrap_resources, difference, snapshot
from shpc_core import idx

INPUT = "inputs/lifecycle/images.idx"


@dataclass
class Workbench:
    """A cloud, and assemblies of the app synthesized before and after a change."""

    cloud: Cloud
    cdk: CdkCli
    original: Path
    changed: Path

    def left(self, before) -> list[str]:
        after = snapshot(
            self.cloud.context, self.cloud.functions, self.cloud.cloudformation, self.cloud.batch
        )
        bootstrap = bootstrap_resources(self.cloud.context)
        return [str(leftover) for leftover in difference(before, after, bootstrap)]


@contextmanager
def _signed(deployment: Deployment) -> Iterator[requests.Session]:
    credentials = boto3.Session().get_credentials()
    assert credentials is not None
    with retrying_session(ExecuteApiAuth(credentials, region=deployment.region)) as session:
        yield session


def _name_of_first_class() -> str:
    """What the deployed model calls an all-black picture's class, through the API."""
    deployment = read_deployment("dev")
    with _signed(deployment) as session:
        picture = np.zeros((1, 28, 28), dtype=np.uint8).tolist()
        answer = session.post(f"{deployment.api_url}/classify", json={"pixels": picture})
    assert answer.ok, answer.text
    name: str = answer.json()["predictions"][0]["name"]
    return name


def _ended_job(session: requests.Session, deployment: Deployment, job_id: str) -> Any:
    """Submit a job over the one input there is and wait for its end; the last answer."""
    jobs = f"{deployment.api_url}/jobs"
    body = {"job_id": job_id, "input": {"images": INPUT}, "shard_size": 5}
    submitted = session.post(jobs, json=body)
    assert submitted.status_code == 202, submitted.text
    deadline = time.monotonic() + 120
    while (answer := session.get(f"{jobs}/{job_id}")).ok and answer.json()["status"] == "RUNNING":
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return answer


def _delete_bucket(bucket: str) -> None:
    contents = boto3.resource("s3").Bucket(bucket)
    contents.object_versions.delete()
    contents.delete()


def _assert_gone_buckets_are_said() -> None:
    """What the API answers, and what a job fails of, when first the one bucket goes, then both."""
    deployment = read_deployment("dev")
    images = idx.encode(np.zeros((5, 28, 28), np.uint8))
    boto3.client("s3").put_object(Bucket=deployment.input_bucket, Key=INPUT, Body=images)
    with _signed(deployment) as session:
        assert _ended_job(session, deployment, "before").json()["status"] == "SUCCEEDED"

        _delete_bucket(deployment.results_bucket)
        gone = session.get(f"{deployment.api_url}/jobs/before")
        assert (gone.status_code, gone.json()["error"]["field"]) == (410, "job_id")
        failed = _ended_job(session, deployment, "no-results").json()
        assert (failed["status"], failed["error"]) == ("FAILED", "StorageError")
        assert failed["cause"].startswith("object jobs/no-results/shards.json")
        assert f"bucket {deployment.results_bucket}: cannot be written" in failed["cause"]
        assert (failed["report"], failed["parts"]) == (None, [])

        _delete_bucket(deployment.input_bucket)
        failed = _ended_job(session, deployment, "no-input").json()
        assert (failed["status"], failed["error"]) == ("FAILED", "InvalidInput")
        assert f"no readable object {INPUT} in bucket {deployment.input_bucket}" in failed["cause"]


@pytest.fixture
def workbench(assembly: Path, checkout: Path, tmp_path: Path) -> Iterator[Workbench]:
    with Cloud() as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environ.items():
            patch.setenv(name, value)
        # It may have taken its keys from another environment already.
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        cdk = CdkCli(environ=cloud.environ, app_dir=checkout)
        changed = tmp_path / "changed"
        labels = checkout / "lambda_src" / "shpc_core" / "labels.py"
        text = labels.read_text()
        labels.write_text(text + "\nCLASS_NAMES = tuple(f'new {name}' for name in CLASS_NAMES)\n")
        cdk.synth(changed)
        cdk.bootstrap(assembly)
        yield Workbench(cloud, cdk, assembly, changed)


def test_stage_is_changed_taken_back_removed_remade_and_loses_its_buckets(
    workbench: Workbench,
) -> None:
    cloud = workbench.cloud
    before = snapshot(cloud.context, cloud.functions, cloud.cloudformation, cloud.batch)

    workbench.cdk.deploy(workbench.original)
    old_name = _name_of_first_class()
    assert "no differences" in workbench.cdk.diff(workbench.original)
    assert "no changes" in workbench.cdk.deploy(workbench.original)

    difference_shown = workbench.cdk.diff(workbench.changed)
    assert "AWS::Lambda::Function" in difference_shown
    assert "AWS::S3::Bucket" not in difference_shown

    workbench.cdk.deploy(workbench.changed)
    assert _name_of_first_class() == f"new {old_name}"

    # A release is taken back by deploying the one before it.
    workbench.cdk.deploy(workbench.original)
    assert _name_of_first_class() == old_name

    workbench.cdk.destroy(workbench.changed)
    assert workbench.left(before) == []

    workbench.cdk.deploy(workbench.original)
    assert _name_of_first_class() == old_name
    _assert_gone_buckets_are_said()
    workbench.cdk.destroy(workbench.original)
    assert workbench.left(before) == []
