from __future__ import annotations

import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.state.state_pass.state_pass import StatePass
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import Seconds

from localcloud.functions.errors import TooManyRequestsError
from localcloud.step_functions import await_executions, stop_executions
from localcloud.step_functions.worker import Attempt, live_attempts, live_lock

ROLE = "arn:aws:iam::123456789012:role/any"
PASS = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}


def wait(seconds: int) -> dict[str, Any]:
    state = {"Type": "Wait", "Seconds": seconds, "Next": "Pass"}
    return {"StartAt": "Wait", "States": {"Wait": state, **PASS["States"]}}


def machine(state_machines: Any, definition: dict[str, Any] = PASS, **fields: Any) -> str:
    created = state_machines.client.create_state_machine(
        name=f"machine-{uuid.uuid4().hex[:8]}",
        definition=json.dumps(definition),
        roleArn=ROLE,
        **fields,
    )
    return created["stateMachineArn"]


def test_unnamed_executions_have_names_of_their_own(state_machines):
    arn = machine(state_machines)
    started = {
        state_machines.client.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(3)
    }
    assert len(started) == 3


def test_equal_requests_at_once_start_one_execution(state_machines, handlers):
    hold = threading.Event()
    handlers["plan"] = lambda event: hold.wait(10)
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    task["Parameters"] = {"FunctionName": "plan"}
    arn = machine(state_machines, {"StartAt": "Plan", "States": {"Plan": task}})

    def start(_: int) -> str:
        return state_machines.client.start_execution(
            stateMachineArn=arn, name="job-1", input='{"a": 1}'
        )["executionArn"]

    with ThreadPoolExecutor(8) as pool:
        arns = set(pool.map(start, range(8)))
    listed = state_machines.client.list_executions(stateMachineArn=arn)["executions"]
    hold.set()
    assert len(arns) == len(listed) == 1
    with pytest.raises(ClientError) as refused:
        state_machines.client.start_execution(stateMachineArn=arn, name="job-1", input='{"a": 2}')
    assert refused.value.response["Error"]["Code"] == "ExecutionAlreadyExists"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (
            lambda client, arn: client.start_execution(stateMachineArn=arn, input="{"),
            "InvalidExecutionInput",
        ),
        (
            lambda client, arn: client.start_execution(stateMachineArn=arn, name="a b"),
            "InvalidName",
        ),
        (lambda client, arn: client.describe_map_run(mapRunArn=f"{arn}/x:y"), "ResourceNotFound"),
        (
            lambda client, arn: client.create_state_machine(
                name="bad", definition='{"StartAt": "A"}', roleArn=ROLE
            ),
            "InvalidDefinition",
        ),
    ],
)
def test_bad_requests_are_refused_under_awss_names(state_machines, call, code):
    with pytest.raises(ClientError) as refused:
        call(state_machines.client, machine(state_machines))
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("value", ["text", None, 0, [1], {"a": None}])
def test_output_is_json_whatever_its_type(state_machines, value):
    ended = state_machines.run(PASS, value)
    given = {} if value is None else value
    assert json.loads(ended["output"]) == given


def test_null_output_is_told(state_machines):
    definition = {
        "StartAt": "Pass",
        "States": {"Pass": {"Type": "Pass", "OutputPath": "$.none", "End": True}},
    }
    assert state_machines.run(definition, {"none": None})["output"] == "null"


def test_timeout_of_a_machine_ends_it_timed_out_with_a_stop_date(state_machines):
    ended = state_machines.run({**wait(30), "TimeoutSeconds": 1})
    assert (ended["status"], ended["error"]) == ("TIMED_OUT", "States.Timeout")
    assert ended["stopDate"] >= ended["startDate"]


def test_stop_keeps_the_callers_error_and_cause(state_machines):
    execution = state_machines.start(wait(30))
    state_machines.client.stop_execution(executionArn=execution, error="Enough", cause="tired")
    ended = state_machines.client.describe_execution(executionArn=execution)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Enough", "tired")


def test_stop_right_before_a_wait_is_not_slept_through(state_machines, monkeypatch):
    """moto clears the event that tells of a stop at once: a wait begun later hears nothing."""
    stopped = threading.Event()

    def stop_first(_: Seconds, env: Any) -> int:
        arn = env.states.context_object.context_object_data["Execution"]["Id"]
        state_machines.client.stop_execution(executionArn=arn)
        stopped.set()
        return 60

    monkeypatch.setattr(Seconds, "_get_wait_seconds", stop_first)
    execution = state_machines.start(wait(60))
    assert stopped.wait(10)
    with live_lock:
        threads = [
            thread
            for thread, attempt in live_attempts.items()
            if attempt.execution.exec_arn == execution
        ]
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_failed_branch_stops_the_others_though_the_failure_is_caught(state_machines, handlers):
    """https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html: all are stopped."""
    begun, hold, caught, end = (threading.Event() for _ in range(4))
    went_on: list[Any] = []

    def first(event: Any) -> None:
        begun.set()
        hold.wait(10)

    def fail(event: Any) -> None:
        assert begun.wait(10)
        raise TooManyRequestsError("any")

    def after(event: Any) -> None:
        caught.set()
        end.wait(10)

    handlers.update(first=first, fail=fail, after=after, second=went_on.append)

    def call(function: str, **fields: Any) -> dict[str, Any]:
        task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
        return {**task, "Parameters": {"FunctionName": function}, **(fields or {"End": True})}

    branches = [
        {"StartAt": "Fail", "States": {"Fail": call("fail")}},
        {"StartAt": "1", "States": {"1": call("first", Next="2"), "2": call("second")}},
    ]
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "After"}]
    both = {"Type": "Parallel", "Branches": branches, "Catch": catch, "End": True}
    execution = state_machines.start(
        {"StartAt": "Both", "States": {"Both": both, "After": call("after")}}
    )
    assert caught.wait(10)
    hold.set()
    for thread in threading.enumerate():
        if thread.name == "branch":
            thread.join(10)
    end.set()
    assert state_machines.end_of(execution)["status"] == "SUCCEEDED"
    assert went_on == []


def test_stop_of_an_ended_execution_changes_nothing(state_machines):
    execution = state_machines.start(PASS)
    ended = state_machines.end_of(execution)
    state_machines.client.stop_execution(executionArn=execution)
    assert state_machines.client.describe_execution(executionArn=execution)["status"] == "SUCCEEDED"
    assert ended["status"] == "SUCCEEDED"


@pytest.mark.parametrize("error", [RuntimeError("broken"), RecursionError("too deep")])
def test_error_inside_the_interpreter_ends_the_execution_failed(state_machines, monkeypatch, error):
    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setattr(StatePass, "_eval_state", broken)
    ended = state_machines.run(PASS)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert str(error) in ended["cause"]


def test_error_before_the_first_state_ends_the_execution_failed(state_machines, monkeypatch):
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Attempt, "_record_start", broken)
    ended = state_machines.run(PASS)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")


def test_inline_map_of_2000_items_ends_though_stock_recurses_once_per_item(state_machines):
    state = {
        "Type": "Map",
        "MaxConcurrency": 1,
        "ItemProcessor": PASS,
        "ResultPath": None,
        "End": True,
    }
    ended = state_machines.run({"StartAt": "Map", "States": {"Map": state}}, list(range(2000)))
    assert ended["status"] == "SUCCEEDED"


def test_wait_of_a_retry_ends_with_the_execution(state_machines, handlers):
    failed = threading.Event()

    def plan(event: Any) -> Any:
        failed.set()
        raise TooManyRequestsError("any")

    handlers["plan"] = plan
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "plan"},
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 600}],
        "End": True,
    }
    state_machines.start({"StartAt": "Plan", "States": {"Plan": task}})
    assert failed.wait(10)
    began = time.monotonic()
    stop_executions()
    await_executions(timeout_s=20)
    assert time.monotonic() - began < 10


def test_stopped_execution_ends_without_a_word_in_the_log(state_machines, handlers, caplog):
    runs, release = threading.Event(), threading.Event()

    def plan(event: Any) -> Any:
        runs.set()
        return release.wait(10)

    handlers["plan"] = plan
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    task["Parameters"] = {"FunctionName": "plan"}
    execution = state_machines.start({"StartAt": "Plan", "States": {"Plan": task}})
    assert runs.wait(10)
    state_machines.client.stop_execution(executionArn=execution)
    release.set()
    await_executions()
    assert caplog.text == ""
    history = state_machines.client.get_execution_history(executionArn=execution)["events"]
    assert history[-1]["type"] == "ExecutionAborted"


def test_children_of_a_map_run_are_listed_and_described(state_machines, handlers):
    from localcloud.functions.errors import ResourceNotFoundError

    def classify(event: Any) -> Any:
        if event == 2:
            raise ResourceNotFoundError("no classify")
        return {"shard": event}

    handlers["classify"] = classify
    child = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "classify", "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
    }
    state = {
        "Type": "Map",
        "Label": "Shards",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Run",
            "States": {"Run": child},
        },
        "ToleratedFailurePercentage": 50,
        "End": True,
    }
    client = state_machines.client
    execution = state_machines.start({"StartAt": "Map", "States": {"Map": state}}, [1, 2, 3])
    state_machines.end_of(execution)
    run = state_machines.map_run(execution)["mapRunArn"]
    failed = client.list_executions(mapRunArn=run, statusFilter="FAILED")["executions"]
    assert [child["mapRunArn"] for child in failed] == [run]
    told = client.describe_execution(executionArn=failed[0]["executionArn"])
    assert (told["status"], told["error"]) == ("FAILED", "Lambda.ResourceNotFoundException")
    assert "no classify" in told["cause"]
    assert told["input"] == "2"
    paged = client.get_paginator("list_executions").paginate(
        mapRunArn=run, statusFilter="SUCCEEDED", PaginationConfig={"PageSize": 1}
    )
    outputs = [
        client.describe_execution(executionArn=child["executionArn"])["output"]
        for page in paged
        for child in page["executions"]
    ]
    assert sorted(outputs) == ['{"shard":1}', '{"shard":3}']


def test_history_goes_to_the_log_group_of_the_logging_configuration(state_machines, cloud):
    logs = cloud.context.client("logs")
    logs.create_log_group(logGroupName="history")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="history")["logGroups"]
    destination = {"cloudWatchLogsLogGroup": {"logGroupArn": group["arn"]}}
    arn = machine(
        state_machines,
        loggingConfiguration={
            "level": "ALL",
            "includeExecutionData": False,
            "destinations": [destination],
        },
    )
    execution = state_machines.client.start_execution(stateMachineArn=arn)["executionArn"]
    state_machines.end_of(execution)
    events = logs.filter_log_events(logGroupName="history")["events"]
    lines = [json.loads(event["message"]) for event in events]
    assert [line["type"] for line in lines] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert {line["execution_arn"] for line in lines} == {execution}
    assert "input" not in lines[0]["details"]
