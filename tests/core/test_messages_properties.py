"""Whatever JSON a step or a client is sent: a message, or a refusal that names a field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shpc_core import limits
from shpc_core.errors import InvalidInput
from shpc_core.messages import GroupRequest, JobRequest, ReportRequest, ShardRequest, parse
from shpc_core.pictures import PicturesRequest

KINDS = [GroupRequest, JobRequest, PicturesRequest, ReportRequest, ShardRequest]
JOB: dict[str, Any] = {"job_id": "a", "input": {"images": "inputs/x"}}
STORED = {"key": "jobs/a/shards.json", "count": 1}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
# Names that exist, so that the values beneath them are reached, and others.
names = st.sampled_from(
    [
        "job_id",
        "input",
        "images",
        "labels",
        "workload",
        "shard_size",
        "shard",
        "start",
        "stop",
        "group",
        "first_shard",
        "last_shard",
        "attempt",
        "level",
        "shards",
        "groups",
        "key",
        "count",
        "pixels",
    ]
) | st.text(max_size=8)
objects = st.dictionaries(names, values | st.dictionaries(names, values, max_size=6), max_size=8)


def taken_or_refusal(body: Any, kind: Any) -> Any:
    try:
        return parse(body, kind)
    except InvalidInput as error:
        return error


@given(kind=st.sampled_from(KINDS), body=objects | values)
@example(kind=JobRequest, body={**JOB, " - at `$.x`": 1})
@example(kind=JobRequest, body={**JOB, "a b`": 1})
@example(kind=JobRequest, body={**JOB, "x" * 10_000: 1})
@example(kind=JobRequest, body={**JOB, "workload": "x" * 10_000})
def test_message_of_any_json_is_taken_or_refused_by_name(kind: Any, body: Any) -> None:
    taken = taken_or_refusal(body, kind)
    if isinstance(taken, InvalidInput):
        assert taken.field
        assert taken.problem
        assert taken.allowed
        assert len(str(taken)) < 1_000
    else:
        assert parse(msgspec.to_builtins(taken), kind) == taken


@given(st.integers())
@example(0)
@example(1)
@example(limits.MAX_SHARD_SIZE)
@example(limits.MAX_SHARD_SIZE + 1)
@example(2**63)
@example(10**400)
def test_shard_size_is_taken_within_its_bounds_alone(shard_size: int) -> None:
    body = {**JOB, "shard_size": shard_size}
    if 1 <= shard_size <= limits.MAX_SHARD_SIZE:
        assert parse(body, JobRequest).shard_size == shard_size
    else:
        with pytest.raises(InvalidInput, match=r"shard_size: .*allowed: .*1 to 100000"):
            parse(body, JobRequest)


@given(start=st.integers(-(2**70), 2**70) | st.integers(-5, 50), stop=st.integers(-5, 10**6))
@example(start=10, stop=5)
@example(start=5, stop=5)
@example(start=0, stop=100_001)
def test_shard_range_is_forward_not_empty_and_of_a_size_that_fits(start: int, stop: int) -> None:
    body = {**JOB, "shard": {"shard": 0, "start": start, "stop": stop}}
    if 0 <= start < stop <= start + limits.MAX_SHARD_SIZE:
        assert parse(body, ShardRequest).shard.stop == stop
    else:
        with pytest.raises(InvalidInput, match=r"^shard"):
            parse(body, ShardRequest)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, value) for name in ("start", "stop") for value in (0.5, "1", None, True, -1)),
        ("start", 2**32),
        ("stop", 10**400),
        ("shard", -1),
        ("shard", limits.MAX_SHARDS),
        ("shard", 1.5),
    ],
)
def test_shard_that_is_no_range_names_the_number(field: str, value: Any) -> None:
    shard = {"shard": 0, "start": 0, "stop": 5} | {field: value}
    with pytest.raises(InvalidInput) as caught:
        parse({**JOB, "shard": shard}, ShardRequest)
    assert caught.value.field == f"shard.{field}"
    assert "a whole number" in caught.value.allowed


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"last_shard": 100}, "group.last_shard"),
        ({"first_shard": 5, "last_shard": 4}, "group.last_shard"),
        ({"last_shard": 10**12}, "group.last_shard"),
        ({"start": 10, "stop": 10}, "group"),
        ({"start": 11, "stop": 10}, "group"),
        ({"group": limits.MAX_GROUPS}, "group.group"),
    ],
)
def test_group_of_more_than_a_group_holds_is_refused_before_anything_is_read(
    changes: dict[str, int], field: str
) -> None:
    group = {"group": 0, "first_shard": 0, "last_shard": 0, "start": 0, "stop": 10} | changes
    with pytest.raises(InvalidInput) as caught:
        parse({**JOB, "level": "group", "group": group}, GroupRequest)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"groups": {"key": "x", "count": 101}}, "groups.count"),
        ({"groups": {"key": "x", "count": 10**9}}, "groups.count"),
        ({"shards": {"key": "x", "count": 10_001}}, "shards.count"),
        ({"images": 0}, "images"),
        ({"images": 2**32}, "images"),
    ],
)
def test_report_of_more_than_a_job_holds_is_refused_before_anything_is_read(
    changes: dict[str, Any], field: str
) -> None:
    body = {**JOB, "level": "job", "images": 1, "shards": STORED, "groups": STORED} | changes
    with pytest.raises(InvalidInput) as caught:
        parse(body, ReportRequest)
    assert caught.value.field == field
