"""plan, classify and reduce, driven with the payloads that the state machine builds."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any, Protocol

import pytest

from shpc_core import columns
from shpc_core.errors import IncompleteResults, InvalidInput


class Stored(Protocol):
    s3: Any
    inputs: str
    results: str

    def get(self, key: str) -> bytes: ...


class LoadHandler(Protocol):
    def __call__(self, function: str) -> ModuleType: ...


EXECUTION_INPUT: dict[str, Any] = {
    "job_id": "job-1",
    "workload": "classify",
    "input": {"images": "inputs/x/images.idx", "labels": "inputs/x/labels.idx"},
    "shard_size": 500,
}
PLANNED = {
    "job_id": "job-1",
    "input": EXECUTION_INPUT["input"],
    "images": 3000,
    "shards": {"key": "jobs/job-1/shards.json", "count": 6},
    "groups": {"key": "jobs/job-1/groups.json", "count": 1},
    "map_prefix": "jobs/job-1/map",
}


def over_the_wire(value: Any) -> Any:
    """What Lambda does to an answer; fails on what is not JSON."""
    return json.loads(json.dumps(value))


def test_handlers_carry_a_job_from_input_to_report(
    stored: Stored, load_handler: LoadHandler, context: Any
) -> None:
    plan, classify, reduce = (load_handler(name) for name in ("plan", "classify", "reduce"))
    planned = over_the_wire(plan.handler(EXECUTION_INPUT, context))
    assert planned == PLANNED

    shards = json.loads(stored.get(planned["shards"]["key"]))
    for retry_count, shard in enumerate(shards):
        payload = {
            "job_id": planned["job_id"],
            "input": planned["input"],
            "shard": shard,
            "attempt": retry_count % 2,
        }
        answer = over_the_wire(classify.handler(payload, context))
        assert answer == {"shard": shard["shard"], "count": 500}

    for group in json.loads(stored.get(planned["groups"]["key"])):
        payload = {
            "level": "group",
            "job_id": planned["job_id"],
            "input": planned["input"],
            "group": group,
            "attempt": 0,
        }
        assert over_the_wire(reduce.handler(payload, context)) == {"group": 0, "count": 3000}

    payload = {
        "level": "job",
        "job_id": planned["job_id"],
        "input": planned["input"],
        "images": planned["images"],
        "shards": planned["shards"],
        "groups": planned["groups"],
    }
    answer = over_the_wire(reduce.handler(payload, context))
    assert answer == {"job_id": "job-1", "report_key": "jobs/job-1/report.json"}

    report = json.loads(stored.get(answer["report_key"]))
    assert (report["images"], report["predicted"], report["shards"]) == (3000, 3000, 6)
    assert (report["missing"], report["duplicated"]) == (0, 0)
    assert report["accuracy"] >= 0.92
    assert (report["cold_starts"], report["retries"]) == (1, 3)
    predictions, _ = columns.decode(stored.get(report["parts"][0]["key"]))
    assert predictions.index.tolist() == list(range(3000))


def test_classify_handler_writes_telemetry_of_its_environment(
    stored: Stored, load_handler: LoadHandler, context: Any
) -> None:
    classify = load_handler("classify")
    written = []
    for shard in range(2):
        payload = {
            "job_id": "job-1",
            "input": {"images": "inputs/x/images.idx", "labels": None},
            "shard": {"shard": shard, "start": shard * 10, "stop": shard * 10 + 10},
        }
        classify.handler(payload, context)
        _, metadata = columns.decode(stored.get(f"jobs/job-1/shards/{shard:06d}.safetensors"))
        written.append(json.loads(metadata["telemetry"]))
    assert [one["cold"] for one in written] == [True, False]
    assert written[0]["environment"] == written[1]["environment"]
    assert (written[0]["memory_mb"], written[0]["request_id"]) == (512, "request-1")


@pytest.mark.parametrize(
    ("function", "event", "field"),
    [
        ("plan", {}, "job_id"),
        ("plan", EXECUTION_INPUT | {"shard_size": 0}, "shard_size"),
        ("plan", EXECUTION_INPUT | {"workload": "kmers"}, "workload"),
        ("plan", EXECUTION_INPUT | {"input": {"images": "inputs/no/such"}}, "input.images"),
        ("classify", {}, "job_id"),
        (
            "classify",
            {
                "job_id": "job-1",
                "input": EXECUTION_INPUT["input"],
                "shard": {"shard": 0, "start": 2999, "stop": 3001},
                "attempt": 0,
            },
            "shard",
        ),
        ("reduce", {}, "level"),
        ("reduce", {"level": "all"}, "level"),
        ("reduce", {"level": "group"}, "job_id"),
        ("reduce", {"level": "job", "job_id": "job-1"}, "input"),
    ],
)
def test_handlers_refuse_bad_payloads_by_name(
    load_handler: LoadHandler, context: Any, function: str, event: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_handler(function).handler(event, context)
    assert caught.value.field == field


def test_reduce_handler_names_shards_that_are_missing(
    load_handler: LoadHandler, context: Any
) -> None:
    payload = {
        "level": "group",
        "job_id": "job-1",
        "input": EXECUTION_INPUT["input"],
        "group": {"group": 0, "first_shard": 0, "last_shard": 1, "start": 0, "stop": 20},
        "attempt": 0,
    }
    with pytest.raises(IncompleteResults, match=r"shard 0 is missing .*; shard 1 is missing"):
        load_handler("reduce").handler(payload, context)
