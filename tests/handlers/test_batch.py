"""The classifier as a child of an array job, started by the image's own entry as by Batch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import numpy as np
import pytest

from shpc_core import columns, keys
from shpc_core.messages import JobRequest, parse
from shpc_core.steps.plan import plan
from shpc_core.store import open_bucket
from shpc_core.telemetry import Telemetry
from tests.handlers.conftest import LAMBDA_SRC, Context, LoadHandler, Stored

JOB = {
    "job_id": "job-1",
    "input": {"images": "inputs/x/images.idx", "labels": None},
    "shard_size": 20,
}
SHARDS = 150

# What the job definition and the client give every child.
CHILD = {
    "JOB_ID": "job-1",
    "INPUT_IMAGES": "inputs/x/images.idx",
    "MEMORY_MB": "1769",
    "AWS_BATCH_JOB_ID": "5f9c:0",
    "AWS_BATCH_JOB_ATTEMPT": "1",
}

Done = subprocess.CompletedProcess[str]
RunChild = Callable[..., Done]


@pytest.fixture(scope="session")
def task_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is under /var/task of the image."""
    folder = tmp_path_factory.mktemp("task")
    for name in ("batch.py", "entry.sh", "handler.py"):
        shutil.copy(LAMBDA_SRC / "classify" / name, folder)
    for name in ("shpc_core", "shpc_http", "model"):
        shutil.copytree(LAMBDA_SRC / name, folder / name)
    return folder


@pytest.fixture
def child(stored: Stored, task_root: Path, tmp_path: Path) -> RunChild:
    """Runs a container of the image with variables of a child, elsewhere than in its folder."""
    environment = {
        name: os.environ[name]
        for name in os.environ
        if name.startswith("AWS_") or name.endswith("_BUCKET")
    }

    def run(variables: Mapping[str, str | None], *command: str) -> Done:
        given = {**environment, **CHILD, **variables}
        return subprocess.run(
            ["/bin/sh", str(task_root / "entry.sh"), *(command or ("handler.handler",))],
            cwd=tmp_path,
            env={
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "LAMBDA_TASK_ROOT": str(task_root),
                "AWS_ALLOW_HTTP": "true",
                **{name: value for name, value in given.items() if value is not None},
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


class _Refuse(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(400)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def refusing() -> Iterator[str]:
    """An S3 that refuses everything, in a way that no retry helps."""
    with ThreadingHTTPServer(("localhost", 0), _Refuse) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://localhost:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def planned(stored: Stored) -> None:
    """The job's lists, as the client's plan writes them."""
    inputs, results = (open_bucket(name, os.environ) for name in (stored.inputs, stored.results))
    assert plan(parse(JOB, JobRequest), inputs=inputs, results=results).shards.count == SHARDS


def written(stored: Stored) -> set[int]:
    pages = stored.s3.get_paginator("list_objects_v2").paginate(
        Bucket=stored.results, Prefix="jobs/job-1/shards/"
    )
    found = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return {int(Path(key).stem) for key in found}


def telemetry(stored: Stored, shard: int) -> Telemetry:
    _, metadata = columns.decode(stored.get(keys.shard_result("job-1", shard)))
    return msgspec.json.decode(metadata["telemetry"], type=Telemetry)


def of_array(index: int, size: int) -> dict[str, str | None]:
    return {"AWS_BATCH_JOB_ARRAY_INDEX": str(index), "AWS_BATCH_JOB_ARRAY_SIZE": str(size)}


def test_child_does_its_share_and_nothing_else(
    stored: Stored, planned: None, child: RunChild
) -> None:
    done = child({**of_array(3, 50), "AWS_BATCH_JOB_ATTEMPT": "2", "AWS_BATCH_JOB_ID": "5f9c:3"})
    assert done.returncode == 0, done.stderr
    assert written(stored) == {3, 53, 103}
    line = json.loads(done.stdout)
    assert (line["index"], line["size"], line["shards"], line["images"]) == (3, 50, 3, 60)
    first, second, _ = (telemetry(stored, shard) for shard in (3, 53, 103))
    assert first.function == "classify on a virtual machine"
    assert (first.memory_mb, first.attempt, first.request_id) == (1769, 1, "5f9c:3")
    assert (first.cold, second.cold) == (True, False)
    assert first.environment == second.environment


def test_children_of_an_array_cover_every_shard_once(
    stored: Stored, planned: None, child: RunChild
) -> None:
    seen: list[int] = []
    for index in range(4):
        before = written(stored)
        assert child(of_array(index, 4)).returncode == 0
        seen += sorted(written(stored) - before)
    assert sorted(seen) == list(range(SHARDS))


def test_job_that_is_no_array_does_everything(
    stored: Stored, planned: None, child: RunChild
) -> None:
    assert child({}).returncode == 0
    assert written(stored) == set(range(SHARDS))


def test_more_children_than_shards_leave_some_without_work(
    stored: Stored, planned: None, child: RunChild
) -> None:
    done = child(of_array(151, 200))
    assert (done.returncode, json.loads(done.stdout)["shards"]) == (0, 0)
    assert written(stored) == set()


def test_machine_and_function_write_the_same_columns(
    stored: Stored, planned: None, child: RunChild, load_handler: LoadHandler, context: Context
) -> None:
    assert child(of_array(7, 150)).returncode == 0
    machine, _ = columns.decode(stored.get(keys.shard_result("job-1", 7)))
    load_handler("classify").handler(
        {
            "job_id": "job-2",
            "input": JOB["input"],
            "shard": {"shard": 7, "start": 140, "stop": 160},
            "attempt": 0,
        },
        context,
    )
    function, _ = columns.decode(stored.get(keys.shard_result("job-2", 7)))
    for name in ("index", "label", "confidence"):
        np.testing.assert_array_equal(getattr(machine, name), getattr(function, name))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"JOB_ID": None}, "JOB_ID: is not set"),
        ({"JOB_ID": "../job"}, "job_id: "),
        ({"JOB_ID": "absent"}, "JOB_ID: no readable object jobs/absent/shards.json"),
        ({"INPUT_IMAGES": "secrets/x"}, "input.images: is 'secrets/x'"),
        ({"INPUT_IMAGES": "inputs/absent.idx"}, "input.images: no readable object inputs/absent"),
        ({"MEMORY_MB": None}, "MEMORY_MB: is not set"),
        ({"MEMORY_MB": "1.5"}, "MEMORY_MB: is '1.5'"),
        (of_array(4, 4), "AWS_BATCH_JOB_ARRAY_INDEX: is 4; allowed: 0 to 3"),
        (of_array(1, 2) | {"AWS_BATCH_JOB_ARRAY_SIZE": "two"}, "AWS_BATCH_JOB_ARRAY_SIZE: is 'two"),
    ],
)
def test_share_that_cannot_be_is_refused_by_name(
    stored: Stored,
    planned: None,
    child: RunChild,
    variables: dict[str, str | None],
    message: str,
) -> None:
    done = child(variables)
    assert done.returncode == 65, done.stderr
    line = json.loads(done.stdout)
    assert line["message"].startswith(message), line
    assert (line["level"], line["error"]) == ("ERROR", "InvalidInput")
    assert written(stored) == set()


@pytest.mark.parametrize("text", [b"[1]", b"[{]", b'[{"shard": 0, "start": 5, "stop": 5}]'])
def test_list_that_no_plan_wrote_is_refused(stored: Stored, child: RunChild, text: bytes) -> None:
    stored.s3.put_object(Bucket=stored.results, Key="jobs/job-1/shards.json", Body=text)
    done = child({})
    assert done.returncode == 65, done.stderr
    assert json.loads(done.stdout)["error"] == "InvalidInput"


def test_storage_that_fails_has_another_exit_code(child: RunChild, refusing: str) -> None:
    done = child({"AWS_ENDPOINT_URL": refusing})
    assert done.returncode == 74, done.stderr
    line = json.loads(done.stdout)
    assert line["error"] == "StorageError"
    assert line["message"].startswith("object jobs/job-1/shards.json of bucket results-")


def test_without_batch_the_image_starts_as_its_base_does(stored: Stored, child: RunChild) -> None:
    """Here there is no /lambda-entrypoint.sh: that it was asked for is all that can be seen."""
    done = child({"AWS_BATCH_JOB_ID": None}, "handler.handler")
    assert done.returncode in (126, 127)
    assert "/lambda-entrypoint.sh" in done.stderr
