"""A deployed stage, and a client for it.

With `--deployed-stage STAGE` it is whatever the AWS environment points to: an account, or an
embedded cloud that is already up. Without it, an embedded cloud is started, the real CDK CLI
deploys the templates to it, and both are torn down at the end.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from hpc.http_session import retrying_session
from hpc.outputs import Deployment, read_deployment
from hpc.signing import ExecuteApiAuth
from localcloud.cdk import CdkCli

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "fashion-mnist-3000"
JOB_DEADLINE_S = 300


@dataclass(frozen=True)
class Stage:
    """A stage that these tests have deployed: the CLI for its cloud, and what was deployed."""

    cdk: CdkCli
    assembly: Path
    environ: Mapping[str, str]


@contextmanager
def acting_on(stage: Stage | None) -> Iterator[None]:
    """The AWS environment of that stage's user, and of nobody else's tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (stage.environ if stage else {}).items():
            patch.setenv(name, value)
        # It may have taken its keys from another environment already.
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        yield


@pytest.fixture(scope="session")
def own_stage(request: pytest.FixtureRequest, tmp_path_factory) -> Iterator[Stage | None]:
    """None where the stage under test is somebody else's."""
    if request.config.getoption("--deployed-stage"):
        yield None
        return
    assembly = request.getfixturevalue("assembly")
    with embedded_cloud(tmp_path_factory.mktemp("cloud")) as environ:
        cdk = CdkCli(environ=environ)
        cdk.bootstrap(assembly)
        cdk.deploy(assembly)
        yield Stage(cdk, assembly, environ)
        cdk.destroy(assembly)


@pytest.fixture(scope="session")
def as_its_user(own_stage: Stage | None) -> Callable[[], AbstractContextManager[None]]:
    """The environment of the stage's user, for fixtures that outlive a test."""
    return lambda: acting_on(own_stage)


@pytest.fixture(autouse=True)
def _each_test_is_its_user(as_its_user: Callable[[], AbstractContextManager[None]]) -> Any:
    with as_its_user():
        yield


@pytest.fixture(scope="session")
def deployment(request: pytest.FixtureRequest, own_stage: Stage | None) -> Deployment:
    with acting_on(own_stage):
        return read_deployment(request.config.getoption("--deployed-stage") or "dev")


@contextmanager
def embedded_cloud(folder: Path) -> Iterator[dict[str, str]]:
    """A cloud in a process of its own, as `make cloud` starts it; the variables it prints."""
    up = subprocess.Popen(
        [sys.executable, "-m", "localcloud", "up"],
        cwd=folder,
        env={**os.environ, "LOCALCLOUD_CACHE": str(ROOT / ".cache")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        environ: dict[str, str] = {}
        while "CDK_DOCKER" not in environ:
            line = up.stdout.readline() if up.stdout else ""
            assert line, f"the cloud ended with {up.wait()}"
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").partition("=")
                (environ[name],) = shlex.split(value)
        yield environ
    finally:
        up.send_signal(signal.SIGTERM)
        with up:
            ended = up.wait(60)
    assert ended == 0


@pytest.fixture(scope="session")
def session(deployment: Deployment, own_stage: Stage | None) -> Iterator[requests.Session]:
    with acting_on(own_stage):
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
def put_input(deployment: Deployment, own_stage: Stage | None) -> Callable[[bytes], str]:
    """Puts bytes into the input bucket; their key."""
    with acting_on(own_stage):
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
def run_job(
    deployment: Deployment, as_its_user: Callable[[], AbstractContextManager[None]]
) -> Callable[..., None]:
    """`hpc run` as a user types it, into a folder."""

    def run(out: Path, *options: str) -> None:
        command = [sys.executable, "-m", "hpc", "run", "--stage", deployment.stage]
        with as_its_user():
            subprocess.run([*command, "--out", str(out), *options], check=True, cwd=ROOT)

    return run
