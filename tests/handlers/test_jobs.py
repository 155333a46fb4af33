"""POST /jobs and GET /jobs/{id}, driven with HTTP API events against state machines that run."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from types import ModuleType
from typing import Any, Protocol

import boto3
import msgspec
import pytest
import requests

from shpc_core.results import JobReport, Model, Part
from shpc_core.telemetry import TelemetryTotals


class Stored(Protocol):
    s3: Any
    inputs: str
    results: str


class LoadHandler(Protocol):
    def __call__(self, function: str) -> ModuleType: ...


Ask = Callable[..., tuple[int, Any]]

# The shard size of a request picks what becomes of the execution.
ENDLESS, FAILING, CRASHING, FANNED_OUT = 1, 2, 3, 100
LAMBDA_CAUSE = {
    "errorMessage": "input.images: holds no items; allowed: at least one item",
    "errorType": "InvalidInput",
    "stackTrace": ['  File "/var/task/handler.py", line 1, in handler\n'],
}


def when(shard_size: int, target: str) -> dict[str, Any]:
    return {"Variable": "$.shard_size", "NumericEquals": shard_size, "Next": target}


def fan_out(label: str, items_path: str) -> dict[str, Any]:
    return {
        "Type": "Map",
        "Label": label,
        "ItemsPath": items_path,
        "ResultPath": None,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Child",
            "States": {"Child": {"Type": "Pass", "End": True}},
        },
    }


DEFINITION = {
    "StartAt": "Pick",
    "States": {
        "Pick": {
            "Type": "Choice",
            "Choices": [
                when(ENDLESS, "Endless"),
                when(FAILING, "Failing"),
                when(CRASHING, "Crashing"),
                when(FANNED_OUT, "Items"),
            ],
        },
        "Endless": {"Type": "Wait", "Seconds": 86_400, "End": True},
        "Failing": {"Type": "Fail", "Error": "InvalidInput", "Cause": json.dumps(LAMBDA_CAUSE)},
        "Crashing": {"Type": "Fail", "Error": "Overrun", "Cause": "took too long"},
        "Items": {
            "Type": "Pass",
            "Result": {"few": [1, 2], "shards": [1, 2, 3]},
            "Next": "Before",
        },
        "Before": fan_out("Before", "$.few") | {"Next": "Shards"},
        "Shards": fan_out("ClassifyShards", "$.shards") | {"Next": "After"},
        "After": fan_out("ReduceGroups", "$.few") | {"End": True},
    },
}


@pytest.fixture
def state_machine_arn(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    step_functions = boto3.client("stepfunctions")
    arn = step_functions.create_state_machine(
        name=f"classify-{uuid.uuid4().hex}",
        definition=json.dumps(DEFINITION),
        roleArn="arn:aws:iam::123456789012:role/states",
    )["stateMachineArn"]
    monkeypatch.setenv("STATE_MACHINE_ARN", arn)
    yield arn
    for execution in step_functions.list_executions(stateMachineArn=arn)["executions"]:
        if execution["status"] == "RUNNING":
            step_functions.stop_execution(executionArn=execution["executionArn"])
    step_functions.delete_state_machine(stateMachineArn=arn)


@pytest.fixture
def jobs(state_machine_arn: str, load_handler: LoadHandler) -> ModuleType:
    return load_handler("jobs")


@pytest.fixture
def ask(jobs: ModuleType, context: Any) -> Ask:
    def call(method: str, *, job_id: str | None = None, body: bytes | None = None) -> Any:
        path = "/jobs" if job_id is None else "/jobs/{id}"
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": path.replace("{id}", job_id or ""),
            "headers": {"content-type": "application/json"},
            "requestContext": {"http": {"method": method}, "requestId": "r"},
            "isBase64Encoded": False,
        }
        if job_id is not None:
            event["pathParameters"] = {"id": job_id}
        if body is not None:
            event["body"] = body.decode()
        response = jobs.handler(event, context)
        json.dumps(response)
        return response["statusCode"], json.loads(response["body"])

    return call


def request(job_id: str = "job-1", **fields: Any) -> bytes:
    body = {
        "job_id": job_id,
        "workload": "classify",
        "input": {"images": "inputs/x/images.idx", "labels": "inputs/x/labels.idx"},
        "shard_size": ENDLESS,
    }
    return json.dumps(body | fields).encode()


def ended(ask: Ask, job_id: str = "job-1") -> Any:
    """The job's status once it is over; moto needs some milliseconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        status, answer = ask("GET", job_id=job_id)
        if status != 200 or answer["status"] != "RUNNING":
            return status, answer
    raise AssertionError(f"{job_id} is still running")


def test_jobs_starts_a_job_under_the_id_of_the_client(ask: Ask, state_machine_arn: str) -> None:
    status, answer = ask("POST", body=request())
    assert (status, answer) == (202, {"job_id": "job-1", "status": "RUNNING", "created": True})
    (execution,) = boto3.client("stepfunctions").list_executions(stateMachineArn=state_machine_arn)[
        "executions"
    ]
    assert execution["name"] == "job-1"
    described = boto3.client("stepfunctions").describe_execution(
        executionArn=execution["executionArn"]
    )
    assert json.loads(described["input"]) == json.loads(request())


def test_jobs_hands_the_state_machine_a_complete_input(ask: Ask, state_machine_arn: str) -> None:
    body = json.dumps({"job_id": "job-1", "input": {"images": "inputs/i"}}).encode()
    assert ask("POST", body=body)[0] == 202
    arn = f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:job-1"
    described = boto3.client("stepfunctions").describe_execution(executionArn=arn)
    assert json.loads(described["input"]) == {
        "job_id": "job-1",
        "workload": "classify",
        "input": {"images": "inputs/i", "labels": None},
        "shard_size": 100,
    }


def test_jobs_starts_the_same_job_once(ask: Ask, state_machine_arn: str) -> None:
    assert ask("POST", body=request())[0] == 202
    assert ask("POST", body=request()) == (
        200,
        {"job_id": "job-1", "status": "RUNNING", "created": False},
    )
    executions = boto3.client("stepfunctions").list_executions(stateMachineArn=state_machine_arn)
    assert len(executions["executions"]) == 1


def test_jobs_tells_of_a_job_that_is_over_instead_of_repeating_it(ask: Ask) -> None:
    ask("POST", body=request(shard_size=FAILING))
    ended(ask)
    status, answer = ask("POST", body=request(shard_size=FAILING))
    assert (status, answer["status"], answer["created"]) == (200, "FAILED", False)


def test_jobs_refuses_another_job_under_the_same_id(ask: Ask) -> None:
    ask("POST", body=request())
    status, answer = ask("POST", body=request(shard_size=7))
    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert answer["error"]["field"] == "job_id"


def test_jobs_notices_a_job_that_was_started_meanwhile(
    ask: Ask, jobs: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two requests at once: both find nothing, then one of them is second."""
    ask("POST", body=request(shard_size=FAILING))
    ended(ask)
    monkeypatch.setattr(jobs, "_execution", lambda _: None)
    status, answer = ask("POST", body=request(shard_size=FAILING))
    assert (status, answer["created"]) == (200, False)
    assert ask("POST", body=request(shard_size=7))[0] == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "request"),
        (b"{}", "job_id"),
        (request(job_id="a b"), "job_id"),
        (request(workload="kmers"), "workload"),
        (request(shard_size=0), "shard_size"),
        (request(shard_size="100"), "shard_size"),
        (request(input={"images": "jobs/x"}), "input.images"),
        (request(input={"images": "inputs/../x"}), "input.images"),
        (request(shards=3), "shards"),
    ],
)
def test_jobs_refuses_a_bad_request_by_name(
    ask: Ask, state_machine_arn: str, body: bytes, field: str
) -> None:
    status, answer = ask("POST", body=body)
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (
        400,
        "invalid_input",
        field,
    )
    executions = boto3.client("stepfunctions").list_executions(stateMachineArn=state_machine_arn)
    assert executions["executions"] == []


def test_jobs_status_of_a_running_job(ask: Ask) -> None:
    ask("POST", body=request())
    status, answer = ask("GET", job_id="job-1")
    started_at = datetime.fromisoformat(answer.pop("started_at"))
    assert started_at.utcoffset() is not None
    assert (status, answer) == (
        200,
        {
            "job_id": "job-1",
            "status": "RUNNING",
            "stopped_at": None,
            "shards": None,
            "error": None,
            "cause": None,
            "failures": None,
            "redrive_count": 0,
            "redrive_status": None,
            "redrive_status_reason": None,
            "report": None,
            "parts": [],
        },
    )


def test_jobs_status_of_an_unknown_job_is_not_found(ask: Ask) -> None:
    status, answer = ask("GET", job_id="nobody")
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (
        404,
        "not_found",
        "job_id",
    )


def test_jobs_status_of_an_impossible_id_is_refused(ask: Ask) -> None:
    for job_id in ("a b", "a" * 65, "..", "a:b"):
        status, answer = ask("GET", job_id=job_id)
        assert (status, answer["error"]["field"]) == (400, "job_id")


def test_jobs_status_of_a_failed_job_tells_why_without_the_stack_trace(ask: Ask) -> None:
    ask("POST", body=request(shard_size=FAILING))
    status, answer = ended(ask)
    assert (status, answer["status"], answer["error"]) == (200, "FAILED", "InvalidInput")
    assert answer["cause"] == LAMBDA_CAUSE["errorMessage"]
    assert "stackTrace" not in json.dumps(answer)
    assert datetime.fromisoformat(answer["stopped_at"]) >= datetime.fromisoformat(
        answer["started_at"]
    )


def test_jobs_status_keeps_causes_that_are_not_lambdas(ask: Ask) -> None:
    ask("POST", body=request(shard_size=CRASHING))
    _, answer = ended(ask)
    assert (answer["error"], answer["cause"]) == ("Overrun", "took too long")


def report(job_id: str) -> JobReport:
    return JobReport(
        job_id=job_id,
        images=3000,
        predicted=3000,
        missing=0,
        duplicated=0,
        shards=3,
        groups=1,
        label_counts=[300] * 10,
        confusion=None,
        correct=None,
        accuracy=None,
        model=Model(sha256="a" * 64),
        retries=0,
        cold_starts=1,
        parts=[
            Part(
                key=f"jobs/{job_id}/parts/000000.safetensors",
                sha256="b" * 64,
                summary_key=f"jobs/{job_id}/parts/000000.json",
                summary_sha256="c" * 64,
                start=0,
                stop=3000,
                count=3000,
            )
        ],
        telemetry_totals=TelemetryTotals(
            invocations=3,
            environments=1,
            duration_ms=1.0,
            init_ms=1.0,
            billed_gb_s=1.0,
            max_rss_mb=1.0,
        ),
    )


def test_jobs_status_of_a_succeeded_job_has_its_report_and_addresses(
    ask: Ask, stored: Stored
) -> None:
    for key, body in (
        ("report.json", msgspec.json.encode(report("job-1"))),
        ("parts/000000.safetensors", b"columns"),
        ("parts/000000.json", b"summary"),
    ):
        stored.s3.put_object(Bucket=stored.results, Key=f"jobs/job-1/{key}", Body=body)
    ask("POST", body=request(shard_size=FANNED_OUT))
    status, answer = ended(ask)
    assert (status, answer["status"]) == (200, "SUCCEEDED")
    assert msgspec.convert(answer["report"], JobReport) == report("job-1")
    assert answer["shards"] == {
        "total": 3,
        "pending": 0,
        "running": 0,
        "succeeded": 3,
        "failed": 0,
    }
    (part,) = answer["parts"]
    assert (part["start"], part["stop"]) == (0, 3000)
    assert (part["sha256"], part["summary_sha256"]) == ("b" * 64, "c" * 64)
    for name, content in (("url", b"columns"), ("summary_url", b"summary")):
        assert "X-Amz-Expires=3600" in part[name]
        assert requests.get(part[name], timeout=10).content == content


def test_jobs_status_says_when_the_results_are_gone(ask: Ask) -> None:
    ask("POST", body=request(shard_size=FANNED_OUT))
    status, answer = ended(ask)
    assert (status, answer["error"]["code"]) == (410, "gone")


@pytest.mark.parametrize("stored_report", [b"", b"{", b"{}", b"\xff", b'{"job_id": "job-1"}'])
def test_jobs_status_says_when_the_report_is_not_what_was_written(
    ask: Ask, stored: Stored, stored_report: bytes
) -> None:
    stored.s3.put_object(Bucket=stored.results, Key="jobs/job-1/report.json", Body=stored_report)
    ask("POST", body=request(shard_size=FANNED_OUT))
    status, answer = ended(ask)
    assert (status, answer["error"]["code"]) == (502, "results_unreadable")
    assert "job-1" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"job_id": "a", "job_id": "b", "input": {"images": "inputs/x"}}', "body.job_id"),
        (b'{"job_id": "a", "input": {"images": "inputs/x", "images": "inputs/y"}}', "body.images"),
        (b'{"job_id": "a", "input": {"images": "inputs/x"}, "shard_size": NaN}', "body"),
        (b'{"job_id": "a", "input": {"images": "inputs/x"}, "shard_size": 1e400}', "body"),
        (b'{"job_id": "a", "input": {"images": "inputs/\\ud800"}}', "body"),
        (b"[" * 100_000, "body"),
        (b'{"job_id":' * 100_000, "body"),
        (request(shard_size=10**400), "shard_size"),
        (request(shard_size=100_001), "shard_size"),
        (request(input={"images": "inputs//x"}), "input.images"),
        (request(input={"images": "inputs/x", "labels": "jobs/other/report.json"}), "input.labels"),
    ],
)
def test_jobs_refuses_json_that_means_two_things_or_none(
    ask: Ask, state_machine_arn: str, body: bytes, field: str
) -> None:
    status, answer = ask("POST", body=body)
    assert (status, answer["error"]["field"]) == (400, field)
    assert "allowed: " in answer["error"]["message"]
    executions = boto3.client("stepfunctions").list_executions(stateMachineArn=state_machine_arn)
    assert executions["executions"] == []


def test_jobs_has_no_other_routes(ask: Ask) -> None:
    assert ask("DELETE", job_id="job-1")[0] == 404


def test_jobs_answers_even_when_the_state_machine_is_gone(
    ask: Ask, jobs: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "_STATE_MACHINE_ARN", f"{jobs._STATE_MACHINE_ARN}-gone")
    status, answer = ask("POST", body=request())
    assert (status, answer["error"]["code"]) == (500, "internal_error")
    assert "request-1" in caplog.text
