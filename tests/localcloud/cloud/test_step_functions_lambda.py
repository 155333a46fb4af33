from __future__ import annotations

import json
from typing import Any

import pytest
from moto.sts.models import sts_backends

from localcloud.functions.errors import (
    RequestTooLargeError,
    ResourceNotFoundError,
    TooManyRequestsError,
)
from localcloud.iam.decisions import Decision

INVOKE = "arn:aws:states:::lambda:invoke"
ROLE = "arn:aws:iam::123456789012:role/any"
PLAIN = "arn:aws:lambda:us-east-1:123456789012:function:plan:live"


def task(resource: str, **fields: Any) -> dict[str, Any]:
    """A state machine of one task that calls the function `plan`, either way."""
    state = {"Type": "Task", "Resource": resource, "End": True, **fields}
    if resource == INVOKE:
        state["Parameters"] = {"FunctionName": "plan", "Payload.$": "$"}
        state.setdefault("OutputPath", "$.Payload")
    return {"StartAt": "Plan", "States": {"Plan": state}}


@pytest.mark.parametrize("resource", [INVOKE, PLAIN])
def test_task_passes_the_functions_answer_on(state_machines, handlers, resource):
    handlers["plan"] = lambda event: {"got": event}
    ended = state_machines.run(task(resource), {"a": 1})
    assert json.loads(ended["output"]) == {"got": {"a": 1}}


def test_invoke_task_answers_as_lambdas_api(state_machines, handlers):
    handlers["plan"] = lambda event: 7
    ended = state_machines.run(task(INVOKE, OutputPath="$"), {})
    output = json.loads(ended["output"])
    assert {name: output[name] for name in ("ExecutedVersion", "Payload", "StatusCode")} == {
        "ExecutedVersion": "1",
        "Payload": 7,
        "StatusCode": 200,
    }


def test_invoke_task_hands_over_name_and_qualifier(state_machines, handlers, cloud):
    handlers["plan"] = lambda event: event
    definition = task(INVOKE)
    definition["States"]["Plan"]["Parameters"] = {"FunctionName": "plan", "Qualifier": "live"}
    state_machines.run(definition, {})
    functions: Any = cloud.functions
    assert functions.invocations == [("plan", "live", {})]


@pytest.mark.parametrize("resource", [INVOKE, PLAIN])
@pytest.mark.parametrize(
    ("payload", "error", "in_cause"),
    [
        ({"errorType": "InvalidInput", "errorMessage": "x"}, "InvalidInput", '"errorMessage":"x"'),
        ({"errorType": "Sandbox.Timedout", "errorMessage": "slow"}, "Sandbox.Timedout", "slow"),
        ({"errorType": "States.Odd", "errorMessage": "x"}, "States.Odd", "x"),
        ({"errorMessage": "exited"}, "Lambda.Unknown", "did not return an error type"),
    ],
)
def test_functions_error_type_is_the_error_and_its_payload_the_cause(
    state_machines, handlers, function_error, resource, payload, error, in_cause
):
    def plan(event: Any) -> Any:
        raise function_error(payload)

    handlers["plan"] = plan
    ended = state_machines.run(task(resource), {})
    assert (ended["status"], ended["error"]) == ("FAILED", error)
    assert in_cause in ended["cause"]
    if error != "Lambda.Unknown":
        assert json.loads(ended["cause"]) == payload


@pytest.mark.parametrize("resource", [INVOKE, PLAIN])
@pytest.mark.parametrize(
    ("refusal", "error", "status"),
    [
        (TooManyRequestsError("any"), "Lambda.TooManyRequestsException", 429),
        (ResourceNotFoundError("gone"), "Lambda.ResourceNotFoundException", 404),
        (RequestTooLargeError("big"), "Lambda.RequestTooLargeException", 413),
    ],
)
def test_lambdas_refusal_is_named_after_its_code(
    state_machines, handlers, resource, refusal, error, status
):
    def plan(event: Any) -> Any:
        raise refusal

    handlers["plan"] = plan
    ended = state_machines.run(task(resource), {})
    assert (ended["status"], ended["error"]) == ("FAILED", error)
    assert f"(Service: Lambda, Status Code: {status})" in ended["cause"]


@pytest.mark.parametrize(
    ("errors", "attempts"),
    [
        (["Lambda.TooManyRequestsException"], 2),
        (["States.TaskFailed"], 2),
        (["States.ALL"], 2),
        (["Lambda.ServiceException"], 1),
    ],
)
def test_retry_matches_the_name_awss_wildcards_and_nothing_else(
    state_machines, handlers, cloud, errors, attempts
):
    def plan(event: Any) -> Any:
        raise TooManyRequestsError("any")

    handlers["plan"] = plan
    retry = {
        "ErrorEquals": errors,
        "IntervalSeconds": 1,
        "MaxAttempts": 1,
        "MaxDelaySeconds": 1,
        "JitterStrategy": "FULL",
    }
    ended = state_machines.run(task(PLAIN, Retry=[retry]), {})
    assert ended["error"] == "Lambda.TooManyRequestsException"
    functions: Any = cloud.functions
    assert len(functions.invocations) == attempts


def test_error_of_this_cloud_is_not_blamed_on_lambda(state_machines, handlers):
    def plan(event: Any) -> Any:
        raise KeyError("a bug of the cloud")

    handlers["plan"] = plan
    ended = state_machines.run(task(INVOKE), {})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert "a bug of the cloud" in ended["cause"]


def test_task_timeout_fails_it_while_the_function_runs_on(state_machines, handlers):
    import threading

    release = threading.Event()
    handlers["plan"] = lambda event: release.wait(30)
    ended = state_machines.run(task(INVOKE, TimeoutSeconds=1), {})
    release.set()
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")


def test_service_calls_go_to_this_cloud_with_one_client_each(state_machines, cloud, bucket):
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets",
        "ResultSelector": {"names.$": "$.Buckets[*].Name"},
        "End": True,
    }
    for _ in range(2):
        ended = state_machines.run({"StartAt": "List", "States": {"List": state}}, {})
        assert bucket in json.loads(ended["output"])["names"]
    sessions = sts_backends[cloud.context.account]["aws"].assumed_roles
    assert [session.session_name for session in sessions].count("states") == 1
    assert Decision(ROLE, "s3:ListAllMyBuckets", "*", allowed=True) in cloud.gate.decisions()
