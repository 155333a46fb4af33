"""Two jobs take all of classify's share; the API has its own and notices nothing.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import numpy as np
import pytest
import requests
from botocore.config import Config
from PIL import Image
from rich.console import Console

from hpc.api import JobsApi
from hpc.http_session import retrying_session
from hpc.job import join
from hpc.outputs import Deployment, read_deployment
from hpc.progress import progress_view
from hpc.signing import ExecuteApiAuth
from localcloud.cdk import CdkCli
from localcloud.cloud import Cloud
from localcloud.functions import ServiceLimits
from shpc_core import idx

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SHARE = 3
SHARDS = 8
INPUT = "inputs/shares/images.idx"
LIMIT = "ReservedFunctionConcurrentInvocationLimitExceeded"
CONTEXT = {"classify.reserved_concurrency": str(SHARE), "map_concurrency": str(SHARE)}


class Gate:
    """Middleware before the cloud: holds what writes a shard's result until it is opened."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self._arrived = threading.Semaphore(0)

    def wrap(self, application: WSGIApplication) -> WSGIApplication:
        def gated(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] == "PUT" and "/shards/" in environ["PATH_INFO"]:
                self._arrived.release()
                self._opened.wait(100)
            return application(environ, start_response)

        return gated

    def await_arrivals(self, count: int) -> None:
        for _ in range(count):
            assert self._arrived.acquire(timeout=60), "no shard came to write"

    def open(self) -> None:
        self._opened.set()


@dataclass
class Stage:
    """A deployed stage, and a session that signs and never tries again."""

    deployment: Deployment
    session: requests.Session
    gate: Gate

    @property
    def api(self) -> JobsApi:
        return JobsApi(self.deployment.api_url, self.session)

    def submit(self, job_id: str) -> None:
        self.api.submit(job_id=job_id, workload="classify", images=INPUT, labels=None, shard_size=5)


@pytest.fixture
def stage(synthesize_into: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    assembly = synthesize_into("dev", **CONTEXT)
    gate = Gate()
    # As many processes as the share allows, however few cores there are.
    with Cloud(limits=ServiceLimits(width=SHARE), middleware=gate.wrap) as cloud:
        for name, value in cloud.environ.items():
            monkeypatch.setenv(name, value)
        # It may have taken its keys from another environment already.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        cdk = CdkCli(environ=cloud.environ)
        cdk.bootstrap(assembly)
        cdk.deploy(assembly)
        deployment = read_deployment("dev")
        images = idx.encode(np.zeros((5 * SHARDS, 28, 28), np.uint8))
        boto3.client("s3").put_object(Bucket=deployment.input_bucket, Key=INPUT, Body=images)
        credentials = boto3.Session().get_credentials()
        assert credentials is not None
        auth = ExecuteApiAuth(credentials, region=deployment.region)
        # Retries would hide a refusal.
        with retrying_session(auth, retries=0) as session:
            try:
                yield Stage(deployment, session, gate)
            finally:
                gate.open()


def picture() -> str:
    file = io.BytesIO()
    Image.new("L", (28, 28)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def await_throttles(function: str, count: int) -> None:
    """Until CloudWatch has counted that many refusals."""
    cloudwatch = boto3.client("cloudwatch")
    deadline = time.monotonic() + 60
    while True:
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Throttles",
            Dimensions=[{"Name": "FunctionName", "Value": function}],
            StartTime=datetime.now(UTC) - timedelta(hours=1),
            EndTime=datetime.now(UTC) + timedelta(hours=1),
            Period=86_400,
            Statistics=["Sum"],
        )
        if sum(point["Sum"] for point in found["Datapoints"]) >= count:
            return
        assert time.monotonic() < deadline, "nothing was throttled"
        time.sleep(0.2)


def test_jobs_that_take_all_of_classify_leave_the_api_its_share(stage: Stage) -> None:
    stage.submit("first")
    stage.gate.await_arrivals(SHARE)
    # All of classify's share is in flight: whoever asks for more of it is refused, by that name.
    classify = stage.deployment.classify_function
    functions = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(functions.exceptions.TooManyRequestsException) as refused:
        functions.invoke(FunctionName=classify, Qualifier="live", Payload=b"{}")
    assert refused.value.response["Reason"] == LIMIT

    # Another job finds the share taken: its map is throttled, and tries again.
    stage.submit("second")
    await_throttles(classify, 1 + SHARE)
    for _ in range(20):
        (found,) = stage.api.classify([picture()]).predictions
        assert 0 <= found.label <= 9
    assert {stage.api.status(job_id).status for job_id in ("first", "second")} == {"RUNNING"}

    stage.gate.open()
    for job_id in ("first", "second"):
        view = progress_view(Console(file=io.StringIO()), job_id)
        report = join(stage.api, job_id, view).status.report
        assert report is not None
        assert (report.predicted, report.missing, report.duplicated) == (5 * SHARDS, 0, 0)
