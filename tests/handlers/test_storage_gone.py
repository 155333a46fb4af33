"""Functions whose bucket is gone: the failure names the bucket and the object, and ends with it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

import pytest

from shpc_core.errors import IncompleteResults, InvalidInput, StorageError


class Stored(Protocol):
    s3: Any
    inputs: str
    results: str


class LoadHandler(Protocol):
    def __call__(self, function: str) -> ModuleType: ...


INPUT = {"images": "inputs/x/images.idx", "labels": None}
PLAN = {"job_id": "gone", "input": INPUT}
SHARD = {**PLAN, "shard": {"shard": 0, "start": 0, "stop": 5}}
GROUP = {"group": 0, "first_shard": 0, "last_shard": 0, "start": 0, "stop": 5}
REDUCE = {**PLAN, "level": "group", "group": GROUP}


@pytest.fixture
def without(stored: Stored) -> Callable[[str], Any]:
    """Deletes a bucket for good; what brings it back is called at the end of a test."""

    def delete(bucket: str) -> Callable[[], None]:
        for entry in stored.s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            stored.s3.delete_object(Bucket=bucket, Key=entry["Key"])
        stored.s3.delete_bucket(Bucket=bucket)
        return lambda: stored.s3.create_bucket(Bucket=bucket)

    return delete


@pytest.mark.parametrize(
    ("function", "event", "key"),
    [("plan", PLAN, "jobs/gone/shards.json"), ("classify", SHARD, "jobs/gone/shards/000000.")],
)
def test_step_that_cannot_write_names_the_bucket_and_the_object(
    load_handler: LoadHandler,
    context: Any,
    stored: Stored,
    without: Callable[[str], Any],
    function: str,
    event: dict[str, Any],
    key: str,
) -> None:
    handler = load_handler(function)
    restore = without(stored.results)
    with pytest.raises(StorageError) as caught:
        handler.handler(event, context)
    restore()
    message = str(caught.value)
    assert message.startswith(f"object {key}")
    assert message.endswith(f" of bucket {stored.results}: cannot be written: no such bucket")
    assert handler.handler(event, context), "the environment serves again once the bucket is back"


@pytest.mark.parametrize(("function", "event"), [("plan", PLAN), ("classify", SHARD)])
def test_step_that_cannot_read_names_the_bucket_and_the_object(
    load_handler: LoadHandler,
    context: Any,
    stored: Stored,
    without: Callable[[str], Any],
    function: str,
    event: dict[str, Any],
) -> None:
    handler = load_handler(function)
    restore = without(stored.inputs)
    with pytest.raises(InvalidInput) as caught:
        handler.handler(event, context)
    restore()
    assert caught.value.field == "input.images"
    assert caught.value.problem == (
        f"no readable object inputs/x/images.idx in bucket {stored.inputs}"
    )


def test_reduction_without_its_bucket_makes_no_part(
    load_handler: LoadHandler, context: Any, stored: Stored, without: Callable[[str], Any]
) -> None:
    handler = load_handler("reduce")
    restore = without(stored.results)
    with pytest.raises(IncompleteResults, match=r"shard 0 is missing \(jobs/gone/shards/000000"):
        handler.handler(REDUCE, context)
    restore()
    assert "Contents" not in stored.s3.list_objects_v2(Bucket=stored.results)
