"""An AWS on a free port, two buckets with the committed images, handlers as Lambda loads them."""

from __future__ import annotations

import importlib.util
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parents[2]
LAMBDA_SRC = ROOT / "lambda_src"
DATA = ROOT / "data" / "fashion-mnist-3000"

LoadHandler = Callable[[str], ModuleType]


@dataclass
class Context:
    """Lambda's context object, as awslambdaric fills it in."""

    aws_request_id: str = "request-1"
    memory_limit_in_mb: str = "512"
    function_name: str = "shpc-classify"
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:shpc-classify:live"


@dataclass
class Stored:
    """The two buckets of a deployment."""

    s3: Any
    inputs: str
    results: str

    def get(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.results, Key=key)["Body"].read()
        return body


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """moto, with state machines that run."""
    step_functions = default_user_config["stepfunctions"]
    step_functions["execute_state_machine"] = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield f"http://localhost:{server.get_host_and_port()[1]}"
    server.stop()
    step_functions["execute_state_machine"] = False


@pytest.fixture
def stored(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    """Buckets of this test's own, and the environment that points functions to them."""
    name = uuid.uuid4().hex
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "INPUT_BUCKET": f"inputs-{name}",
        "RESULTS_BUCKET": f"results-{name}",
        "LAMBDA_TASK_ROOT": str(LAMBDA_SRC),
        "POWERTOOLS_METRICS_NAMESPACE": "shpc",
        "POWERTOOLS_METRICS_DISABLED": "false",
        "STAGE": "test",
    }
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    s3 = boto3.client("s3")
    stored = Stored(s3, environment["INPUT_BUCKET"], environment["RESULTS_BUCKET"])
    for bucket in (stored.inputs, stored.results):
        s3.create_bucket(Bucket=bucket)
    for name in ("images.idx", "labels.idx"):
        s3.upload_file(str(DATA / name), stored.inputs, f"inputs/x/{name}")
    yield stored
    for bucket in (stored.inputs, stored.results):
        for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=entry["Key"])
        s3.delete_bucket(Bucket=bucket)


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.fixture
def load_handler(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> LoadHandler:
    """Imports lambda_src/<function>/handler.py afresh, as a new execution environment does."""

    def load(function: str) -> ModuleType:
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", function)
        spec = importlib.util.spec_from_file_location(
            f"{function}_handler", LAMBDA_SRC / function / "handler.py"
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load
