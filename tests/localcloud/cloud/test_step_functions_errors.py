"""Which errors a Retry and a Catch match, and how long a Retry waits, as AWS documents them.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.functions.errors import TooManyRequestsError
from localcloud.step_functions import stopping
from localcloud.step_functions.error_names import matches

TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "run", "Payload.$": "$"},
    "OutputPath": "$.Payload",
    "End": True,
}


@pytest.mark.parametrize(
    ("name", "error_equals", "matched"),
    [
        ("Lambda.TooManyRequestsException", ["Lambda.TooManyRequestsException"], True),
        ("Lambda.TooManyRequestsException", ["Lambda.ServiceException"], False),
        ("Lambda.Unknown", ["States.TaskFailed"], True),
        ("Sandbox.Timedout", ["States.TaskFailed"], True),
        ("Sandbox.Timedout", ["States.Timeout"], False),
        ("ValueError", ["KeyError", "ValueError"], True),
        ("ValueError", ["valueerror"], False),
        ("States.Timeout", ["States.TaskFailed"], False),
        ("States.Timeout", ["States.ALL"], True),
        ("States.Timeout", ["States.Timeout"], True),
        ("States.HeartbeatTimeout", ["States.HeartbeatTimeout"], True),
        ("States.HeartbeatTimeout", ["States.Timeout"], True),
        ("States.HeartbeatTimeout", ["States.TaskFailed"], False),
        ("States.ExceedToleratedFailureThreshold", ["States.TaskFailed"], True),
        ("States.ItemReaderFailed", ["States.ALL"], True),
        ("States.DataLimitExceeded", ["States.ALL"], False),
        ("States.DataLimitExceeded", ["States.TaskFailed"], False),
        ("States.DataLimitExceeded", ["States.DataLimitExceeded"], True),
        ("States.Runtime", ["States.ALL"], False),
        ("States.Runtime", ["States.Runtime"], False),
        (None, ["States.ALL"], True),
    ],
)
def test_errors_match_names_and_wildcards(name, error_equals, matched):
    assert matches(name, error_equals) is matched


@pytest.fixture
def waits(monkeypatch):
    """How long retries would have waited, in seconds; they do not."""
    seconds: list[float] = []

    def wait(stop: Any, timeout: float | None = None) -> bool:
        seconds.append(timeout or 0.0)
        return False

    monkeypatch.setattr(stopping._Stop, "wait", wait)
    return seconds


def retried(state_machines: Any, handlers: Any, **retrier: Any) -> dict[str, Any]:
    def run(event: Any) -> Any:
        raise TooManyRequestsError("any")

    handlers["run"] = run
    state = {**TASK, "Retry": [{"ErrorEquals": ["States.ALL"], **retrier}]}
    return state_machines.run({"StartAt": "Run", "States": {"Run": state}})


@pytest.mark.parametrize(
    ("retrier", "seconds"),
    [
        ({}, [1, 2, 4]),
        ({"MaxAttempts": 0}, []),
        ({"IntervalSeconds": 2, "MaxAttempts": 4, "BackoffRate": 3}, [2, 6, 18, 54]),
        ({"IntervalSeconds": 3, "BackoffRate": 2, "MaxDelaySeconds": 5}, [3, 5, 5]),
        ({"IntervalSeconds": 2, "BackoffRate": 1}, [2, 2, 2]),
    ],
)
def test_retries_wait_longer_each_time_up_to_the_maximum(
    state_machines, handlers, waits, retrier, seconds
):
    """IntervalSeconds times BackoffRate to the power of the attempt, at most MaxDelaySeconds."""
    assert retried(state_machines, handlers, **retrier)["status"] == "FAILED"
    assert waits == seconds


def test_full_jitter_waits_between_nothing_and_the_interval(state_machines, handlers, waits):
    """JitterStrategy FULL: randomised from 0 to the interval."""
    retried(state_machines, handlers, IntervalSeconds=100, MaxAttempts=5, JitterStrategy="FULL")
    highest = [100, 200, 400, 800, 1600]
    assert all(0 <= wait <= most for wait, most in zip(waits, highest, strict=True))
    assert waits != highest


@pytest.mark.parametrize("caught", ["States.ALL", "States.Timeout"])
def test_timeout_inside_a_parallel_state_is_caught_outside_under_its_name(
    state_machines, handlers, caught
):
    import threading

    release = threading.Event()
    handlers["run"] = lambda event: release.wait(10)
    branch = {"StartAt": "Run", "States": {"Run": {**TASK, "TimeoutSeconds": 1}}}
    both = {
        "Type": "Parallel",
        "Branches": [branch],
        "Catch": [{"ErrorEquals": [caught], "Next": "Caught"}],
        "End": True,
    }
    told = {"Type": "Pass", "OutputPath": "$.Error", "End": True}
    ended = state_machines.run({"StartAt": "Both", "States": {"Both": both, "Caught": told}})
    release.set()
    assert ended["output"] == '"States.Timeout"'
