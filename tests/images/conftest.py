"""The images of a stage, built once by a real engine, and an S3 that their containers reach.

What they build is removed at the end; the base image stays, and so does the engine's build cache.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer

from localcloud.images.engine import (
    LABEL,
    containers_of,
    docker,
    images_of,
    remove_all_of,
)
from tests.images.emulated import Emulated, StagedImage, emulated, staged_images
from tests.images.figures import FIGURES, table
from tests.images.needing import BASE_IMAGE, needed_engine

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "fashion-mnist-3000"
ACCOUNT = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
REGION = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}

Emulate = Callable[..., AbstractContextManager[Emulated]]


@pytest.fixture(scope="session")
def engine() -> str:
    """The version of the engine, which has the base image."""
    return needed_engine()


@pytest.fixture(scope="session")
def label(engine: str) -> Iterator[str]:
    """Marks what these tests make; none of it is left."""
    name = f"tests-{uuid.uuid4().hex[:8]}"
    yield f"{LABEL}={name}"
    remove_all_of(name)
    assert (containers_of(name), images_of(name)) == ([], [])


@pytest.fixture(scope="session")
def images(label: str, assembly: Path) -> dict[str, StagedImage]:
    """Every image of the stage dev, built from the context that CDK staged."""
    session = label.rpartition("=")[2]
    staged = {image.function: image for image in staged_images(assembly, session)}
    for image in staged.values():
        image.build(label)
    return staged


@dataclass(frozen=True)
class Storage:
    """Two buckets on an S3 of these tests, and the variables with which a container uses them."""

    s3: Any
    inputs: str
    results: str
    environment: Mapping[str, str]

    def variables(self, image: StagedImage) -> dict[str, str]:
        """The template's variables of a function, its references as things are called here."""
        given = image.environment
        own = {name: given[name] for name in given if isinstance(given[name], str)}
        theirs = {
            "AWS_ENDPOINT_URL",
            "AWS_ALLOW_HTTP",
            *ACCOUNT,
            *REGION,
            *(given.keys() - own.keys()),
        }
        return {**own, **{name: self.environment[name] for name in theirs}}

    def get(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.results, Key=key)["Body"].read()
        return body


@pytest.fixture(scope="session")
def endpoint(engine: str) -> Iterator[str]:
    """moto on the engine's own network, which containers reach and other machines do not."""
    asked = "import socket; print(socket.gethostbyname('engine.test'))"
    inside = ("--add-host", "engine.test:host-gateway", "--entrypoint", "python3", BASE_IMAGE)
    gateway = docker("run", "--rm", *inside, "-c", asked).strip()
    step_functions = default_user_config["stepfunctions"]
    step_functions["execute_state_machine"] = True
    server = ThreadedMotoServer(ip_address=gateway, port=0, verbose=False)
    server.start()
    yield f"http://{gateway}:{server.get_host_and_port()[1]}"
    server.stop()
    step_functions["execute_state_machine"] = False


@pytest.fixture
def storage(endpoint: str) -> Iterator[Storage]:
    name = uuid.uuid4().hex
    inputs, results = f"inputs-{name}", f"results-{name}"
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    for bucket in (inputs, results):
        s3.create_bucket(Bucket=bucket)
    for file in ("images.idx", "labels.idx"):
        s3.upload_file(str(DATA / file), inputs, f"inputs/x/{file}")
    environment = {
        **ACCOUNT,
        **REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "INPUT_BUCKET": inputs,
        "RESULTS_BUCKET": results,
        "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:classify",
    }
    yield Storage(s3, inputs, results, environment)
    for bucket in (inputs, results):
        for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=entry["Key"])
        s3.delete_bucket(Bucket=bucket)


@pytest.fixture
def emulate(images: dict[str, StagedImage], storage: Storage, label: str) -> Emulate:
    """Starts a container of a function's image with the variables that the template gives it."""

    def start(function: str, *options: str) -> AbstractContextManager[Emulated]:
        image = images[function]
        return emulated(image, label, storage.variables(image), *options)

    return start


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not FIGURES:
        return
    terminalreporter.section("the images")
    for line in table():
        terminalreporter.write_line(line)
    out = ROOT / "out"
    out.mkdir(exist_ok=True)
    (out / "images.json").write_text(json.dumps(FIGURES, indent=2, sort_keys=True) + "\n")
