"""POST /jobs/{id}/redrive, and what GET tells of failures, with Step Functions stubbed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, Protocol

import pytest
from botocore.stub import Stubber

from shpc_core import keys
from shpc_jobs import failures
from shpc_jobs.failures import MOST_TOLD, recorded_failures
from tests.handlers.test_jobs_failures import (
    EXECUTION,
    MACHINE,
    RUNS,
    STARTED,
    answer_counts,
    described,
)

JOB = "job-1"


class LoadHandler(Protocol):
    def __call__(self, function: str) -> ModuleType: ...


class Stored(Protocol):
    s3: Any
    results: str


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
def ask(jobs: ModuleType, context: Any) -> Callable[..., Any]:
    def call(route: str, body: Any = None) -> tuple[int, Any]:
        event = {"routeKey": route, "headers": {}, "pathParameters": {"id": JOB}}
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        response = jobs.handler(event, context)
        return response["statusCode"], json.loads(response["body"])

    return call


REDRIVE = "POST /jobs/{id}/redrive"


def test_redrive_restarts_the_execution_under_the_clients_token(
    step_functions: Stubber, ask: Callable[..., Any]
) -> None:
    step_functions.add_response(
        "redrive_execution",
        {"redriveDate": datetime(2026, 1, 2, tzinfo=UTC)},
        {"executionArn": EXECUTION, "clientToken": "abc-1"},
    )
    assert ask(REDRIVE, {"token": "abc-1"}) == (
        202,
        {"job_id": JOB, "status": "RUNNING", "redriven_at": "2026-01-02T00:00:00Z"},
    )


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        ("RUNNING", "Execution is RUNNING and cannot be redriven", "running"),
        ("SUCCEEDED", "Execution is SUCCEEDED and cannot be redriven", "not_redrivable"),
        ("FAILED", "Execution redrivable period exceeded", "not_redrivable"),
        ("FAILED", None, "not_redrivable"),
    ],
)
def test_what_cannot_be_redriven_is_a_409_with_the_reason(
    step_functions: Stubber,
    ask: Callable[..., Any],
    status: str,
    reason: str | None,
    code: str,
) -> None:
    step_functions.add_client_error("redrive_execution", "ExecutionNotRedrivable", "AWS's words")
    told = {"redriveStatusReason": reason} if reason else {}
    step_functions.add_response("describe_execution", described(EXECUTION, status=status, **told))
    answered, body = ask(REDRIVE, {"token": "t"})
    assert (answered, body["error"]["code"], body["error"]["field"]) == (409, code, "job_id")
    assert f"is {status}: {reason or AWS}; allowed: a job that FAILED" in body["error"]["message"]


AWS = "AWS's words"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ("ExecutionDoesNotExist", 404, "not_found"),
        ("ExecutionLimitExceeded", 429, "too_many_executions"),
        ("AccessDeniedException", 500, "internal_error"),
    ],
)
def test_other_refusals_have_their_status(
    step_functions: Stubber, ask: Callable[..., Any], error: str, status: int, code: str
) -> None:
    step_functions.add_client_error("redrive_execution", error)
    answered, body = ask(REDRIVE, {"token": "t"})
    assert (answered, body["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, "body"),
        ("{", "body"),
        ({}, "token"),
        ({"token": ""}, "token"),
        ({"token": "x" * 65}, "token"),
        ({"token": "a b"}, "token"),
        ({"token": "a\n"}, "token"),
        ({"token": 5}, "token"),
        ({"token": "t", "job_id": "another"}, "job_id"),
        ([], "request"),
    ],
)
def test_bad_redrive_is_refused_by_name(
    step_functions: Stubber, ask: Callable[..., Any], body: Any, field: str
) -> None:
    answered, told = ask(REDRIVE, body)
    assert (answered, told["error"]["field"]) == (400, field)


def record(kind: str, number: int, **changes: Any) -> bytes:
    item: dict[str, Any] = {kind: number, "start": 100 * number, "stop": 100 * number + 100}
    if kind == "group":
        item |= {"first_shard": 0, "last_shard": 9}
    cause = json.dumps({"errorMessage": "no room", "stackTrace": ["secret"]})
    body = {
        "job_id": JOB,
        "step": "any",
        kind: item,
        "failure": {"Error": "StorageError", "Cause": cause},
        "recorded_at": "2026-01-01T00:00:00.000Z",
        "execution": "arn",
        **changes,
    }
    return json.dumps(body).encode()


def put(stored: Stored, key: str, body: bytes = b"x") -> None:
    stored.s3.put_object(Bucket=stored.results, Key=key, Body=body)


def test_failures_are_told_in_order_and_whether_they_were_made_good(stored: Stored) -> None:
    for number in (10, 9):
        put(stored, keys.shard_failure(JOB, number), record("shard", number))
    put(stored, keys.group_failure(JOB, 0), record("group", 0))
    put(stored, keys.shard_failure("job-10", 1), record("shard", 1))
    put(stored, f"{keys.failures(JOB)}notes.txt")
    put(stored, keys.shard_result(JOB, 9))
    put(stored, keys.part_summary(JOB, 0))
    told = recorded_failures(stored.s3, stored.results, JOB)
    assert told is not None
    assert (told.recorded, told.more) == (3, False)
    assert [(one.kind, one.number, one.recovered) for one in told.listed] == [
        ("shard", 9, True),
        ("shard", 10, False),
        ("group", 0, True),
    ]
    first = told.listed[0]
    assert (first.start, first.stop, first.error, first.cause) == (
        900,
        1000,
        "StorageError",
        "no room",
    )


@pytest.mark.parametrize("body", [b"", b"{", b"{}", record("shard", 1, failure={})])
def test_record_that_cannot_be_read_is_told_all_the_same(stored: Stored, body: bytes) -> None:
    put(stored, keys.shard_failure(JOB, 1), body)
    told = recorded_failures(stored.s3, stored.results, JOB)
    assert told is not None
    (one,) = told.listed
    assert (one.number, one.error, one.start, one.recovered) == (1, None, None, False)


def test_many_failures_are_counted_and_the_first_told(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(MOST_TOLD + 5):
        put(stored, keys.shard_failure(JOB, number), record("shard", number))
    told = recorded_failures(stored.s3, stored.results, JOB)
    assert told is not None
    assert (told.recorded, told.more) == (25, False)
    assert [one.number for one in told.listed] == list(range(MOST_TOLD))
    monkeypatch.setattr(failures, "MOST_COUNTED", 22)
    told = recorded_failures(stored.s3, stored.results, JOB)
    assert told is not None
    assert (told.recorded, told.more) == (22, True)


def test_failures_of_a_bucket_that_is_gone_are_unknown(stored: Stored) -> None:
    assert recorded_failures(stored.s3, "nobody-s-bucket", JOB) is None


def answer(stub: Stubber, counts: dict[str, int] | None, **execution: Any) -> None:
    stub.add_response("describe_execution", described(EXECUTION, **execution))
    run = {
        "executionArn": EXECUTION,
        "mapRunArn": RUNS[0],
        "stateMachineArn": MACHINE,
        "startDate": STARTED,
    }
    stub.add_response("list_map_runs", {"mapRuns": [run] if counts else []})
    if counts:
        answer_counts(stub, **counts)


@pytest.mark.parametrize(
    ("status", "failed", "is_looked_for"),
    [("RUNNING", 0, False), ("RUNNING", 2, True), ("FAILED", 0, True), ("FAILED", 1, True)],
)
def test_records_are_looked_for_once_there_may_be_some(
    stored: Stored,
    step_functions: Stubber,
    ask: Callable[..., Any],
    status: str,
    failed: int,
    is_looked_for: bool,
) -> None:
    counts = {"failed": failed, "timedOut": 0, "aborted": 0, "total": 9, "succeeded": 9 - failed}
    answer(step_functions, counts, status=status, redriveCount=2, redriveStatus="REDRIVABLE")
    _, told = ask("GET /jobs/{id}")
    empty = {"recorded": 0, "more": False, "listed": []}
    assert told["failures"] == (empty if is_looked_for else None)
    assert (told["redrive_count"], told["redrive_status"]) == (2, "REDRIVABLE")


def test_shards_that_wait_for_their_redrive_are_pending(
    step_functions: Stubber, ask: Callable[..., Any]
) -> None:
    zero = {"failed": 0, "timedOut": 0, "aborted": 0, "running": 0}
    counts = {**zero, "pending": 1, "pendingRedrive": 2, "succeeded": 5, "total": 8}
    answer(step_functions, counts, status="RUNNING")
    _, told = ask("GET /jobs/{id}")
    assert told["shards"] == {
        "total": 8,
        "pending": 3,
        "running": 0,
        "succeeded": 5,
        "failed": 0,
    }
