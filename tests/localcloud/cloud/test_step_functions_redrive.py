"""Redrives, each fact as AWS documents it.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html (EXECUTIONS)
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html (MAP RUNS)
https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html (API)
"""

from __future__ import annotations

import datetime
import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.functions.errors import TooManyRequestsError
from localcloud.step_functions import executions, map_state, redrive, worker


def call(function: str, **fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        **(fields or {"End": True}),
    }


def chain(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def mapped(child: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return {
        "Type": "Map",
        "Label": "Shards",
        "ItemProcessor": {"ProcessorConfig": config, **(child or chain(Run=call("run")))},
        "End": True,
        **fields,
    }


class Flaky:
    """A handler that refuses what `broken` names, and remembers what it was asked."""

    def __init__(self, *broken: Any) -> None:
        self.broken = set(broken)
        self.asked: list[Any] = []

    def __call__(self, event: Any) -> Any:
        self.asked.append(event)
        if event in self.broken:
            raise TooManyRequestsError("any")
        return event

    def repair(self) -> None:
        self.broken.clear()
        self.asked.clear()


def redriven(state_machines: Any, execution: str) -> dict[str, Any]:
    state_machines.client.redrive_execution(executionArn=execution)
    return state_machines.end_of(execution)


def history(state_machines: Any, execution: str) -> list[dict[str, Any]]:
    pages = state_machines.client.get_paginator("get_execution_history")
    return [event for page in pages.paginate(executionArn=execution) for event in page["events"]]


def refusal(call: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_redrive_goes_on_from_the_failed_state_with_its_input(state_machines, handlers):
    """EXECUTIONS: continues from the unsuccessful step, uses the same input."""
    first, second = Flaky(), Flaky(8)
    handlers.update(first=lambda event: first(event) + 1, second=second)
    execution = state_machines.start(
        chain(First=call("first", Next="Second"), Second=call("second")), 7
    )
    failed = state_machines.end_of(execution)
    assert (failed["status"], failed["redriveStatus"], failed["redriveCount"]) == (
        "FAILED",
        "REDRIVABLE",
        0,
    )
    second.repair()
    ended = redriven(state_machines, execution)
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", "8")
    assert (first.asked, second.asked) == ([7], [8])
    assert ended["redriveCount"] == 1
    assert ended["redriveDate"] > failed["startDate"]
    assert ended["startDate"] == failed["startDate"]
    assert "error" not in ended


def test_redrive_appends_to_the_history_and_enters_no_state_twice(state_machines, handlers):
    """EXECUTIONS: appended to the existing history; a state that was entered has no exit yet."""
    handlers["run"] = flaky = Flaky(1)
    execution = state_machines.start(chain(Run=call("run")), 1)
    state_machines.end_of(execution)
    before = history(state_machines, execution)
    flaky.repair()
    redriven(state_machines, execution)
    events = history(state_machines, execution)
    assert events[: len(before)] == before
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    added = events[len(before) :]
    assert added[0]["type"] == "ExecutionRedriven"
    assert added[0]["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert [event["type"] for event in added[1:]] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


def test_redrive_gives_a_task_all_of_its_retries_again(state_machines, handlers):
    """EXECUTIONS: the retry attempt count of a redriven state is reset to 0."""
    handlers["run"] = flaky = Flaky(1)
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    execution = state_machines.start(chain(Run=call("run", Retry=retry, End=True)), 1)
    state_machines.end_of(execution)
    assert len(flaky.asked) == 2
    redriven(state_machines, execution)
    assert len(flaky.asked) == 4


def test_redrive_uses_the_definition_of_the_start(state_machines, handlers):
    """EXECUTIONS: the same state machine definition as the original attempt."""
    handlers["run"] = flaky = Flaky(1)
    execution = state_machines.start(chain(Run=call("run")), 1)
    machine = state_machines.end_of(execution)["stateMachineArn"]
    changed = chain(Run={"Type": "Pass", "Result": "changed", "End": True})
    state_machines.client.update_state_machine(
        stateMachineArn=machine, definition=json.dumps(changed)
    )
    flaky.repair()
    assert redriven(state_machines, execution)["output"] == "1"


def test_redriven_timed_out_execution_has_its_whole_time_again(state_machines, handlers):
    """EXECUTIONS: the state machine's own timeout is reset to 0."""
    release = threading.Event()

    def run(event: Any) -> Any:
        release.wait(10)
        return event

    handlers["run"] = run
    execution = state_machines.start({**chain(Run=call("run")), "TimeoutSeconds": 1}, 1)
    assert state_machines.end_of(execution)["status"] == "TIMED_OUT"
    release.set()
    assert redriven(state_machines, execution)["status"] == "SUCCEEDED"


def test_redrive_of_an_aborted_execution_hears_nothing_of_the_task_that_hung(
    state_machines, handlers
):
    """API: aborted executions are redriven; the former attempt's late answer is nobody's."""
    gates = {"late": threading.Event(), "second": threading.Event()}
    called = threading.Semaphore(0)
    answers = iter(gates)

    def run(event: Any) -> Any:
        answer = next(answers)
        called.release()
        gates[answer].wait(10)
        return answer

    handlers["run"] = run
    execution = state_machines.start(chain(Run=call("run")), 1)
    assert called.acquire(timeout=10)
    (late,) = [
        thread
        for thread, attempt in worker.live_attempts.items()
        if attempt.execution.exec_arn == execution
    ]
    state_machines.client.stop_execution(executionArn=execution)
    state_machines.client.redrive_execution(executionArn=execution)
    assert called.acquire(timeout=10)
    gates["late"].set()
    late.join(10)
    status = state_machines.client.describe_execution(executionArn=execution)["status"]
    gates["second"].set()
    assert status == "RUNNING"
    ended = state_machines.end_of(execution)
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", '"second"')
    types = [event["type"] for event in history(state_machines, execution)]
    assert types[-5:] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert types.count("TaskSucceeded") == types.count("ExecutionAborted") == 1


def test_redrive_keeps_variables(state_machines, handlers, cloud):
    """EXECUTIONS: results of the successful steps are preserved."""
    handlers["run"] = flaky = Flaky(1)
    assign = {"Type": "Pass", "Assign": {"kept": "yes"}, "Next": "Run"}
    execution = state_machines.start(chain(Assign=assign, Run=call("run")), 1)
    state_machines.end_of(execution)
    flaky.repair()
    assert redriven(state_machines, execution)["status"] == "SUCCEEDED"
    variables = record_of(cloud, execution).exec_worker.env.variable_store
    assert variables.get("kept") == "yes"


def test_redrive_of_a_parallel_state_reruns_only_its_failed_branches(state_machines, handlers):
    """EXECUTIONS, Parallel: reschedules and redrives the branches that failed or aborted."""
    left, right = Flaky(), Flaky(1)
    left_ended = threading.Event()

    def after_left(event: Any) -> Any:
        assert left_ended.wait(10)
        return right(event)

    handlers.update(left=left, right=after_left)
    done = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    handlers["done"] = lambda event: left_ended.set()
    branches = [
        chain(Left=call("left", End=True)),
        chain(Right=call("right", End=True)),
        chain(Done={**done, "Parameters": {"FunctionName": "done"}, "ResultPath": None}),
    ]
    state = {"Type": "Parallel", "Branches": branches, "End": True}
    execution = state_machines.start(chain(Both=state), 1)
    assert state_machines.end_of(execution)["status"] == "FAILED"
    right.repair()
    ended = redriven(state_machines, execution)
    assert json.loads(ended["output"]) == [1, 1, 1]
    assert (left.asked, right.asked) == ([1], [1])


def test_retry_within_a_redrive_starts_all_branches_afresh(state_machines, handlers):
    """EXECUTIONS: a redriven Parallel state has its retries again: each is the whole state."""
    left, right = Flaky(), Flaky(1)
    left_ended = threading.Event()

    def after_left(event: Any) -> Any:
        assert left_ended.wait(10)
        return right(event)

    def tell(event: Any) -> Any:
        answer = left(event)
        left_ended.set()
        return answer

    handlers.update(left=tell, right=after_left)
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    wait = {"Type": "Wait", "Seconds": 1, "Next": "Right"}
    branches = [chain(Left=call("left")), chain(Wait=wait, Right=call("right"))]
    state = {"Type": "Parallel", "Branches": branches, "Retry": retry, "End": True}
    execution = state_machines.start(chain(Both=state), 1)
    state_machines.end_of(execution)
    left.asked.clear()
    redriven(state_machines, execution)
    assert left.asked == [1]


def test_redrive_of_an_inline_map_reruns_only_its_failed_iterations(state_machines, handlers):
    """EXECUTIONS, Inline Map: redrives the iterations that failed or aborted."""
    handlers["run"] = flaky = Flaky(3)
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, **chain(Run=call("run"))}
    state = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": processor, "End": True}
    execution = state_machines.start(chain(Each=state), [1, 2, 3, 4])
    assert state_machines.end_of(execution)["status"] == "FAILED"
    flaky.repair()
    ended = redriven(state_machines, execution)
    assert json.loads(ended["output"]) == [1, 2, 3, 4]
    assert flaky.asked == [3, 4]


def test_fail_state_is_entered_again_and_fails_again(state_machines):
    """EXECUTIONS, Fail: reenters the Fail state and fails again."""
    execution = state_machines.start(chain(Stop={"Type": "Fail", "Error": "No", "Cause": "way"}))
    state_machines.end_of(execution)
    ended = redriven(state_machines, execution)
    assert (ended["status"], ended["error"], ended["redriveCount"]) == ("FAILED", "No", 1)


def test_redriven_map_run_runs_the_unsuccessful_and_the_unstarted_and_nothing_else(
    state_machines, handlers
):
    """MAP RUNS: successful children keep their results; the Map Run's ARN stays."""
    handlers["run"] = flaky = Flaky(3)
    execution = state_machines.start(chain(Map=mapped(MaxConcurrency=1)), [1, 2, 3, 4])
    state_machines.end_of(execution)
    run_before = state_machines.map_run(execution)
    before = {child["input"]: child for child in state_machines.children(execution)}
    assert run_before["itemCounts"]["pending"] == 1
    assert before["3"]["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    assert before["1"]["redriveStatus"] == "NOT_REDRIVABLE"
    assert before["1"]["redriveStatusReason"] == redrive.SUCCEEDED
    flaky.repair()
    ended = redriven(state_machines, execution)
    assert json.loads(ended["output"]) == [1, 2, 3, 4]
    assert flaky.asked == [3, 4]
    run = state_machines.map_run(execution)
    assert (run["mapRunArn"], run["status"], run["redriveCount"]) == (
        run_before["mapRunArn"],
        "SUCCEEDED",
        1,
    )
    assert {name: count for name, count in run["itemCounts"].items() if count} == {
        "succeeded": 4,
        "total": 4,
    }
    after = {child["input"]: child for child in state_machines.children(execution)}
    assert after["3"]["executionArn"] == before["3"]["executionArn"]
    assert [after[number]["redriveCount"] for number in "1234"] == [0, 0, 1, 0]
    types = [event["type"] for event in history(state_machines, execution)]
    assert types.count("MapRunStarted") == types.count("MapRunRedriven") == 1


def test_redriven_standard_child_goes_on_from_its_own_failed_state(state_machines, handlers):
    """MAP RUNS: from the last state in ItemProcessor that was unsuccessful."""
    first, second = Flaky(), Flaky(2)
    handlers.update(first=first, second=second)
    child = chain(First=call("first", Next="Second"), Second=call("second"))
    execution = state_machines.start(chain(Map=mapped(child, MaxConcurrency=1)), [1, 2])
    state_machines.end_of(execution)
    second.repair()
    redriven(state_machines, execution)
    assert (first.asked, second.asked) == ([1, 2], [2])
    (again,) = state_machines.children(execution, redriveFilter="REDRIVEN")
    assert again["input"] == "2"
    types = [event["type"] for event in history(state_machines, again["executionArn"])]
    assert types.count("ExecutionStarted") == types.count("ExecutionRedriven") == 1
    assert types.count("TaskStateEntered") == 2
    assert len(state_machines.children(execution, redriveFilter="NOT_REDRIVEN")) == 1


def test_children_that_wait_for_their_redrive_are_pending_redrive(state_machines, handlers):
    """MAP RUNS and API_DescribeMapRun: pendingRedrive counts those that wait to be redriven."""
    flaky, hold, runs = Flaky(1, 2), threading.Event(), threading.Event()

    def run(event: Any) -> Any:
        if flaky.broken:
            return flaky(event)
        runs.set()
        hold.wait(10)
        return event

    handlers["run"] = run
    tolerant = mapped(MaxConcurrency=1, ToleratedFailureCount=1)
    execution = state_machines.start(chain(Map=tolerant), [1, 2])
    state_machines.end_of(execution)
    flaky.repair()
    state_machines.client.redrive_execution(executionArn=execution)
    assert runs.wait(10)
    counts = state_machines.map_run(execution)["executionCounts"]
    (waiting,) = state_machines.children(execution, statusFilter="PENDING_REDRIVE")
    hold.set()
    assert (counts["running"], counts["pendingRedrive"], counts["failed"]) == (1, 1, 0)
    assert (waiting["status"], waiting["input"]) == ("PENDING_REDRIVE", "2")
    assert state_machines.end_of(execution)["status"] == "SUCCEEDED"


def test_children_whose_redrive_did_not_come_are_what_they_were(state_machines, handlers):
    """API_DescribeMapRun: pendingRedrive waits to be redriven, and a failed map redrives none."""
    called = threading.Semaphore(0)
    release = {1: threading.Event(), 2: threading.Event()}

    def run(event: Any) -> Any:
        called.release()
        release[event].wait(10)
        raise TooManyRequestsError("any")

    handlers["run"] = run
    client = state_machines.client
    execution = state_machines.start(chain(Map=mapped(MaxConcurrency=2)), [1, 2])
    assert called.acquire(timeout=10)
    assert called.acquire(timeout=10)
    arn = state_machines.map_run(execution)["mapRunArn"]
    client.update_map_run(mapRunArn=arn, maxConcurrency=1)
    release[1].set()
    state_machines.end_of(execution)
    assert redriven(state_machines, execution)["status"] == "FAILED"
    release[2].set()
    children = {child["input"]: child for child in state_machines.children(execution)}
    assert [children[given]["status"] for given in "12"] == ["FAILED", "ABORTED"]
    assert [children[given]["redriveCount"] for given in "12"] == [1, 0]
    counts = state_machines.map_run(execution)["executionCounts"]
    assert (counts["failed"], counts["aborted"], counts["pendingRedrive"]) == (1, 1, 0)


def test_map_whose_items_could_not_be_read_starts_its_first_map_run(
    state_machines, handlers, cloud, bucket
):
    """MAP RUNS: a Map Run that was not started is started for the first time."""
    handlers["run"] = Flaky()
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": bucket, "Key": "late.json"},
    }
    execution = state_machines.start(chain(Map=mapped(ItemReader=reader)))
    assert state_machines.end_of(execution)["error"] == "States.ItemReaderFailed"
    cloud.context.client("s3").put_object(Bucket=bucket, Key="late.json", Body="[5]")
    assert redriven(state_machines, execution)["output"] == "[5]"


def test_map_beyond_the_data_limit_is_rerun_with_its_successful_children(state_machines, handlers):
    """EXECUTIONS, Distributed Map: after States.DataLimitExceeded all of it is rerun."""
    size = 1_000
    asked: list[Any] = []

    def run(event: Any) -> Any:
        asked.append(event)
        return "x" * size

    handlers["run"] = run
    execution = state_machines.start(chain(Map=mapped()), list(range(300)))
    assert state_machines.end_of(execution)["error"] == "States.DataLimitExceeded"
    size = 1
    assert redriven(state_machines, execution)["status"] == "SUCCEEDED"
    assert len(asked) == 600


def test_a_map_run_is_redriven_1000_times_at_most(state_machines, handlers, monkeypatch):
    """MAP RUNS: beyond the limit, States.Runtime."""
    monkeypatch.setattr(map_state, "MAX_REDRIVES", 1)
    handlers["run"] = Flaky(1)
    execution = state_machines.start(chain(Map=mapped()), [1])
    state_machines.end_of(execution)
    assert redriven(state_machines, execution)["error"] == "States.ExceedToleratedFailureThreshold"
    assert redriven(state_machines, execution)["error"] == "States.Runtime"


def test_what_cannot_be_redriven_is_refused_with_awss_reason(state_machines, handlers):
    """API: ExecutionNotRedrivable; the reasons are DescribeExecution's."""
    hold = threading.Event()
    handlers["run"] = lambda event: hold.wait(10)
    client = state_machines.client
    running = state_machines.start(chain(Run=call("run")))
    code, message = refusal(lambda: client.redrive_execution(executionArn=running))
    hold.set()
    assert (code, message) == ("ExecutionNotRedrivable", redrive.RUNNING)
    assert state_machines.end_of(running)["status"] == "SUCCEEDED"
    code, message = refusal(lambda: client.redrive_execution(executionArn=running))
    assert (code, message) == ("ExecutionNotRedrivable", redrive.SUCCEEDED)
    gone = f"{running}-gone"
    code, _ = refusal(lambda: client.redrive_execution(executionArn=gone))
    assert code == "ExecutionDoesNotExist"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"stop_date": datetime.timedelta(days=15)}, redrive.PERIOD_EXCEEDED),
        ({"stop_date": datetime.timedelta(days=13)}, None),
        ({"start_date": datetime.timedelta(days=366)}, redrive.OPEN_TOO_LONG),
    ],
)
def test_redrive_has_awss_periods(state_machines, cloud, fields, reason):
    """API: 14 days since the end, one year since the start."""
    execution = state_machines.start(chain(Stop={"Type": "Fail", "Error": "No"}))
    state_machines.end_of(execution)
    record = record_of(cloud, execution)
    for name, ago in fields.items():
        setattr(record, name, redrive.now() - ago)
    described = state_machines.client.describe_execution(executionArn=execution)
    assert described.get("redriveStatusReason") == reason


def test_redrive_needs_room_in_the_history(state_machines, cloud):
    """API: fewer than 24,999 events."""
    execution = state_machines.start(chain(Stop={"Type": "Fail", "Error": "No"}))
    state_machines.end_of(execution)
    events = record_of(cloud, execution).exec_worker.history.events()
    events.extend(events[:1] * (24_998 - len(events)))
    client = state_machines.client
    assert client.describe_execution(executionArn=execution)["redriveStatus"] == "REDRIVABLE"
    events.append(events[0])
    described = client.describe_execution(executionArn=execution)
    assert described["redriveStatusReason"] == redrive.TOO_MANY_EVENTS


def test_a_repeated_client_token_redrives_once(state_machines):
    """API: the last 10 client tokens are answered as before."""
    execution = state_machines.start(chain(Stop={"Type": "Fail", "Error": "No"}))
    client = state_machines.client
    dates = []
    for token in ("first", "first", "second"):
        state_machines.end_of(execution)
        answer = client.redrive_execution(executionArn=execution, clientToken=token)
        dates.append(answer["redriveDate"])
    assert state_machines.end_of(execution)["redriveCount"] == 2
    assert dates[0] == dates[1] != dates[2]


def test_redrive_beyond_the_open_executions_of_an_account_is_refused(state_machines, monkeypatch):
    """API: ExecutionLimitExceeded."""
    monkeypatch.setattr(executions, "MAX_OPEN_EXECUTIONS", 0)
    execution = state_machines.start(chain(Stop={"Type": "Fail", "Error": "No"}))
    state_machines.end_of(execution)
    code, _ = refusal(lambda: state_machines.client.redrive_execution(executionArn=execution))
    assert code == "ExecutionLimitExceeded"


def test_a_child_is_redriven_by_its_parent_alone(state_machines, handlers):
    """MAP RUNS: redrive the parent workflow."""
    handlers["run"] = Flaky(1)
    execution = state_machines.start(chain(Map=mapped()), [1])
    state_machines.end_of(execution)
    child = state_machines.failed_child(execution)["executionArn"]
    code, _ = refusal(lambda: state_machines.client.redrive_execution(executionArn=child))
    assert code == "ExecutionNotRedrivable"


@pytest.mark.parametrize(
    "filters", [{"redriveFilter": "REDRIVEN"}, {"statusFilter": "PENDING_REDRIVE"}]
)
def test_filters_of_map_runs_are_refused_for_state_machines(state_machines, filters):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html"""
    execution = state_machines.start(chain(Stop={"Type": "Fail", "Error": "No"}))
    machine = state_machines.end_of(execution)["stateMachineArn"]
    code, _ = refusal(
        lambda: state_machines.client.list_executions(stateMachineArn=machine, **filters)
    )
    assert code == "ValidationException"


def record_of(cloud: Any, execution: str) -> Any:
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    context = cloud.context
    backend: Any = stepfunctions_parser_backends[context.account][context.region]
    return backend.describe_execution(execution)
