"""Every image answers under the runtime interface emulator, and as the same code answers here."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shpc_core import columns, idx
from tests.images.conftest import DATA, ROOT, Emulate, Storage
from tests.images.emulated import StagedImage
from tests.images.figures import note

LAMBDA_SRC = ROOT / "lambda_src"
IMAGES = {"images": "inputs/x/images.idx", "labels": "inputs/x/labels.idx"}
JOB = {"job_id": "job-1", "workload": "classify", "input": IMAGES, "shard_size": 1000}

Handler = Callable[[Any], Any]


class Context:
    """What the handlers read of Lambda's context object."""

    function_name = "here"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:here"
    aws_request_id = "here"
    memory_limit_in_mb = "1769"


@pytest.fixture
def here(
    storage: Storage, images: dict[str, StagedImage], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Handler]:
    """A function's handler in this process, on the same storage."""
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(LAMBDA_SRC))

    def load(function: str) -> Handler:
        for name, value in storage.variables(images[function]).items():
            monkeypatch.setenv(name, value)
        file = LAMBDA_SRC / function / "handler.py"
        spec = importlib.util.spec_from_file_location(f"{function}_handler", file)
        assert spec is not None
        assert spec.loader is not None
        module: ModuleType = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return lambda event: module.handler(event, Context())

    return load


def http_event(method: str, path: str, body: bytes = b"", content_type: str = "") -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "headers": {"content-type": content_type} if content_type else {},
        "pathParameters": {"id": path.rpartition("/")[2]},
        "requestContext": {"http": {"method": method, "path": path}, "requestId": "r"},
        **({"body": base64.b64encode(body).decode(), "isBase64Encoded": True} if body else {}),
    }


def picture(number: int) -> bytes:
    pixels = idx.decode((DATA / "images.idx").read_bytes(), item_shape=(28, 28), field="images")
    file = io.BytesIO()
    Image.fromarray(pixels[number]).save(file, "PNG")
    return file.getvalue()


def test_a_job_goes_through_the_images_and_is_the_one_of_this_machine(
    emulate: Emulate, storage: Storage, here: Callable[[str], Handler]
) -> None:
    """plan, each shard, the group and the report in containers; then all of it in this process."""
    names = ("plan", "classify", "reduce")
    with emulate("plan") as plan, emulate("classify") as classify, emulate("reduce") as reduce:
        contained = _job([plan.invoke, classify.invoke, reduce.invoke], storage)
        for name, container in zip(names, (plan, classify, reduce), strict=True):
            note(name, peak_mb=container.peak_mb)
    local = _job([here(name) for name in names], storage)
    assert contained["summary"] == local["summary"]
    for name in ("index", "label", "confidence"):
        assert np.array_equal(contained[name], local[name]), name
    assert contained["index"].tolist() == list(range(3_000))
    assert contained["summary"]["accuracy"] >= 0.92


def _job(handlers: list[Handler], storage: Storage) -> dict[str, Any]:
    plan, classify, reduce = handlers
    planned = plan(JOB)
    common = {key: planned[key] for key in ("job_id", "input")}
    for shard in json.loads(storage.get(planned["shards"]["key"])):
        answer = classify({**common, "shard": shard, "attempt": 0})
        assert answer == {"shard": shard["shard"], "count": shard["stop"] - shard["start"]}
    for group in json.loads(storage.get(planned["groups"]["key"])):
        reduce({"level": "group", **common, "group": group, "attempt": 0})
    whole = {key: planned[key] for key in ("images", "shards", "groups")}
    answer = reduce({"level": "job", **common, **whole})
    report = json.loads(storage.get(answer["report_key"]))
    predictions, _ = columns.decode(storage.get(report["parts"][0]["key"]))
    exact = ("images", "predicted", "missing", "duplicated", "accuracy", "confusion")
    return {
        "summary": {name: report[name] for name in exact},
        "index": predictions.index,
        "label": predictions.label,
        "confidence": predictions.confidence,
    }


def test_a_picture_is_classified_in_its_image_as_here(
    images: dict[str, StagedImage], emulate: Emulate, here: Callable[[str], Handler]
) -> None:
    function = "predict" if "predict" in images else "classify"
    event = http_event("POST", "/classify", picture(17), "image/png")
    with emulate(function) as container:
        answer = container.invoke(event)
        note(function, peak_mb=container.peak_mb)
    local = here(function)(event)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == json.loads(local["body"])


def test_an_unknown_job_is_told_in_its_image_as_here(
    emulate: Emulate, here: Callable[[str], Handler]
) -> None:
    event = http_event("GET", "/jobs/nobody-knows-it")
    with emulate("jobs") as container:
        answer = container.invoke(event)
        note("jobs", peak_mb=container.peak_mb)
    local = here("jobs")(event)
    assert answer["statusCode"] == local["statusCode"] == 404
    assert json.loads(answer["body"])["error"] == json.loads(local["body"])["error"]


def test_sources_that_only_their_owner_may_read_still_run(
    images: dict[str, StagedImage], label: str, storage: Storage, tmp_path: Path
) -> None:
    """As a checkout with umask 077 leaves them: Lambda's user is not their owner."""
    from dataclasses import replace
    from shutil import copytree

    from tests.images.emulated import emulated

    context = tmp_path / "context"
    copytree(images["plan"].context, context)
    for path in context.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    private = replace(images["plan"], function="plan-of-one", context=context)
    private.build(label)
    with emulated(private, label, storage.variables(private)) as container:
        assert container.invoke(JOB)["images"] == 3_000
