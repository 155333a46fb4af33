"""Why a job failed, as GET /jobs/{id} tells it: by the child that failed first.

The answers of Step Functions are stubbed in the shapes of botocore's own model; the same way
through a deployed cloud is in tests/e2e.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any, Protocol

import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from shpc_http.causes import plain_cause

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:classify"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:classify:job-1"
RUNS = [
    f"arn:aws:states:us-east-1:123456789012:mapRun:classify/{label}:1"
    for label in ("ClassifyShards", "ReduceGroups")
]
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
GENERIC = {
    "error": "States.ExceedToleratedFailureThreshold",
    "cause": "The specified tolerated failure threshold was exceeded.",
}
COUNTS = dict.fromkeys(
    ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten"),
    1,
)


class LoadHandler(Protocol):
    def __call__(self, function: str) -> ModuleType: ...


@pytest.fixture
def jobs(load_handler: LoadHandler, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("STATE_MACHINE_ARN", MACHINE)
    return load_handler("jobs")


@pytest.fixture
def step_functions(jobs: ModuleType) -> Iterator[Stubber]:
    with Stubber(jobs._STEP_FUNCTIONS) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def status(jobs: ModuleType, context: Any) -> Callable[[], Any]:
    def get() -> Any:
        event = {"routeKey": "GET /jobs/{id}", "headers": {}, "pathParameters": {"id": "job-1"}}
        response = jobs.handler(event, context)
        assert response["statusCode"] == 200, response
        return json.loads(response["body"])

    return get


def lambda_cause(message: str) -> str:
    return json.dumps(
        {
            "errorMessage": message,
            "errorType": "InvalidInput",
            "requestId": "r",
            "stackTrace": ['  File "/var/task/handler.py", line 1, in handler\n'],
        }
    )


def described(arn: str, **fields: Any) -> dict[str, Any]:
    return {
        "executionArn": arn,
        "stateMachineArn": MACHINE,
        "status": "FAILED",
        "startDate": STARTED,
        "stopDate": STARTED + timedelta(seconds=9),
        "input": "{}",
        **fields,
    }


def child(name: str, stopped_s: float, status: str = "FAILED") -> dict[str, Any]:
    return {
        "executionArn": f"arn:aws:states:us-east-1:123456789012:execution:classify/M:{name}",
        "stateMachineArn": MACHINE,
        "name": name,
        "status": status,
        "startDate": STARTED,
        "stopDate": STARTED + timedelta(seconds=stopped_s),
    }


def answer_job(stub: Stubber, *, failed: list[list[dict[str, Any]]], **parent: Any) -> None:
    """The calls of one GET up to the children that failed, by map run."""
    stub.add_response("describe_execution", described(EXECUTION, **parent))
    runs = [
        {
            "executionArn": EXECUTION,
            "mapRunArn": arn,
            "stateMachineArn": MACHINE,
            "startDate": STARTED,
        }
        for arn in RUNS[: len(failed)]
    ]
    stub.add_response("list_map_runs", {"mapRuns": runs}, {"executionArn": EXECUTION})
    if parent.get("error") == GENERIC["error"]:
        for arn, children in zip(RUNS, failed, strict=False):
            for ended in ("FAILED", "TIMED_OUT"):
                stub.add_response(
                    "list_executions",
                    {"executions": [each for each in children if each["status"] == ended]},
                    {"mapRunArn": arn, "statusFilter": ended, "maxResults": 1000},
                )


def answer_counts(stub: Stubber, **counts: int) -> None:
    run = {
        "mapRunArn": RUNS[0],
        "executionArn": EXECUTION,
        "status": "FAILED",
        "startDate": STARTED,
        "maxConcurrency": 1,
        "toleratedFailurePercentage": 0.0,
        "toleratedFailureCount": 0,
        "itemCounts": {**COUNTS, **counts},
        "executionCounts": COUNTS,
    }
    stub.add_response("describe_map_run", run)


def test_failed_map_is_told_by_the_child_that_failed_first(
    step_functions: Stubber, status: Callable[[], Any]
) -> None:
    # Most recent first, as ListExecutions sorts.
    listed = [child("late", 3), child("first", 1), child("second", 2)]
    listed.sort(key=lambda one: one["stopDate"], reverse=True)
    answer_job(step_functions, failed=[listed], **GENERIC)
    first = described(
        listed[-1]["executionArn"],
        input=json.dumps({"shard": {"shard": 7, "start": 700, "stop": 800}}),
        error="InvalidInput",
        cause=lambda_cause("input.images: no readable object"),
    )
    step_functions.add_response(
        "describe_execution", first, {"executionArn": listed[-1]["executionArn"]}
    )
    answer_counts(step_functions)
    answer = status()
    assert (answer["status"], answer["error"]) == ("FAILED", "InvalidInput")
    assert answer["cause"] == "shard 7 (items 700..800): input.images: no readable object"
    assert "stackTrace" not in json.dumps(answer)


def test_child_that_timed_out_as_a_whole_is_told_if_it_was_the_first(
    step_functions: Stubber, status: Callable[[], Any]
) -> None:
    timed_out = child("long", 1, "TIMED_OUT")
    answer_job(step_functions, failed=[[child("late", 2), timed_out]], **GENERIC)
    first = described(
        timed_out["executionArn"],
        status="TIMED_OUT",
        input=json.dumps({"shard": {"shard": 7, "start": 700, "stop": 800}}),
        error="States.Timeout",
    )
    step_functions.add_response(
        "describe_execution", first, {"executionArn": timed_out["executionArn"]}
    )
    answer_counts(step_functions)
    answer = status()
    assert answer["error"] == "States.Timeout"
    assert answer["cause"] == "shard 7 (items 700..800): no cause given"


def test_failed_group_is_told_when_every_shard_succeeded(
    step_functions: Stubber, status: Callable[[], Any]
) -> None:
    answer_job(step_functions, failed=[[], [child("group", 1)]], **GENERIC)
    group = {"group": 2, "first_shard": 200, "last_shard": 299, "start": 20, "stop": 30}
    step_functions.add_response(
        "describe_execution",
        described("arn:child", input=json.dumps({"group": group}), error="Sandbox.Timedout"),
    )
    answer_counts(step_functions)
    answer = status()
    assert answer["error"] == "Sandbox.Timedout"
    assert answer["cause"] == "group 2 (items 20..30): no cause given"


@pytest.mark.parametrize("runs", [[], [[]], [[], []]])
def test_failed_map_whose_children_are_not_listed_yet_is_told_in_its_own_words(
    step_functions: Stubber, status: Callable[[], Any], runs: list[list[dict[str, Any]]]
) -> None:
    answer_job(step_functions, failed=runs, **GENERIC)
    if runs:
        answer_counts(step_functions)
    answer = status()
    assert (answer["error"], answer["cause"]) == (GENERIC["error"], GENERIC["cause"])


def test_other_failures_ask_for_no_children(
    step_functions: Stubber, status: Callable[[], Any]
) -> None:
    cause = lambda_cause("input.images: holds no items")
    answer_job(step_functions, failed=[[]], error="InvalidInput", cause=cause)
    answer_counts(step_functions)
    answer = status()
    assert (answer["error"], answer["cause"]) == ("InvalidInput", "input.images: holds no items")


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchBucket", "AccessDenied"])
def test_job_whose_results_are_gone_is_told_as_gone(
    jobs: ModuleType, step_functions: Stubber, context: Any, code: str
) -> None:
    step_functions.add_response("describe_execution", described(EXECUTION, status="SUCCEEDED"))
    event = {"routeKey": "GET /jobs/{id}", "headers": {}, "pathParameters": {"id": "job-1"}}
    with Stubber(jobs._S3) as s3:
        s3.add_client_error("get_object", code, http_status_code=404)
        response = jobs.handler(event, context)
    assert response["statusCode"] == 410
    assert json.loads(response["body"])["error"]["field"] == "job_id"


def test_cause_that_is_cut_has_no_stack_trace_either() -> None:
    """Step Functions keeps 32,768 characters of a cause."""
    message = 'the "object" is\ngone: ü'
    whole = lambda_cause(message)
    for length in range(len('{"errorMessage": "x'), len(whole)):
        assert message.startswith(plain_cause(whole[:length]) or "nothing")
    assert plain_cause(whole[:-1]) == message


@given(st.text())
def test_cause_of_any_message_is_that_message(message: str) -> None:
    assert plain_cause(json.dumps({"errorMessage": message, "stackTrace": ["x"]})) == message


@given(st.text())
def test_cause_of_any_text_is_kept(text: str) -> None:
    assert plain_cause(text) == text


@pytest.mark.parametrize("text", ["null", "5", "[]", '{"errorMessage": 5}', "{}", "[" * 9999])
def test_cause_that_is_other_json_is_kept(text: str) -> None:
    assert plain_cause(text) == text
