"""What cannot be redriven, and how often; each refusal as AWS documents it.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html (EXECUTIONS)
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html (MAP RUNS)
https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html (API)
"""

from __future__ import annotations

import datetime
import threading

import pytest

from localcloud.step_functions import executions, redrive
from tests.localcloud.cloud.redriving import (
    Flaky,
    call,
    chain,
    mapped,
    record_of,
    refusal,
)


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
