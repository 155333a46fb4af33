from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shpc_core.errors import InvalidInput
from shpc_core.messages import GroupRequest, JobRequest, ShardRequest, parse

BODY: dict[str, Any] = {
    "job_id": "run-1_A",
    "workload": "classify",
    "input": {"images": "inputs/x/images.idx", "labels": "inputs/x/labels.idx"},
    "shard_size": 100,
}


def altered(**fields: Any) -> dict[str, Any]:
    return BODY | fields


def test_job_request_round_trips() -> None:
    assert msgspec.to_builtins(parse(BODY, JobRequest)) == BODY


def test_job_request_fills_in_what_may_be_left_out() -> None:
    request = parse({"job_id": "a", "input": {"images": "inputs/i"}}, JobRequest)
    assert (request.workload, request.shard_size, request.input.labels) == ("classify", 100, None)


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "job_id", "job_id: is missing; allowed: 1 to 64"),
        (altered(job_id=""), "job_id", "outside what is allowed; allowed: 1 to 64"),
        (altered(job_id="a" * 65), "job_id", "1 to 64"),
        (altered(job_id="a b"), "job_id", "1 to 64"),
        (altered(job_id="a\n"), "job_id", "1 to 64"),
        (altered(job_id="../a"), "job_id", "1 to 64"),
        (altered(job_id=7), "job_id", "is of type int"),
        (altered(job_id=None), "job_id", "is of type null"),
        (altered(workload="kmers"), "workload", "workload: is 'kmers'; allowed: \"classify\""),
        (altered(shard_size=0), "shard_size", "a whole number of images, 1 to 100000"),
        (altered(shard_size=-1), "shard_size", "1 to 100000"),
        (altered(shard_size=10.0), "shard_size", "is of type float"),
        (altered(shard_size="10"), "shard_size", "is of type str"),
        (altered(shard_size=True), "shard_size", "is of type bool"),
        (altered(shard_size=None), "shard_size", "is of type null"),
        (altered(shards=3), "shards", "shards: is not a field of this request"),
        (altered(input=None), "input", 'allowed: {"images": key'),
        (altered(input={}), "input.images", "input.images: is missing; allowed: a key"),
        (altered(input={"images": "x.idx"}), "input.images", 'starts with "inputs/"'),
        (altered(input={"images": "inputs/"}), "input.images", 'starts with "inputs/"'),
        (altered(input={"images": "inputs/../jobs/x"}), "input.images", "has the part '..'"),
        (altered(input={"images": "inputs/a\n/x"}), "input.images", "has the character U+000A"),
        (altered(input={"images": "inputs/" + "a" * 1018}), "input.images", "is 1025 bytes long"),
        (
            altered(input={"images": "inputs/x", "labels": ""}),
            "input.labels",
            "is ''; allowed: a key",
        ),
        (altered(input={"images": "inputs/x", "lables": "inputs/y"}), "input.lables", "images"),
        ([], "request", "is of type array"),
        ("text", "request", "is of type str"),
        (None, "request", "is of type null"),
    ],
)
def test_job_request_that_is_wrong_names_the_field(body: Any, field: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(body, JobRequest)
    assert caught.value.field == field
    assert message in str(caught.value)


def test_shard_request_names_a_nested_field() -> None:
    body = {"job_id": "a", "input": {"images": "inputs/i"}, "shard": {"shard": 0, "start": -1}}
    with pytest.raises(InvalidInput) as caught:
        parse(body, ShardRequest)
    assert caught.value.field == "shard.start"
    assert caught.value.allowed == "a whole number, 0 to 4294967294, and less than stop"


def test_reduction_requests_know_their_level() -> None:
    group = {"group": 0, "first_shard": 0, "last_shard": 0, "start": 0, "stop": 5}
    body = {"job_id": "a", "input": {"images": "inputs/i"}, "group": group, "level": "group"}
    assert parse(body, GroupRequest).group.stop == 5
    with pytest.raises(InvalidInput, match='level: is \'job\'; allowed: "group" or "job"'):
        parse(body | {"level": "job"}, GroupRequest)
