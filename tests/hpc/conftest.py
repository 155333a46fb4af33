"""A deployment to talk to: moto for AWS itself, a small HTTP server for the jobs API."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import requests
from botocore.credentials import ReadOnlyCredentials
from moto.server import ThreadedMotoServer

from hpc.http_session import retrying_session
from hpc.signing import ExecuteApiAuth
from shpc_core import idx
from tests.hpc.fake_api import FakeApi, FakeApiHandler, FakeApiServer
from tests.hpc.made_up import STARTED_AT, predictions_of


@pytest.fixture
def fake_api():
    server = FakeApiServer(("localhost", 0), FakeApiHandler)
    server.api = FakeApi(origin=f"http://localhost:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.api
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def signed_session():
    auth = ExecuteApiAuth(ReadOnlyCredentials("AKID", "secret", None), region="us-east-1")
    with retrying_session(auth, backoff_s=0.001) as session:
        yield session


@pytest.fixture(scope="session")
def moto_endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def clients(moto_endpoint):
    """boto3 clients by service name, each built once."""
    session = boto3.Session(
        aws_access_key_id="AKID", aws_secret_access_key="secret", region_name="us-east-1"
    )
    return cache(lambda service: session.client(service, endpoint_url=moto_endpoint))


@pytest.fixture
def aws(moto_endpoint, clients, monkeypatch):
    """An empty AWS account that boto3's environment points to; a client by service name."""
    requests.post(f"{moto_endpoint}/moto-api/reset", timeout=10).raise_for_status()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": moto_endpoint,
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return clients


def deploy_stack(aws: Any, name: str, outputs: dict[str, str]) -> None:
    """A stack with one topic in it and these outputs."""
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    aws("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


def publish_metric(
    aws: Any, metric: str, value: float, at: datetime, function: str = "classify"
) -> None:
    """One data point of AWS/Lambda."""
    aws("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "FunctionName", "Value": function}],
                "Timestamp": at,
                "Value": value,
            }
        ],
    )


@pytest.fixture
def deployed(aws, fake_api):
    """Stage dev: its stacks' outputs, the input bucket, the classify function, the API."""
    deploy_stack(
        aws, "shpc-dev-storage", {"InputBucketName": "inputs", "ResultsBucketName": "results"}
    )
    aws("s3").create_bucket(Bucket="inputs")
    deploy_functions(aws, fake_api)
    return fake_api


def deploy_functions(aws: Any, fake_api: FakeApi) -> None:
    """All of stage dev but its storage; the metrics of one job are there."""
    deploy_stack(aws, "shpc-dev-functions", {"ClassifyFunctionName": "classify"})
    deploy_stack(aws, "shpc-dev-workflow", {"StateMachineArn": "arn:aws:states:::x"})
    deploy_stack(aws, "shpc-dev-api", {"ApiUrl": fake_api.url})
    role = aws("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    aws("lambda").create_function(
        FunctionName="classify",
        Runtime="python3.13",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": b"zip"},
        Architectures=["arm64"],
    )
    publish_metric(aws, "Invocations", 4, STARTED_AT)


@dataclass(frozen=True)
class IdxFiles:
    """A small data set on disk."""

    images: Path
    labels: Path
    true: np.ndarray


@pytest.fixture
def idx_files(tmp_path) -> IdxFiles:
    """20 images; 16 of their true labels are what `predictions_of` predicts."""
    pixels = np.random.default_rng(1).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    true = predictions_of(0, 20).label.copy()
    true[[3, 7, 11, 19]] = (true[[3, 7, 11, 19]] + 1) % 10
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "images.idx").write_bytes(idx.encode(pixels))
    (folder / "labels.idx").write_bytes(idx.encode(true))
    return IdxFiles(folder / "images.idx", folder / "labels.idx", true)
