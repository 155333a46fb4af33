"""Redrives of map runs and their children, each fact as AWS documents it.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html (EXECUTIONS)
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html (MAP RUNS)
https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html (API)
"""

from __future__ import annotations

import json
import threading
from typing import Any

from localcloud.functions.errors import TooManyRequestsError
from localcloud.step_functions import map_state, redrive
from tests.localcloud.cloud.redriving import (
    Flaky,
    call,
    chain,
    history,
    mapped,
    redriven,
)


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
