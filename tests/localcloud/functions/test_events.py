"""Asynchronous invocations: accepted at once, repeated as Lambda repeats them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from queue import SimpleQueue
from typing import Any
from unittest.mock import create_autospec

import pytest

from localcloud.context import CloudContext
from localcloud.functions import FunctionService
from localcloud.functions.asynchronous import AsynchronousInvocations
from localcloud.functions.configuration import DeployedFunctions, Target
from localcloud.functions.errors import RequestTooLargeError, TooManyRequestsError
from localcloud.functions.events import (
    RETRY_DELAYS_S,
    Attempt,
    Condition,
    Event,
    EventQueue,
    Verdict,
    return_delay_s,
)
from localcloud.functions.invocation import Outcome
from localcloud.functions.metrics import LambdaMetrics
from tests.localcloud.functions.invoking import ACCOUNT, REGION, Deploy, Meeting, Serve

EVENT = Event("function", None, b"{}", "request", queued_at=0.0)
DONE = Attempt(Verdict.DONE, b"{}", "1")
FAILED = Attempt(Verdict.FAILED, b"{}", "1")
RETURNED = Attempt(Verdict.RETURNED, refusal=TooManyRequestsError("any"))
REFUSED = Attempt(Verdict.REFUSED, refusal=TooManyRequestsError("any"))


class Line:
    """A queue whose attempts end as given; `ends` has each event that left it, and why."""

    def __init__(self, *attempts: Attempt, **options: Any) -> None:
        self._attempts = list(attempts)
        self.seen: list[Event] = []
        self.ends: SimpleQueue[tuple[Event, Condition, Attempt | None]] = SimpleQueue()
        options.setdefault("retry_delays_s", (0.0, 0.0))
        self.queue = EventQueue(self._attempt, lambda *end: self.ends.put(end), **options)

    def _attempt(self, event: Event) -> Attempt:
        self.seen.append(event)
        return self._attempts.pop(0)

    def put(self, **changes: Any) -> tuple[Event, Condition, Attempt | None]:
        """Put an event that is new but for `changes`, and wait for its end."""
        self.queue.put(replace(EVENT, **{"queued_at": time.monotonic(), **changes}))
        return self.ends.get(timeout=10)


@pytest.fixture
def line() -> Iterator[Callable[..., Line]]:
    lines: list[Line] = []

    def start(*attempts: Attempt, **options: Any) -> Line:
        lines.append(Line(*attempts, **options))
        return lines[-1]

    yield start
    for started in lines:
        started.queue.stop()


def test_event_is_accepted_and_then_run(
    service: FunctionService, deploy: Deploy, meeting: Meeting
) -> None:
    payload = json.dumps({"do": "meet", "port": meeting.port}).encode()
    result = service.invoke(deploy(), None, payload, invocation_type="Event")
    assert (result.status_code, result.payload) == (202, b"")
    assert meeting.arrival()["environment"]
    meeting.let_go()


def test_failed_event_is_tried_three_times(line: Callable[..., Line]) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""
    started = line(FAILED, FAILED, FAILED)
    event, condition, last = started.put()
    assert (event.invocations, condition, last) == (3, Condition.RETRIES_EXHAUSTED, FAILED)
    assert [event.invocations for event in started.seen] == [0, 1, 2]


def test_event_that_succeeds_at_last_is_a_success(line: Callable[..., Line]) -> None:
    event, condition, last = line(FAILED, DONE).put()
    assert (event.invocations, condition, last) == (2, Condition.SUCCESS, DONE)


def test_retries_are_limited_by_the_functions_settings(line: Callable[..., Line]) -> None:
    event, condition, _ = line(FAILED).put(maximum_retries=0)
    assert (event.invocations, condition) == (1, Condition.RETRIES_EXHAUSTED)


def test_retries_come_after_one_minute_and_then_two() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""
    assert RETRY_DELAYS_S == (60, 120)


def test_event_that_would_be_too_old_for_its_next_attempt_is_given_up(
    line: Callable[..., Line],
) -> None:
    started = line(FAILED, retry_delays_s=(60.0, 120.0))
    event, condition, last = started.put(maximum_age_s=30.0)
    assert (event.invocations, condition, last) == (1, Condition.EVENT_AGE_EXCEEDED, FAILED)
    assert started.queue.waiting == 0


def test_event_that_has_grown_too_old_is_not_run(line: Callable[..., Line]) -> None:
    started = line()
    event, condition, last = started.put(queued_at=time.monotonic() - 61, maximum_age_s=60.0)
    assert (event.invocations, condition, last) == (0, Condition.EVENT_AGE_EXCEEDED, None)
    assert started.seen == []


def test_refused_event_comes_back_later_and_later_without_using_up_its_retries(
    line: Callable[..., Line],
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""
    waits: list[int] = []

    def delay_s(returns: int) -> float:
        waits.append(returns)
        return 0.0

    attempts = [RETURNED] * 4 + [FAILED, RETURNED, FAILED, FAILED]
    event, condition, _ = line(*attempts, return_delay_s=delay_s).put()
    assert (event.invocations, condition) == (3, Condition.RETRIES_EXHAUSTED)
    assert waits == [0, 1, 2, 3, 0]
    assert [return_delay_s(returns) for returns in (0, 1, 2, 8, 9, 60)] == [1, 2, 4, 256, 300, 300]


def test_event_refused_for_good_is_not_tried_again(line: Callable[..., Line]) -> None:
    event, condition, last = line(REFUSED).put()
    assert (event.invocations, condition, last) == (0, Condition.RETRIES_EXHAUSTED, REFUSED)


def test_end_that_cannot_be_told_is_logged_and_the_queue_goes_on(caplog) -> None:
    ends: SimpleQueue[str] = SimpleQueue()

    def tell(event: Event, condition: Condition, attempt: Attempt | None) -> None:
        if event.request_id == "bad":
            raise KeyError("statusCode")
        ends.put(event.request_id)

    queue = EventQueue(lambda event: DONE, tell, workers=1)
    try:
        for request_id in ("bad", "good"):
            queue.put(replace(EVENT, request_id=request_id, queued_at=time.monotonic()))
        assert ends.get(timeout=10) == "good"
    finally:
        queue.stop()
    assert "event bad of function: its end is not told" in caplog.text


def test_event_that_fails_in_lambda_itself_goes_back_to_the_queue(deploy: Deploy, caplog) -> None:
    def run(target: Target, payload: bytes, request_id: str) -> Outcome:
        raise OSError("no space left")

    invocations = AsynchronousInvocations(
        deployed=DeployedFunctions(ACCOUNT, REGION),
        metrics=create_autospec(LambdaMetrics, instance=True),
        run=run,
        client_for=lambda target: lambda service: None,
        retry_delays_s=(0.0, 0.0),
    )
    attempt = invocations._attempt(replace(EVENT, function=deploy()))
    assert attempt.verdict is Verdict.RETURNED
    assert str(attempt.refusal) == "OSError: no space left"
    assert "no space left" in caplog.text


def test_event_over_one_megabyte_is_refused(service: FunctionService, deploy: Deploy) -> None:
    payload = b'"' + b"x" * 1024 * 1024 + b'"'
    with pytest.raises(RequestTooLargeError, match="Event invocation type"):
        service.invoke(deploy(), None, payload, invocation_type="Event")


def test_failing_function_is_run_three_times(
    serve: Serve, deploy: Deploy, meeting: Meeting
) -> None:
    service = serve(retry_delays_s=(0.0, 0.0))
    payload = json.dumps({"do": "meet_and_raise", "port": meeting.port}).encode()
    result = service.invoke(deploy(), None, payload, invocation_type="Event")
    seen = []
    for _ in range(3):
        seen.append(meeting.arrival()["request_id"])
        meeting.let_go()
    assert seen == [result.request_id] * 3


def test_settings_of_the_function_are_read(deploy: Deploy, aws: CloudContext) -> None:
    function = deploy()
    wanted = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    deployed = DeployedFunctions(ACCOUNT, REGION)
    assert deployed.event_invoke_config(function) == {}
    aws.client("lambda").put_function_event_invoke_config(FunctionName=function, **wanted)
    assert deployed.event_invoke_config(function).items() >= wanted.items()
