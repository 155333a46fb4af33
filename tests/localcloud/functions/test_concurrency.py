"""Limits on how much runs at once: refused with AWS's reasons, and with nothing else."""

from __future__ import annotations

import pytest

from localcloud.context import CloudContext
from localcloud.functions import FunctionService, ServiceLimits
from localcloud.functions.concurrency import ConcurrencyLimits, ScalingRate
from localcloud.functions.errors import TooManyRequestsError
from tests.localcloud.functions.invoking import Deploy, Meeting, Serve, answer, call

ACCOUNT_LIMIT = "ConcurrentInvocationLimitExceeded"
RESERVED_LIMIT = "ReservedFunctionConcurrentInvocationLimitExceeded"


def reserve(aws: CloudContext, function: str, count: int) -> None:
    aws.client("lambda").put_function_concurrency(
        FunctionName=function, ReservedConcurrentExecutions=count
    )


def test_reserved_concurrency_refuses_with_its_reason(
    service: FunctionService, deploy: Deploy, aws: CloudContext, meeting: Meeting
) -> None:
    function = deploy()
    reserve(aws, function, 2)
    futures = [meeting.start(service, function) for _ in range(2)]
    for _ in futures:
        meeting.arrival()
    with pytest.raises(TooManyRequestsError) as refused:
        call(service, function, "echo")
    assert refused.value.body == {
        "Reason": RESERVED_LIMIT,
        "Type": "User",
        "message": "Rate Exceeded.",
    }
    meeting.let_go()
    for future in futures:
        future.result()
    assert answer(call(service, function, "echo"))


def test_reserved_concurrency_of_zero_refuses_everything(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    reserve(aws, function, 0)
    with pytest.raises(TooManyRequestsError) as refused:
        call(service, function, "echo")
    assert refused.value.reason == RESERVED_LIMIT


def test_account_limit_is_shared_and_reservations_are_taken_off_it(
    serve: Serve, deploy: Deploy, aws: CloudContext, meeting: Meeting
) -> None:
    service = serve(limits=ServiceLimits(account_concurrency=3))
    reserved, one, other = deploy(), deploy(), deploy()
    reserve(aws, reserved, 2)
    held = meeting.start(service, one)
    meeting.arrival()
    with pytest.raises(TooManyRequestsError) as refused:
        call(service, other, "echo")
    assert refused.value.reason == ACCOUNT_LIMIT
    assert answer(call(service, reserved, "echo"))
    meeting.let_go()
    held.result()
    assert answer(call(service, other, "echo"))


def test_environments_start_no_faster_than_the_scaling_rate(serve: Serve, deploy: Deploy) -> None:
    service = serve(limits=ServiceLimits(scaling_burst=1))
    function = deploy(Timeout=20)
    assert answer(call(service, function, "echo"))
    call(service, function, "exit", status=1)
    with pytest.raises(TooManyRequestsError):
        call(service, function, "echo")


def test_scaling_rate_is_refilled_with_time_and_counted_by_function() -> None:
    now = 0.0
    rate = ScalingRate(burst=1000, period_s=10.0, clock=lambda: now)
    for _ in range(1000):
        rate.take("one")
    with pytest.raises(TooManyRequestsError):
        rate.take("one")
    rate.take("other")
    now = 0.01
    rate.take("one")
    with pytest.raises(TooManyRequestsError):
        rate.take("one")


def test_place_is_free_again_after_an_error() -> None:
    limits = ConcurrencyLimits(account_limit=1)
    with (
        pytest.raises(LookupError),
        limits.admitted("function", reserved=None, reserved_total=0),
    ):
        raise LookupError
    with limits.admitted("function", reserved=None, reserved_total=0) as concurrency:
        assert concurrency == 1
