"""Asynchronous invocations: accepted at once, repeated as Lambda repeats them."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import pytest

from localcloud.context import CloudContext
from localcloud.functions import FunctionService
from localcloud.functions.configuration import DeployedFunctions
from localcloud.functions.errors import RequestTooLargeError
from localcloud.functions.events import Event, EventQueue, Verdict
from tests.localcloud.functions.invoking import ACCOUNT, REGION, Deploy, Meeting, Serve

EVENT = Event("function", None, b"{}", "request", queued_at=0.0)


class Attempts:
    """Answers each attempt with the next verdict and tells when the last one came."""

    def __init__(self, *verdicts: Verdict) -> None:
        self._verdicts = list(verdicts)
        self.seen: list[Event] = []
        self.done = threading.Event()

    def __call__(self, event: Event) -> Verdict:
        self.seen.append(event)
        verdict = self._verdicts.pop(0)
        if not self._verdicts:
            self.done.set()
        return verdict


def test_event_is_accepted_and_then_run(
    service: FunctionService, deploy: Deploy, meeting: Meeting
) -> None:
    payload = json.dumps({"do": "meet", "port": meeting.port}).encode()
    result = service.invoke(deploy(), None, payload, invocation_type="Event")
    assert (result.status_code, result.payload) == (202, b"")
    assert meeting.arrival()["environment"]
    meeting.let_go()


def test_failed_event_is_tried_three_times() -> None:
    attempts = Attempts(Verdict.FAILED, Verdict.FAILED, Verdict.FAILED)
    queue = EventQueue(attempts, retry_delays_s=(0.0, 0.0))
    queue.put(replace(EVENT, queued_at=time.monotonic()))
    assert attempts.done.wait(10)
    queue.stop()
    assert [event.retries for event in attempts.seen] == [0, 1, 2]


def test_retries_are_limited_by_the_functions_settings() -> None:
    attempts = Attempts(Verdict.FAILED, Verdict.DONE)
    queue = EventQueue(attempts, retry_delays_s=(0.0, 0.0))
    now = time.monotonic()
    queue.put(replace(EVENT, queued_at=now, maximum_retries=0))
    queue.put(replace(EVENT, queued_at=now, request_id="after"))
    assert attempts.done.wait(10)
    queue.stop()
    assert [event.request_id for event in attempts.seen] == ["request", "after"]


def test_event_older_than_its_maximum_age_is_dropped() -> None:
    attempts = Attempts(Verdict.FAILED, Verdict.DONE)
    queue = EventQueue(attempts, retry_delays_s=(60.0, 120.0))
    queue.put(replace(EVENT, queued_at=time.monotonic(), maximum_age_s=30.0))
    queue.put(replace(EVENT, queued_at=time.monotonic(), request_id="after"))
    assert attempts.done.wait(10)
    assert queue.waiting == 0
    queue.stop()


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
