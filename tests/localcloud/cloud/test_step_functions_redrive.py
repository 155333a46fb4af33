"""Redrives of states, each fact as AWS documents it.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html (EXECUTIONS)
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html (MAP RUNS)
https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html (API)
"""

from __future__ import annotations

import json
import threading
from typing import Any

from localcloud.step_functions import worker
from tests.localcloud.cloud.redriving import (
    Flaky,
    call,
    chain,
    history,
    record_of,
    redriven,
)


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
