"""The classifier's image as AWS Batch runs it, by the job definition that the baseline has.

AWS runs the containers of a machine on its network, which is this machine's here. What is compared
are the stored results of the array's children and of the image's handler, on the embedded cloud's
S3. https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from localcloud.cloud import Cloud
from localcloud.images.engine import docker
from shpc_core import columns, keys
from shpc_core.messages import JobRequest, Shard, parse
from shpc_core.steps.plan import plan
from shpc_core.store import open_bucket
from shpc_core.telemetry import Telemetry
from tests.images.conftest import DATA
from tests.images.emulated import StagedImage

JOBS = {"machines", "functions"}
IMAGES_KEY = "inputs/x/images.idx"
CHILDREN = 3
CHILD_WITHIN_S = 60
# 3,000 images in shards of 700: the last one is shorter, and the first two children have two.
SHARD_SIZE = 700

# The handler as Lambda calls it, once for each event.
FUNCTION = """
import json, sys, types
import handler
context = types.SimpleNamespace(aws_request_id="one", memory_limit_in_mb="1769",
    function_name="classify", invoked_function_arn="arn:aws:lambda:us-east-1:1:function:classify")
for event in json.loads(sys.argv[1]):
    handler.handler(event, context)
"""


@pytest.fixture(scope="module")
def definition(images: dict[str, StagedImage], synthesize_into: Callable[..., Path]) -> Any:
    """What the baseline's job definition says of its container, whose image is the function's."""
    folder = synthesize_into("dev", baseline=True)
    (resource,) = (
        resource
        for template in folder.glob("*.template.json")
        for resource in json.loads(template.read_text())["Resources"].values()
        if resource["Type"] == "AWS::Batch::JobDefinition"
    )
    properties = resource["Properties"]["ContainerProperties"]
    (digest,) = re.findall(r"[0-9a-f]{64}", json.dumps(properties["Image"]))
    assert images["classify"].context.name == f"asset.{digest}"
    return properties


class Jobs:
    """Two jobs with the same plan on one cloud, and what their containers are told of it."""

    def __init__(self, cloud: Cloud) -> None:
        context = cloud.context
        self._s3 = context.client("s3")
        for bucket in ("inputs", "results"):
            self._s3.create_bucket(Bucket=bucket)
        self._s3.upload_file(str(DATA / "images.idx"), "inputs", IMAGES_KEY)
        self.variables = {
            "AWS_ACCESS_KEY_ID": context.access_key_id,
            "AWS_SECRET_ACCESS_KEY": context.secret_access_key,
            "AWS_ENDPOINT_URL": context.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": context.region,
            "INPUT_BUCKET": "inputs",
            "RESULTS_BUCKET": "results",
        }

    def plan(self) -> None:
        """Both jobs, with the variables of this process."""
        inputs, results = (open_bucket(name, os.environ) for name in ("inputs", "results"))
        for job in JOBS:
            asked = {"job_id": job, "input": {"images": IMAGES_KEY}, "shard_size": SHARD_SIZE}
            plan(parse(asked, JobRequest), inputs=inputs, results=results)

    def read(self, key: str) -> bytes:
        body: bytes = self._s3.get_object(Bucket="results", Key=key)["Body"].read()
        return body

    def shards(self, job: str) -> list[Shard]:
        return msgspec.json.decode(self.read(keys.shards(job)), type=list[Shard])

    def result(self, job: str, shard: int) -> tuple[columns.Predictions, dict[str, str]]:
        return columns.decode(self.read(keys.shard_result(job, shard)))

    def written(self, job: str) -> set[int]:
        prefix = keys.shard_result(job, 0).rpartition("/")[0] + "/"
        found = self._s3.list_objects_v2(Bucket="results", Prefix=prefix).get("Contents", [])
        return {int(Path(entry["Key"]).stem) for entry in found}


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    with Cloud() as cloud:
        jobs = Jobs(cloud)
        for name, value in jobs.variables.items():
            monkeypatch.setenv(name, value)
        jobs.plan()
        yield jobs


Child = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def child(images: dict[str, StagedImage], definition: Any, jobs: Jobs, label: str) -> Child:
    """Runs a child of an array as the definition has it, to its end."""
    named = {item["Name"]: item["Value"] for item in definition["Environment"]}
    # References are what the cloud deploys; here they are the variables of `jobs`.
    fixed = {name: value for name, value in named.items() if isinstance(value, str)}
    assert named.keys() - fixed.keys() <= jobs.variables.keys()
    needs = {item["Type"]: item["Value"] for item in definition["ResourceRequirements"]}

    def run(index: int, **variables: str) -> subprocess.CompletedProcess[str]:
        given = {
            **jobs.variables,
            **fixed,
            "JOB_ID": "machines",
            "INPUT_IMAGES": IMAGES_KEY,
            "AWS_BATCH_JOB_ID": f"5f9c:{index}",
            "AWS_BATCH_JOB_ATTEMPT": "1",
            "AWS_BATCH_JOB_ARRAY_INDEX": str(index),
            "AWS_BATCH_JOB_ARRAY_SIZE": str(CHILDREN),
            **variables,
        }
        command = ["docker", "run", "--rm", "--label", label, "--network", "host"]
        command += ["--user", definition["User"], "--memory", f"{needs['MEMORY']}m"]
        command += ["--read-only"] if definition["ReadonlyRootFilesystem"] else []
        command += [word for item in given.items() for word in ("--env", "=".join(item))]
        # Not started as Batch's, it would wait for events for ever.
        return subprocess.run(
            [*command, images["classify"].tag],
            capture_output=True,
            text=True,
            check=False,
            timeout=CHILD_WITHIN_S,
        )

    return run


def run_functions(image: StagedImage, jobs: Jobs, label: str) -> None:
    """Every shard of the job `functions` by the handler of the same image."""
    events = [
        {
            "job_id": "functions",
            "input": {"images": IMAGES_KEY},
            "shard": msgspec.to_builtins(shard),
            "attempt": 0,
        }
        for shard in jobs.shards("functions")
    ]
    given = {**image.environment, **jobs.variables}
    docker(
        *("run", "--rm", "--label", label, "--network", "host", "--read-only"),
        *(word for item in given.items() for word in ("--env", "=".join(item))),
        *("--entrypoint", "python3", image.tag, "-c", FUNCTION, json.dumps(events)),
    )


def test_definition_asks_for_nobody_and_a_disk_that_is_not_written(definition: Any) -> None:
    assert (definition["User"], definition["ReadonlyRootFilesystem"]) == ("65534:65534", True)


def test_children_store_what_functions_store(
    images: dict[str, StagedImage], child: Child, jobs: Jobs, label: str
) -> None:
    run_functions(images["classify"], jobs, label)
    shards = {shard.shard for shard in jobs.shards("machines")}
    for index in range(CHILDREN):
        before = jobs.written("machines")
        done = child(index)
        assert done.returncode == 0, done.stdout + done.stderr
        own = jobs.written("machines") - before
        assert own == {shard for shard in shards if shard % CHILDREN == index}
        assert json.loads(done.stdout)["shards"] == len(own)
    assert jobs.written("functions") == jobs.written("machines") == shards
    for shard in shards:
        machine, about = jobs.result("machines", shard)
        function, about_function = jobs.result("functions", shard)
        for name in ("index", "label", "confidence"):
            assert getattr(machine, name).tobytes() == getattr(function, name).tobytes()
        assert about["model_sha256"] == about_function["model_sha256"]
        told = msgspec.json.decode(about["telemetry"], type=Telemetry)
        assert told.function == "classify on a virtual machine"


def test_child_with_wrong_variables_ends_with_its_code_and_stores_nothing(
    child: Child, jobs: Jobs
) -> None:
    done = child(0, JOB_ID="nobody-planned-it")
    assert done.returncode == 65
    assert json.loads(done.stdout)["field"] == "JOB_ID"
    assert jobs.written("machines") == set()
