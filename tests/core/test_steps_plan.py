from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from shpc_core import idx
from shpc_core.errors import InvalidInput
from shpc_core.messages import Input, JobRequest
from shpc_core.steps.plan import plan
from shpc_core.store import Bucket

IMAGES, LABELS = "inputs/x/images.idx", "inputs/x/labels.idx"


def upload(inputs: Bucket, *, images: int, labels: int | None = None) -> None:
    inputs.put(IMAGES, idx.encode(np.zeros((images, 28, 28), np.uint8)))
    if labels is not None:
        inputs.put(LABELS, idx.encode(np.zeros(labels, np.uint8)))


def request(*, labels: bool = False, shard_size: int = 100) -> JobRequest:
    given = Input(images=IMAGES, labels=LABELS if labels else None)
    return JobRequest(job_id="job-1", input=given, shard_size=shard_size)


def test_plan_writes_shards_and_groups(inputs: Bucket, results: Bucket) -> None:
    upload(inputs, images=1050, labels=1050)
    planned = plan(request(labels=True, shard_size=10), inputs=inputs, results=results)
    assert planned.images == 1050
    assert (planned.shards.key, planned.shards.count) == ("jobs/job-1/shards.json", 105)
    assert (planned.groups.key, planned.groups.count) == ("jobs/job-1/groups.json", 2)
    assert planned.map_prefix == "jobs/job-1/map"
    shards = json.loads(results.get(planned.shards.key))
    assert len(shards) == 105
    assert shards[0] == {"shard": 0, "start": 0, "stop": 10}
    assert shards[-1] == {"shard": 104, "start": 1040, "stop": 1050}
    assert json.loads(results.get(planned.groups.key)) == [
        {"group": 0, "first_shard": 0, "last_shard": 99, "start": 0, "stop": 1000},
        {"group": 1, "first_shard": 100, "last_shard": 104, "start": 1000, "stop": 1050},
    ]


def test_plan_of_a_shard_larger_than_the_data_is_one_shard(inputs: Bucket, results: Bucket) -> None:
    upload(inputs, images=7)
    assert plan(request(), inputs=inputs, results=results).shards.count == 1


def test_plan_again_writes_the_same(inputs: Bucket, results: Bucket) -> None:
    upload(inputs, images=321)
    first = plan(request(), inputs=inputs, results=results)
    written = results.get(first.shards.key), results.get(first.groups.key)
    assert plan(request(), inputs=inputs, results=results) == first
    assert (results.get(first.shards.key), results.get(first.groups.key)) == written


class Frugal(Bucket):
    """Notes how much of an object is read."""

    read = 0

    def get(self, key: str) -> bytes:
        raise AssertionError(f"{key} was read whole")

    def get_range(self, key: str, start: int, stop: int) -> bytes:
        self.read += stop - start
        return super().get_range(key, start, stop)


def test_plan_reads_headers_alone(inputs: Bucket, results: Bucket) -> None:
    upload(inputs, images=500, labels=500)
    frugal = Frugal(inputs._store)
    plan(request(labels=True), inputs=frugal, results=results)
    assert frugal.read == 16 + 8


def images_of(data: bytes) -> dict[str, bytes]:
    return {IMAGES: data}


WHOLE = idx.encode(np.zeros((5, 28, 28), np.uint8))


@pytest.mark.parametrize(
    ("objects", "options", "field", "problem"),
    [
        ({}, {}, "input.images", "no readable object inputs/x/images.idx in bucket"),
        (images_of(b""), {}, "input.images", "nothing"),
        (images_of(WHOLE[:9]), {}, "input.images", "ends within its header"),
        (images_of(WHOLE[:-1]), {}, "input.images", "counts 5 items"),
        (images_of(WHOLE + b"\0"), {}, "input.images", "counts 5 items"),
        (images_of(b"\x1f\x8b" + WHOLE), {}, "input.images", "uncompressed IDX"),
        (images_of(idx.encode(np.zeros((5, 32, 32), np.uint8))), {}, "input.images", "32"),
        (images_of(idx.encode(np.zeros(5, np.uint8))), {}, "input.images", "3 dimension"),
        (images_of(idx.encode(np.zeros((0, 28, 28), np.uint8))), {}, "input.images", "no items"),
        (images_of(WHOLE), {"labels": True}, "input.labels", "no readable object"),
        (
            {IMAGES: WHOLE, LABELS: idx.encode(np.zeros(4, np.uint8))},
            {"labels": True},
            "input.labels",
            "4 labels for 5 images",
        ),
        ({IMAGES: WHOLE, LABELS: WHOLE}, {"labels": True}, "input.labels", "1 dimension"),
        (images_of(WHOLE), {"shard_size": 0}, "shard_size", "1 to 100000"),
    ],
)
def test_plan_refuses_bad_inputs_and_writes_nothing(
    inputs: Bucket,
    results: Bucket,
    objects: dict[str, bytes],
    options: dict[str, Any],
    field: str,
    problem: str,
) -> None:
    for key, data in objects.items():
        inputs.put(key, data)
    with pytest.raises(InvalidInput, match=problem) as caught:
        plan(request(**options), inputs=inputs, results=results)
    assert caught.value.field == field
    with pytest.raises(FileNotFoundError):
        results.get("jobs/job-1/shards.json")


def test_plan_of_too_many_shards_says_which_size_would_do(inputs: Bucket, results: Bucket) -> None:
    upload(inputs, images=10_001)
    with pytest.raises(InvalidInput, match=r"10001 shards.*at least 2 for this input"):
        plan(request(shard_size=1), inputs=inputs, results=results)
    assert plan(request(shard_size=2), inputs=inputs, results=results).shards.count == 5001
