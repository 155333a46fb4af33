"""What is retried, walked over every state: what is transient, spread out, and nothing else.

https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from settings.stages import STAGES
from tests.stacks.synthesized import Synthesize

# Error -> why the same call may succeed a moment later.
TRANSIENT = {
    "lambda:invoke": {
        "Lambda.ClientExecutionTimeoutException": "no answer to the call",
        "Lambda.ServiceException": "Lambda's own 500",
        "Lambda.AWSLambdaException": "Lambda's own 500",
        "Lambda.SdkClientException": "the connection",
        "Lambda.TooManyRequestsException": "throttled",
        "Lambda.Unknown": "the environment was lost, without a name",
        "Runtime.ExitError": "the environment was lost: its process ended",
        "Sandbox.Timedout": "the environment was lost: it did not answer in time",
    },
    "aws-sdk:s3:putObject": {
        "S3.SdkClientException": "the connection",
        "S3.S3Exception": "SlowDown and InternalError have no class of their own",
    },
}
STAGES_WITH_ALL = [(stage, children) for stage in STAGES for children in ("STANDARD", "EXPRESS")]


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state of every kind, those inside maps and branches included."""
    for name, state in machine["States"].items():
        yield name, state
        for inner in (
            state.get("ItemProcessor"),
            state.get("Iterator"),
            *state.get("Branches", []),
        ):
            if inner:
                yield from states(inner)


@pytest.fixture(params=STAGES_WITH_ALL, ids="-".join)
def machine(request, synthesize: Synthesize) -> dict[str, Any]:
    stage, children = request.param
    overrides = {"map_children": children, "tolerated_failure_percentage": "5"}
    if children == "EXPRESS":
        overrides |= {"classify.timeout_s": "120", "reduce.timeout_s": "120"}
    return synthesize(stage, **overrides).state_machine()


def test_every_task_retries_what_is_transient_and_nothing_else(machine: dict[str, Any]) -> None:
    walked = 0
    for name, state in states(machine):
        retried = [error for retry in state.get("Retry", []) for error in retry["ErrorEquals"]]
        if state["Type"] != "Task":
            assert retried == [], name
            continue
        called = state["Resource"].partition(":states:::")[2]
        assert sorted(retried) == sorted(TRANSIENT[called]), name
        walked += 1
    assert walked == 8


def test_no_retry_matches_what_a_handler_raises(machine: dict[str, Any]) -> None:
    """A handler's exception is reported by its class name, without a dot; wildcards match it."""
    for name, state in states(machine):
        for retry in state.get("Retry", []):
            for error in retry["ErrorEquals"]:
                assert error.startswith(("Lambda.", "Runtime.", "Sandbox.", "S3.")), (name, error)
                assert not error.startswith("States."), (name, error)


def test_every_retry_backs_off_with_full_jitter_within_bounds(machine: dict[str, Any]) -> None:
    for name, state in states(machine):
        for retry in state.get("Retry", []):
            assert retry["JitterStrategy"] == "FULL", name
            assert retry["BackoffRate"] == 2, name
            assert retry["IntervalSeconds"] == 1, name
            assert 10 <= retry["MaxDelaySeconds"] <= 30, name
            assert 2 <= retry["MaxAttempts"] <= 8, name


def test_lost_environments_are_retried_less_than_throttles(machine: dict[str, Any]) -> None:
    """Once may be the machine's fault; what kills its environment three times does so always."""
    for name, state in states(machine):
        attempts = {
            error: retry["MaxAttempts"]
            for retry in state.get("Retry", [])
            for error in retry["ErrorEquals"]
        }
        if "Runtime.ExitError" in attempts:
            assert attempts["Runtime.ExitError"] == attempts["Sandbox.Timedout"] == 2, name
            assert attempts["Lambda.TooManyRequestsException"] == 8, name


def test_what_is_caught_is_caught_after_its_retries_and_leads_on(machine: dict[str, Any]) -> None:
    for name, state in states(machine):
        for catch in state.get("Catch", []):
            assert state["Retry"], name
            assert catch["ErrorEquals"] == ["States.ALL"], name
