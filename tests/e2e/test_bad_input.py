"""Bad input at every door of a deployed stage: named, never half done, and survived.

Each door's own properties are tested beside its code, in tests/core, tests/handlers and tests/hpc;
here is one of a kind, through the whole of it.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

from hpc.outputs import APP, Deployment
from shpc_core import idx

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "fashion-mnist-3000"
JSON = {"Content-Type": "application/json"}


def job(**changes: Any) -> dict[str, Any]:
    return {"job_id": f"bad-{uuid.uuid4().hex[:8]}", "input": {"images": "inputs/x"}, **changes}


def picture(kind: str, size: tuple[int, int] = (300, 200), mode: str = "RGB", **how: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind, **how)
    return file.getvalue()


BODIES: dict[str, tuple[bytes, str]] = {
    "number beyond any shard": (json.dumps(job(shard_size=10**400)).encode(), "shard_size"),
    "shard larger than a function": (json.dumps(job(shard_size=100_001)).encode(), "shard_size"),
    "not a number": (b'{"job_id": "a", "shard_size": NaN}', "body"),
    "name twice": (b'{"job_id": "a", "job_id": "b", "input": {"images": "inputs/x"}}', "job_id"),
    "deep array": (b"[" * 100_000, "body"),
    "deep object": (b'{"a":' * 100_000, "body"),
    "not UTF-8": (b'{"job_id": "\xe4"}', "body"),
    "UTF-16": ('{"job_id": "a"}'.encode("utf-16"), "body"),
    "half a surrogate": (b'{"job_id": "a", "input": {"images": "inputs/\\ud800"}}', "body"),
    "unknown field": (json.dumps(job(shards=3)).encode(), "shards"),
    "id with a path": (json.dumps(job(job_id="a/../b")).encode(), "job_id"),
    "id with a line": (json.dumps(job(job_id="a\n")).encode(), "job_id"),
    "key with an empty part": (json.dumps(job(input={"images": "inputs//x"})).encode(), "images"),
    "key with a dot": (json.dumps(job(input={"images": "inputs/./x"})).encode(), "images"),
    "key turned around": (json.dumps(job(input={"images": "inputs/\u202ex"})).encode(), "images"),
    "key too long": (json.dumps(job(input={"images": "inputs/" + "ü" * 510})).encode(), "images"),
}


@pytest.mark.parametrize("case", BODIES)
def test_bad_job_is_a_400_that_says_what_is_allowed(api, case) -> None:
    body, field = BODIES[case]
    answer = api("POST", "/jobs", data=body, headers=JSON)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert field in error["field"]
    assert "allowed: " in error["message"]
    assert len(answer.content) < 1_500


@pytest.mark.parametrize("job_id", ["%2e%2e", "a%00b", "a%0ab", "%ff", "a" * 65, "%F0%9F%98%80"])
def test_job_id_with_path_tricks_is_a_400(api, job_id) -> None:
    answer = api("GET", f"/jobs/{job_id}")
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "job_id"


FILES: dict[str, tuple[bytes, str, int, str | None]] = {
    "WebP": (picture("WEBP"), "image/webp", 200, None),
    "GIF": (picture("GIF"), "image/gif", 200, None),
    "BMP": (picture("BMP"), "image/bmp", 200, None),
    "alpha": (picture("PNG", mode="RGBA"), "image/png", 200, None),
    "CMYK": (picture("JPEG", mode="CMYK"), "image/jpeg", 200, None),
    "one pixel": (picture("PNG", (1, 1), "1"), "image/png", 200, None),
    "bomb": (picture("PNG", (20_000, 20_000), "1"), "image/png", 400, "images[0]"),
    "bomb of GIF": (picture("GIF", (20_000, 20_000), "P"), "image/gif", 400, "images[0]"),
    "another format's name": (picture("JPEG"), "image/png", 400, "content-type"),
    "text": (b"hello", "image/png", 400, "images[0]"),
    "nothing": (b"", "image/png", 400, "images[0]"),
    "cut short": (picture("PNG")[:-40], "image/png", 400, "images[0]"),
    "TIFF": (picture("TIFF"), "image/tiff", 415, "content-type"),
    "over the limit": (bytes(4_500_001), "image/png", 413, None),
}


@pytest.mark.parametrize("case", FILES)
def test_file_is_classified_or_refused_by_name(api, case) -> None:
    data, media_type, status, field = FILES[case]
    answer = api("POST", "/classify", data=data, headers={"Content-Type": media_type})
    assert answer.status_code == status, answer.text
    if status == 200:
        assert len(answer.json()["predictions"]) == 1
    elif field is not None:
        assert answer.json()["error"]["field"] == field
        assert "allowed: " in answer.json()["error"]["message"]


@pytest.fixture
def shard_telemetry(deployment: Deployment, put_input, tmp_path) -> Callable[[], dict[str, Any]]:
    """Has one shard classified by the function itself; what its environment measured."""
    client, s3 = boto3.client("lambda"), boto3.client("s3")
    key = put_input(idx.encode(np.zeros((5, 28, 28), np.uint8)))

    def classify() -> dict[str, Any]:
        job_id = f"alone-{uuid.uuid4().hex[:8]}"
        shard = {"shard": 0, "start": 0, "stop": 5}
        answer = client.invoke(
            FunctionName=deployment.classify_function,
            Qualifier="live",
            Payload=json.dumps({"job_id": job_id, "input": {"images": key}, "shard": shard}),
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
        name = f"jobs/{job_id}/shards/000000.safetensors"
        s3.download_file(deployment.results_bucket, name, str(tmp_path / job_id))
        with safe_open(tmp_path / job_id, "numpy") as stored:
            return json.loads(stored.metadata()["telemetry"])

    return classify


@pytest.fixture
def log_streams_of_predict(deployment: Deployment) -> Callable[[], set[str]]:
    """Names one log stream for each environment that there has been."""
    (group,) = (
        function["LoggingConfig"]["LogGroup"]
        for page in boto3.client("lambda").get_paginator("list_functions").paginate()
        for function in page["Functions"]
        if function["FunctionName"].startswith(f"{APP}-{deployment.stage}-functions-Predict")
    )

    def streams() -> set[str]:
        found = boto3.client("logs").describe_log_streams(logGroupName=group)["logStreams"]
        return {stream["logStreamName"] for stream in found}

    return streams


def test_environment_of_predict_survives_bad_pictures(api, log_streams_of_predict) -> None:
    """The same warm environment answers the next good request."""
    data, media_type, *_ = FILES["WebP"]
    good = {"data": data, "headers": {"Content-Type": media_type}}
    assert api("POST", "/classify", **good).ok
    warm = log_streams_of_predict()
    assert warm
    for data, media_type, status, _ in FILES.values():
        answer = api("POST", "/classify", data=data, headers={"Content-Type": media_type})
        assert answer.status_code == status
    largest = base64.b64encode(picture("PNG", (4_096, 4_096), "RGBA")).decode()
    assert api("POST", "/classify", json={"images": [largest]}).status_code == 200
    many = api("POST", "/classify", json={"images": [largest] * 9})
    assert many.status_code == 413
    assert many.json()["error"]["field"] == "images[8]"
    assert api("POST", "/classify", **good).ok
    assert log_streams_of_predict() == warm


def test_environment_of_classify_survives_bad_events(deployment, shard_telemetry) -> None:
    """The same warm environment does the next good shard, within the function's memory."""
    warm = {shard_telemetry()["environment"] for _ in range(3)}
    client = boto3.client("lambda")
    for event in ([], None, {"shard": 1}, {"routeKey": 1}, {"job_id": "a", "shard": {"stop": -1}}):
        client.invoke(
            FunctionName=deployment.classify_function, Qualifier="live", Payload=json.dumps(event)
        )
    after = shard_telemetry()
    assert not after["cold"]
    assert after["environment"] in warm
    assert after["max_rss_mb"] < 512 < after["memory_mb"]


@pytest.mark.parametrize(
    ("shard", "field"),
    [
        ({"shard": 0, "start": 3, "stop": 9}, "shard"),
        ({"shard": 0, "start": 50, "stop": 60}, "shard"),
        ({"shard": 0, "start": 4, "stop": 2}, "shard"),
        ({"shard": 0, "start": -1, "stop": 2}, "shard.start"),
        ({"shard": 0, "start": 0.5, "stop": 2}, "shard.start"),
        ({"shard": 0, "start": 0, "stop": 2**62}, "shard.stop"),
        ({"shard": 10_000, "start": 0, "stop": 2}, "shard.shard"),
    ],
)
def test_range_outside_the_data_fails_and_writes_nothing(
    deployment, put_input, shard, field
) -> None:
    key = put_input(idx.encode(np.zeros((5, 28, 28), np.uint8)))
    job_id = f"range-{uuid.uuid4().hex[:8]}"
    answer = boto3.client("lambda").invoke(
        FunctionName=deployment.classify_function,
        Qualifier="live",
        Payload=json.dumps({"job_id": job_id, "input": {"images": key}, "shard": shard}),
    )
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "InvalidInput"
    assert error["errorMessage"].startswith(f"{field}: ")
    assert "allowed: " in error["errorMessage"]
    listed = boto3.client("s3").list_objects_v2(
        Bucket=deployment.results_bucket, Prefix=f"jobs/{job_id}/"
    )
    assert listed["KeyCount"] == 0


IMAGES = idx.encode(np.zeros((5, 28, 28), np.uint8))
OBJECTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "starts with 0x(nothing)"),
    "cut short": (IMAGES[:-1], "counts 5 items, but the object is"),
    "within its header": (IMAGES[:9], "ends within its header"),
    "wrong magic": (b"\x1f\x8b" + IMAGES, "which is not IDX"),
    "counts that lie": (IMAGES[:4] + b"\xff\xff\xff\xff" + IMAGES[8:], "counts 4294967295 items"),
    "no items": (idx.encode(np.zeros((0, 28, 28), np.uint8)), "holds no items"),
}


@pytest.mark.parametrize("case", OBJECTS)
def test_job_over_a_bad_object_fails_with_the_field_and_what_is_allowed(
    api, ended, put_input, case
) -> None:
    data, problem = OBJECTS[case]
    body = job(input={"images": put_input(data)})
    assert api("POST", "/jobs", json=body).status_code == 202
    status = ended(body["job_id"])
    assert (status["status"], status["error"]) == ("FAILED", "InvalidInput")
    assert status["cause"].startswith("input.images: ")
    assert problem in status["cause"]
    assert "allowed: " in status["cause"]
    assert (status["report"], status["parts"]) == (None, [])


def test_job_whose_input_is_deleted_under_it_names_the_shard_and_the_object(
    api, ended, deployment, put_input
) -> None:
    key = put_input((DATA / "images.idx").read_bytes())
    body = job(input={"images": key}, shard_size=1)
    assert api("POST", "/jobs", json=body).status_code == 202
    path = f"/jobs/{body['job_id']}"
    while not (api("GET", path).json()["shards"] or {}).get("succeeded"):
        assert api("GET", path).json()["status"] == "RUNNING"
    boto3.client("s3").delete_object(Bucket=deployment.input_bucket, Key=key)
    status = ended(body["job_id"])
    assert (status["status"], status["error"]) == ("FAILED", "InvalidInput")
    shard, _, cause = status["cause"].partition(": ")
    assert shard.startswith("shard ")
    assert "(items " in shard
    assert cause.startswith(f"input.images: no readable object {key} in bucket")
    assert deployment.input_bucket in cause
    assert "stackTrace" not in json.dumps(status)
    assert (status["report"], status["parts"]) == (None, [])


def test_job_with_labels_that_are_no_class_names_the_group_and_the_item(
    api, ended, put_input
) -> None:
    labels = put_input(idx.encode(np.array([0, 1, 2, 200, 4], np.uint8)))
    body = job(input={"images": put_input(IMAGES), "labels": labels}, shard_size=2)
    assert api("POST", "/jobs", json=body).status_code == 202
    status = ended(body["job_id"])
    assert status["status"] == "FAILED"
    assert status["cause"].startswith("group 0 (items 0..5): input.labels: item 3 of ")
    assert (status["report"], status["parts"]) == (None, [])


def test_command_line_tells_of_a_failed_job_and_writes_nothing(
    api, ended, deployment, put_input, tmp_path
) -> None:
    body = job(input={"images": put_input(b"")})
    assert api("POST", "/jobs", json=body).status_code == 202
    ended(body["job_id"])
    out = tmp_path / "out"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "hpc", "fetch", body["job_id"]),
            *("--stage", deployment.stage, "--out", str(out)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "FAILED: InvalidInput: input.images: starts with 0x(nothing)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()
