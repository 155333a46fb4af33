"""Children of map runs: nested, listed, described, with their histories, as AWS documents it.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html (MAP)
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html (LIST)
"""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.functions.errors import TooManyRequestsError
from tests.localcloud.cloud.map_running import mapped, only


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
