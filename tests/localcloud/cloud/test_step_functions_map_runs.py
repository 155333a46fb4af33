"""Map runs while they run: limits, updates, stops, each fact as AWS documents it.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html (MAP)
https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateMapRun.html (UPDATE)
"""

from __future__ import annotations

import json
import threading
from typing import Any

from localcloud.functions.errors import TooManyRequestsError
from localcloud.step_functions import map_run
from tests.localcloud.cloud.map_running import Gate, mapped, only, refusal, task


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


def test_update_to_fewer_children_at_once_takes_effect(state_machines, handlers):
    """UPDATE: changes maximum concurrency of a Map Run in progress."""
    gate, overlap = Gate(), threading.Event()
    running = threading.Semaphore(1)

    def run(event: Any) -> Any:
        if event <= 2:
            return gate(event)
        if not running.acquire(blocking=False):
            overlap.set()
            return event
        overlap.wait(0.2)
        running.release()
        return event

    handlers["run"] = run
    execution = state_machines.start(only(mapped(MaxConcurrency=2)), [1, 2, 3, 4, 5])
    gate.await_calls(2)
    arn = state_machines.map_run(execution)["mapRunArn"]
    state_machines.client.update_map_run(mapRunArn=arn, maxConcurrency=1)
    gate.open.set()
    assert state_machines.end_of(execution)["status"] == "SUCCEEDED"
    assert not overlap.is_set()


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
