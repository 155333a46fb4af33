"""Map runs and their children while they run and afterwards, each fact as AWS documents it.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html (MAP)
https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html (EXPRESS)
https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateMapRun.html (UPDATE)
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html (LIST)
"""

from __future__ import annotations

import json
import threading
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.functions.errors import TooManyRequestsError
from localcloud.step_functions import map_run

INVOKE = "arn:aws:states:::lambda:invoke"


def task(**fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": "run", "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
        **fields,
    }


def mapped(
    child: dict[str, Any] | None = None, execution_type: str = "STANDARD", **fields: Any
) -> dict[str, Any]:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": execution_type},
        "StartAt": "Run",
        "States": {"Run": child or task()},
    }
    return {"Type": "Map", "Label": "Shards", "ItemProcessor": processor, "End": True, **fields}


def only(state: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": "Only", "States": {"Only": state}}


def refusal(call: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


class Gate:
    """A handler whose calls wait at a gate, and which knows how many have come."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self._came = threading.Semaphore(0)

    def __call__(self, event: Any) -> Any:
        self._came.release()
        self.open.wait(20)
        return event

    def await_calls(self, count: int) -> None:
        for _ in range(count):
            assert self._came.acquire(timeout=20)

    def none_came(self) -> bool:
        return not self._came.acquire(blocking=False)


def test_express_children_run_and_are_listed_and_described(state_machines, handlers):
    """LIST: EXPRESS children of a map run are listed; DescribeExecution describes them."""
    handlers["run"] = lambda event: event
    execution = state_machines.start(only(mapped(execution_type="EXPRESS")), [1, 2])
    assert json.loads(state_machines.end_of(execution)["output"]) == [1, 2]
    children = state_machines.children(execution)
    assert sorted(child["output"] for child in children) == ["1", "2"]
    for child in children:
        parts = child["executionArn"].split(":")
        assert (parts[5], parts[6].rpartition("/")[2], len(parts)) == ("express", "Shards", 9)
    assert (
        state_machines.client.list_executions(
            stateMachineArn=state_machines.end_of(execution)["stateMachineArn"]
        )["executions"][1:]
        == []
    )


def test_express_children_have_no_history(state_machines, handlers):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html"""
    handlers["run"] = lambda event: event
    execution = state_machines.start(only(mapped(execution_type="EXPRESS")), [1])
    state_machines.end_of(execution)
    (child,) = state_machines.children(execution)
    client = state_machines.client
    code = refusal(lambda: client.get_execution_history(executionArn=child["executionArn"]))
    assert code == "ValidationException"


def test_express_child_that_hangs_times_out_at_the_limit(state_machines, handlers, monkeypatch):
    """EXPRESS: at most five minutes; the error is States.Timeout."""
    monkeypatch.setattr(map_run, "EXPRESS_LIMIT_S", 0.5)
    handlers["run"] = gate = Gate()
    hangs = only(mapped(execution_type="EXPRESS", MaxConcurrency=1, ToleratedFailureCount=2))
    execution = state_machines.start(hangs, [1, 2])
    ended = state_machines.end_of(execution)
    gate.open.set()
    assert ended["status"] == "SUCCEEDED"
    children = state_machines.children(execution, statusFilter="TIMED_OUT")
    assert [child["error"] for child in children] == ["States.Timeout"] * 2
    counts = state_machines.map_run(execution)["executionCounts"]
    assert (counts["timedOut"], counts["total"]) == (2, 2)


def test_express_limit_is_awss():
    """EXPRESS: five minutes."""
    assert map_run.EXPRESS_LIMIT_S == 300


def test_timed_out_children_count_as_failures(state_machines, handlers, monkeypatch):
    """https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html"""
    monkeypatch.setattr(map_run, "EXPRESS_LIMIT_S", 0.2)
    handlers["run"] = gate = Gate()
    ended = state_machines.run(only(mapped(execution_type="EXPRESS")), [1])
    gate.open.set()
    assert ended["error"] == "States.ExceedToleratedFailureThreshold"


def test_redriven_express_children_are_started_anew(state_machines, handlers):
    """https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html: StartExecution."""
    broken = {2}
    asked: list[Any] = []

    def run(event: Any) -> Any:
        asked.append(event)
        if event in broken:
            raise TooManyRequestsError("any")
        return event

    handlers["run"] = run
    first = {**task(), "Next": "Again"}
    del first["End"]
    state = mapped(first, execution_type="EXPRESS", MaxConcurrency=1)
    wait = {"Type": "Pass", "End": True}
    state["ItemProcessor"]["States"]["Again"] = wait
    execution = state_machines.start(only(state), [1, 2])
    state_machines.end_of(execution)
    former = state_machines.failed_child(execution)
    assert former["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    broken.clear()
    state_machines.client.redrive_execution(executionArn=execution)
    assert state_machines.end_of(execution)["output"] == "[1,2]"
    assert asked == [1, 2, 2]
    arns = {child["executionArn"] for child in state_machines.children(execution)}
    assert former["executionArn"] not in arns


def test_update_of_max_concurrency_takes_effect_on_a_running_map(state_machines, handlers):
    """UPDATE: changes maximum concurrency of a Map Run in progress."""
    handlers["run"] = gate = Gate()
    execution = state_machines.start(only(mapped(MaxConcurrency=1)), [1, 2, 3])
    gate.await_calls(1)
    arn = state_machines.map_run(execution)["mapRunArn"]
    assert gate.none_came()
    state_machines.client.update_map_run(mapRunArn=arn, maxConcurrency=3)
    gate.await_calls(2)
    assert state_machines.map_run(execution)["maxConcurrency"] == 3
    gate.open.set()
    assert state_machines.end_of(execution)["status"] == "SUCCEEDED"


def test_update_of_tolerated_failures_fails_a_running_map(state_machines, handlers):
    """UPDATE: changes the settings that control Map Run failure."""
    gate, failed = Gate(), threading.Event()

    def run(event: Any) -> Any:
        if event == "fail":
            failed.set()
            raise TooManyRequestsError("any")
        return gate(event)

    handlers["run"] = run
    tolerant = mapped(MaxConcurrency=1, ToleratedFailureCount=5)
    execution = state_machines.start(only(tolerant), ["fail", "fail", "hang"])
    gate.await_calls(1)
    assert failed.is_set()
    arn = state_machines.map_run(execution)["mapRunArn"]
    state_machines.client.update_map_run(mapRunArn=arn, toleratedFailureCount=1)
    ended = state_machines.end_of(execution)
    gate.open.set()
    assert ended["error"] == "States.ExceedToleratedFailureThreshold"


def test_update_is_refused_outside_its_range_and_after_the_end(state_machines, handlers):
    """UPDATE: ValidationException; a Map Run in progress."""
    handlers["run"] = gate = Gate()
    execution = state_machines.start(only(mapped()), [1])
    arn = state_machines.map_run(execution)["mapRunArn"]
    client = state_machines.client
    refused = refusal(lambda: client.update_map_run(mapRunArn=arn, toleratedFailurePercentage=101))
    gate.open.set()
    state_machines.end_of(execution)
    ended = refusal(lambda: client.update_map_run(mapRunArn=arn, maxConcurrency=1))
    assert (refused, ended) == ("ValidationException", "ValidationException")


def test_limits_come_from_paths(state_machines, handlers):
    """MAP: MaxConcurrencyPath, ToleratedFailureCountPath, ToleratedFailurePercentagePath."""

    def run(event: Any) -> Any:
        raise TooManyRequestsError("any")

    handlers["run"] = run
    state = mapped(
        ItemsPath="$.items",
        MaxConcurrencyPath="$.wide",
        ToleratedFailureCountPath="$.count",
        ToleratedFailurePercentagePath="$.percent",
    )
    execution = state_machines.start(
        only(state), {"items": [1], "wide": 7, "count": 1, "percent": 100}
    )
    assert state_machines.end_of(execution)["status"] == "SUCCEEDED"
    run_of = state_machines.map_run(execution)
    limits = ("maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage")
    assert [run_of[limit] for limit in limits] == [7, 1, 100]


def test_400_children_run_at_once_where_the_map_allows_it(state_machines, handlers):
    """MAP: up to 10,000 at once; 0 is that limit."""
    handlers["run"] = gate = Gate()
    execution = state_machines.start(only(mapped(MaxConcurrency=0)), list(range(400)))
    gate.await_calls(400)
    running = state_machines.map_run(execution)["executionCounts"]["running"]
    gate.open.set()
    assert running == 400
    assert state_machines.end_of(execution)["status"] == "SUCCEEDED"


def test_concurrency_beyond_awss_is_its_limit():
    """https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""
    assert map_run.MAX_CONCURRENT_CHILDREN == 10_000


def test_stop_aborts_children_and_starts_no_more_though_one_hangs(state_machines, handlers):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_MapRunExecutionCounts.html

    Aborted are those that were running and were stopped by the user.
    """
    handlers["run"] = gate = Gate()
    execution = state_machines.start(only(mapped(MaxConcurrency=2)), [1, 2, 3, 4])
    gate.await_calls(2)
    state_machines.client.stop_execution(executionArn=execution)
    deadline = threading.Event()
    while state_machines.map_run(execution)["status"] == "RUNNING":
        assert not deadline.wait(0.01)
    run = state_machines.map_run(execution)
    counts = {name: count for name, count in run["executionCounts"].items() if count}
    assert counts == {"aborted": 2, "pending": 2, "total": 4}
    assert run["status"] == "ABORTED"
    gate.open.set()
    children = state_machines.children(execution)
    assert {child["status"] for child in children} == {"ABORTED"}
    assert gate.none_came()


def test_hung_child_fails_at_its_tasks_timeout(state_machines, handlers):
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""
    handlers["run"] = gate = Gate()
    execution = state_machines.start(only(mapped(task(TimeoutSeconds=1))), [1])
    ended = state_machines.end_of(execution)
    gate.open.set()
    assert ended["error"] == "States.ExceedToleratedFailureThreshold"
    assert state_machines.failed_child(execution)["error"] == "States.Timeout"


def test_two_maps_at_once_keep_their_own_children(state_machines, handlers):
    both = threading.Barrier(2, timeout=20)

    def run(event: Any) -> Any:
        both.wait()
        return event

    handlers["run"] = run
    branches = [only(mapped(MaxConcurrency=1)), only(mapped(MaxConcurrency=1))]
    state = {"Type": "Parallel", "Branches": branches, "End": True}
    execution = state_machines.start(only(state), [1, 2, 3])
    assert json.loads(state_machines.end_of(execution)["output"]) == [[1, 2, 3], [1, 2, 3]]
    client = state_machines.client
    first = client.list_map_runs(executionArn=execution, maxResults=1)
    rest = client.list_map_runs(executionArn=execution, nextToken=first["nextToken"])
    assert len({run["mapRunArn"] for run in [*first["mapRuns"], *rest["mapRuns"]]}) == 2
    assert "nextToken" not in rest


def test_map_runs_of_a_nested_map_are_the_childs(state_machines, handlers):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListMapRuns.html"""
    handlers["run"] = lambda event: event
    execution = state_machines.start(only(mapped(mapped())), [[1, 2], [3]])
    assert json.loads(state_machines.end_of(execution)["output"]) == [[1, 2], [3]]
    for child in state_machines.children(execution):
        assert len(state_machines.children(child["executionArn"])) == len(
            json.loads(child["input"])
        )


def test_redrive_reaches_the_failed_child_of_a_nested_map(state_machines, handlers):
    """https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html"""
    broken = {3}
    asked: list[Any] = []

    def run(event: Any) -> Any:
        asked.append(event)
        if event in broken:
            raise TooManyRequestsError("any")
        return event

    handlers["run"] = run
    nested = mapped(mapped(MaxConcurrency=1), MaxConcurrency=1)
    execution = state_machines.start(only(nested), [[1, 2], [3, 4]])
    assert state_machines.end_of(execution)["status"] == "FAILED"
    broken.clear()
    state_machines.client.redrive_execution(executionArn=execution)
    assert json.loads(state_machines.end_of(execution)["output"]) == [[1, 2], [3, 4]]
    assert asked == [1, 2, 3, 3, 4]


def test_standard_children_have_their_history(state_machines, handlers):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html"""
    handlers["run"] = lambda event: event
    execution = state_machines.start(only(mapped()), [1])
    state_machines.end_of(execution)
    (child,) = state_machines.children(execution)
    client = state_machines.client
    events = client.get_execution_history(executionArn=child["executionArn"])["events"]
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert events[0]["executionStartedEventDetails"]["input"] == "1"
    backwards = client.get_execution_history(
        executionArn=child["executionArn"], reverseOrder=True, includeExecutionData=False
    )["events"]
    assert [event["id"] for event in backwards] == [7, 6, 5, 4, 3, 2, 1]
    assert "input" not in backwards[-1]["executionStartedEventDetails"]


def test_children_are_listed_the_most_recent_first(state_machines, handlers):
    """LIST: sorted by time, the most recent first, by stopDate where they have ended."""
    handlers["run"] = lambda event: event
    execution = state_machines.start(only(mapped(MaxConcurrency=1)), list(range(5)))
    state_machines.end_of(execution)
    stops = [child["stopDate"] for child in state_machines.children(execution)]
    assert stops == sorted(stops, reverse=True)


def test_children_hold_little_memory(state_machines, handlers, cloud):
    """A child keeps its record and its history compressed: below 3 KB for one task."""
    import sys

    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    handlers["run"] = lambda event: event
    execution = state_machines.start(only(mapped()), [{"index": 1, "start": 0, "stop": 60}])
    state_machines.end_of(execution)
    backend: Any = stepfunctions_parser_backends[cloud.context.account][cloud.context.region]
    environment = backend.describe_execution(execution).exec_worker.env
    (record,) = environment.map_run_record_pool_manager.get_all()
    (child,) = record.started()
    kept = [getattr(child, name) for name in type(child).__slots__]
    assert sum(map(sys.getsizeof, [child, *kept])) < 3_000
    assert child.progress is None
    assert record.inputs == []


def test_definition_of_a_child_is_its_map_runs(state_machines, handlers):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachineForExecution.html"""
    handlers["run"] = lambda event: event
    execution = state_machines.start(only(mapped(execution_type="EXPRESS")), [1])
    state_machines.end_of(execution)
    (child,) = state_machines.children(execution)
    described = state_machines.client.describe_state_machine_for_execution(
        executionArn=child["executionArn"]
    )
    assert json.loads(described["definition"]) == mapped(execution_type="EXPRESS")["ItemProcessor"]
    assert (described["mapRunArn"], described["label"]) == (child["mapRunArn"], "Shards")


@pytest.mark.parametrize("operation", ["StartSyncExecution", "TestState"])
def test_what_is_not_modelled_is_refused_by_name(state_machines, cloud, operation):
    """Neither synchronous executions nor tests of single states are modelled."""
    context = cloud.context
    client = boto3.client(
        "stepfunctions",
        endpoint_url=context.endpoint,
        region_name=context.region,
        aws_access_key_id=context.access_key_id,
        aws_secret_access_key=context.secret_access_key,
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
    )
    if operation == "StartSyncExecution":
        arn = f"arn:aws:states:{context.region}:{context.account}:stateMachine:any"
        call = lambda: client.start_sync_execution(stateMachineArn=arn)  # noqa: E731
    else:
        call = lambda: client.test_state(definition='{"Type": "Pass", "End": true}')  # noqa: E731
    with pytest.raises(ClientError, match=operation) as refused:
        call()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 501)


def test_children_too_long_for_a_redrive_stay_failures(state_machines, handlers, cloud):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_MapRunExecutionCounts.html

    failuresNotRedrivable: unsuccessful children that cannot be redriven.
    """
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    def run(event: Any) -> Any:
        raise TooManyRequestsError("any")

    handlers["run"] = run
    execution = state_machines.start(only(mapped()), [1])
    state_machines.end_of(execution)
    backend: Any = stepfunctions_parser_backends[cloud.context.account][cloud.context.region]
    environment = backend.describe_execution(execution).exec_worker.env
    (record,) = environment.map_run_record_pool_manager.get_all()
    record.children[0].event_count = 24_999
    assert state_machines.map_run(execution)["itemCounts"]["failuresNotRedrivable"] == 1
    handlers["run"] = lambda event: event
    state_machines.client.redrive_execution(executionArn=execution)
    ended = state_machines.end_of(execution)
    assert ended["error"] == "States.ExceedToleratedFailureThreshold"
    assert state_machines.failed_child(execution)["redriveCount"] == 0
