"""Shards that are missing: when a stage tolerates that, and what the report then says."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shpc_core import columns, keys
from shpc_core.errors import IncompleteResults, InvalidInput
from shpc_core.messages import ReportRequest, parse
from tests.core.reducing import INPUT, JOB, UNLABELLED, Forgetful, Job

# Two of the 120 shards of 25 images, of different groups.
LOST = (7, 110)


def record(number: int, /, **changes: Any) -> dict[str, Any]:
    """As the workflow writes it."""
    given = {"shard": number, "start": 25 * number, "stop": 25 * number + 25}
    return {
        "job_id": JOB,
        "step": "ClassifyShard",
        "shard": given,
        "failure": {"Error": "Sandbox.Timedout", "Cause": '{"errorMessage": "took 4 s"}'},
        "recorded_at": "2026-01-01T00:00:00.000Z",
        "execution": "arn:aws:states:us-east-1:123456789012:execution:m/ClassifyShards:1",
        **changes,
    }


def put_record(job: Job, number: int, /, **changes: Any) -> None:
    body = json.dumps(record(number, **changes)).encode()
    job.results.put(keys.shard_failure(JOB, number), body)


@pytest.fixture
def losing(job: Job) -> Job:
    """`job` without the results of two shards, whose failures are recorded."""
    for shard in LOST:
        put_record(job, shard)
    job.results = Forgetful(job.results, *(keys.shard_result(JOB, shard) for shard in LOST))
    return job


def test_report_names_what_is_missing_and_counts_the_rest(
    losing: Job, labels: NDArray[np.uint8]
) -> None:
    losing.reduce_groups(tolerated=2)
    report = losing.report(tolerated=2)
    assert report["complete"] is False
    assert (report["images"], report["predicted"], report["missing"]) == (3000, 2950, 50)
    assert report["missing_shards"] == [
        {
            "shard": shard,
            "start": 25 * shard,
            "stop": 25 * shard + 25,
            "error": "Sandbox.Timedout",
        }
        for shard in LOST
    ]
    parts = [columns.decode(losing.results.get(part["key"]))[0] for part in report["parts"]]
    predicted = columns.concatenated(parts)
    lost = [item for shard in LOST for item in range(25 * shard, 25 * shard + 25)]
    assert predicted.index.tolist() == [item for item in range(3000) if item not in lost]
    right = int((labels[predicted.index] == predicted.label).sum())
    assert (report["correct"], report["accuracy"]) == (right, right / 2950)
    assert int(np.sum(report["confusion"])) == sum(report["label_counts"]) == 2950
    assert report["telemetry_totals"]["invocations"] == 118
    assert [part["count"] for part in report["parts"]] == [2475, 475]


def test_report_of_a_whole_job_is_complete_whatever_is_tolerated(job: Job) -> None:
    job.reduce_groups(tolerated=100)
    report = job.report(tolerated=100)
    assert (report["complete"], report["missing"], report["missing_shards"]) == (True, 0, [])


def test_nothing_is_missing_where_nothing_is_tolerated(losing: Job) -> None:
    with pytest.raises(IncompleteResults) as caught:
        losing.reduce_groups()
    assert caught.value.problems == ("shard 7 is missing (jobs/job-1/shards/000007.safetensors)",)


def test_shard_without_a_record_is_a_gap(losing: Job) -> None:
    losing.results = Forgetful(losing.results, keys.shard_failure(JOB, 7), *losing.results._lost)
    with pytest.raises(
        IncompleteResults, match=r"shard 7 is missing .*, and no failure is recorded"
    ):
        losing.reduce_groups(tolerated=100)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"job_id": "another"}, "one of another shard or job"),
        ({"shard": {"shard": 8, "start": 175, "stop": 200}}, "one of another shard or job"),
        ({"shard": {"shard": 7, "start": 175, "stop": 190}}, r"items 190\.\.200 are missing"),
        ({"shard": {"shard": 7, "start": 150, "stop": 200}}, r"items 150\.\.175 are duplicated"),
        ({"failure": None}, "cannot be read"),
        ({"failure": {"Cause": "no name"}}, "cannot be read"),
        ({"shard": None}, "cannot be read"),
        (
            {"shard": None, "group": {"group": 0, "first_shard": 0, "last_shard": 9, "start": 0,
                                      "stop": 250}},
            "one of another shard or job",
        ),
    ],
)  # fmt: skip
def test_record_that_does_not_explain_the_gap_is_none(
    losing: Job, changes: dict[str, Any], problem: str
) -> None:
    put_record(losing, 7, **changes)
    with pytest.raises(IncompleteResults, match=problem):
        losing.reduce_groups(tolerated=100)


def test_record_without_a_cause_is_one(losing: Job) -> None:
    put_record(losing, 7, failure={"Error": "States.Timeout"})
    losing.reduce_groups(tolerated=2)
    assert losing.report(tolerated=2)["missing_shards"][0]["error"] == "States.Timeout"


def test_recovered_shard_counts_whatever_its_record_says(job: Job) -> None:
    put_record(job, 7)
    job.reduce_groups(tolerated=5)
    assert job.report(tolerated=5)["complete"] is True


def test_more_than_is_tolerated_is_no_report(losing: Job) -> None:
    losing.reduce_groups(tolerated=1)
    with pytest.raises(IncompleteResults) as caught:
        losing.report(tolerated=1)
    assert caught.value.problems == (
        "2 of 120 shards are missing, more than the 1 % that are tolerated: "
        "shard 7 (Sandbox.Timedout), shard 110 (Sandbox.Timedout)",
    )


def lose(job: Job, shards: range) -> None:
    for shard in shards:
        put_record(job, shard)
    job.results = Forgetful(job.results, *(keys.shard_result(JOB, shard) for shard in shards))


@pytest.mark.parametrize("input_", [INPUT, UNLABELLED])
def test_group_may_be_missing_as_a_whole(job: Job, input_: Any) -> None:
    lose(job, range(100, 120))
    job.reduce_groups(tolerated=50, input_=input_)
    report = job.report(tolerated=50, input_=input_)
    assert (report["predicted"], report["missing"], len(report["missing_shards"])) == (
        2500,
        500,
        20,
    )
    assert len(report["model"]["sha256"]) == 64


def test_job_of_which_nothing_is_left_is_no_report(job: Job) -> None:
    lose(job, range(120))
    job.reduce_groups(tolerated=100)
    with pytest.raises(IncompleteResults, match="all 120 shards are missing"):
        job.report(tolerated=100)


def test_summary_that_hides_a_missing_shard_is_refused(losing: Job) -> None:
    losing.reduce_groups(tolerated=2)
    losing.alter_last_summary({"missing_shards": []})
    with pytest.raises(IncompleteResults, match=r"group 1 counts 475 items for 2500\.\.3000"):
        losing.report(tolerated=2)
    losing.alter_last_summary({"missing_shards": [], "count": 500})
    with pytest.raises(IncompleteResults, match="the groups hold 119 shards"):
        losing.report(tolerated=2)


@pytest.mark.parametrize("wrong", [-1, 100.5, "5", None])
def test_tolerance_is_a_percentage(wrong: Any) -> None:
    payload = {
        "level": "job",
        "job_id": JOB,
        "input": {"images": "inputs/i"},
        "images": 1,
        "shards": {"key": "k", "count": 1},
        "groups": {"key": "k", "count": 1},
        "tolerated_failure_percentage": wrong,
    }
    with pytest.raises(
        InvalidInput, match=r"tolerated_failure_percentage: .*; allowed: a number, 0"
    ):
        parse(payload, ReportRequest)
    assert parse(payload | {"tolerated_failure_percentage": 5}, ReportRequest)
