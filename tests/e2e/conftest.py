"""A deployed stage, and a client for it.

With `--deployed-stage STAGE` it is whatever the AWS environment points to: an account, or an
embedded cloud that is already up. Without it, an embedded cloud is started, the real CDK CLI
deploys the templates to it, and both are torn down at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from hpc.http_session import retrying_session
from hpc.outputs import Deployment, read_deployment
from hpc.signing import ExecuteApiAuth
from localcloud.cdk import CdkCli
from localcloud.cloud import Cloud

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "fashion-mnist-3000"
JOB_DEADLINE_S = 300


@pytest.fixture(scope="session")
def deployment(request: pytest.FixtureRequest, tmp_path_factory) -> Iterator[Deployment]:
    stage = request.config.getoption("--deployed-stage")
    if stage:
        yield read_deployment(stage)
        return
    assembly = tmp_path_factory.mktemp("assembly") / "cdk.out"
    with Cloud() as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environ.items():
            patch.setenv(name, value)
        cdk = CdkCli(environ=cloud.environ)
        cdk.run("synth", "--quiet", "--output", str(assembly))
        cdk.run("bootstrap", "--app", str(assembly))
        cdk.run("deploy", "--all", "--app", str(assembly), "--require-approval", "never")
        yield read_deployment("dev")
        cdk.run("destroy", "--all", "--app", str(assembly), "--force")


@pytest.fixture(scope="session")
def session(deployment: Deployment) -> Iterator[requests.Session]:
    credentials = boto3.Session().get_credentials()
    assert credentials is not None
    # Retries would hide a refusal's first answer.
    signed = retrying_session(ExecuteApiAuth(credentials, region=deployment.region), retries=0)
    with signed:
        yield signed


@pytest.fixture
def api(session: requests.Session, deployment: Deployment) -> Callable[..., requests.Response]:
    """Signed call: `api(method, path, **what requests takes)`."""

    def call(method: str, path: str, **options: Any) -> requests.Response:
        return session.request(method, f"{deployment.api_url}{path}", **options)

    return call


@pytest.fixture
def ended(api: Callable[..., requests.Response]) -> Callable[[str], dict[str, Any]]:
    """Polls a job until it has ended; its status."""

    def poll(job_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + JOB_DEADLINE_S
        while (status := api("GET", f"/jobs/{job_id}").json())["status"] == "RUNNING":
            assert time.monotonic() < deadline, status
            time.sleep(0.2)
        return status

    return poll


@pytest.fixture(scope="session")
def put_input(deployment: Deployment) -> Callable[[bytes], str]:
    """Puts bytes into the input bucket; their key."""
    s3 = boto3.client("s3")

    def put(body: bytes) -> str:
        key = f"inputs/e2e-{uuid.uuid4().hex[:8]}/images.idx"
        s3.put_object(Bucket=deployment.input_bucket, Key=key, Body=body)
        return key

    return put


@pytest.fixture(scope="session")
def uploaded(put_input: Callable[[bytes], str]) -> dict[str, str | None]:
    """The shipped images in the input bucket, as the `input` of a job."""
    return {"images": put_input((DATA / "images.idx").read_bytes()), "labels": None}


@pytest.fixture(scope="session")
def run_job(deployment: Deployment) -> Callable[..., None]:
    """`hpc run` as a user types it, into a folder."""

    def run(out: Path, *options: str) -> None:
        command = [sys.executable, "-m", "hpc", "run", "--stage", deployment.stage]
        subprocess.run(
            [*command, "--out", str(out), *options], check=True, cwd=ROOT, env=os.environ
        )

    return run
