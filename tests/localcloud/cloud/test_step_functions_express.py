"""EXPRESS children of a Distributed Map, each fact as AWS documents it.

https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html (EXPRESS)
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html (LIST)
"""

from __future__ import annotations

import json
from typing import Any

from localcloud.functions.errors import TooManyRequestsError
from localcloud.step_functions import map_run
from tests.localcloud.cloud.map_running import Gate, mapped, only, refusal, task


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
