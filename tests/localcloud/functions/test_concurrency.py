"""Limits on how much runs at once: refused with AWS's reasons, and with nothing else."""

from __future__ import annotations

from typing import Any

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


def admit(limits: ConcurrencyLimits, function: str, reserved: int | None = None, **how: Any) -> str:
    """Begin and end one invocation; why it was refused, or nothing."""
    try:
        with limits.admitted(function, reserved=reserved, reserved_total=reserved or 0, **how):
            return ""
    except TooManyRequestsError as refused:
        return refused.reason


def test_requests_per_second_are_ten_times_the_concurrency() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
    """
    now = 0.0
    limits = ConcurrencyLimits(account_limit=5, clock=lambda: now)
    names = ["one", "other"] * 25
    assert [admit(limits, name) for name in names] == [""] * 50
    assert admit(limits, "one") == admit(limits, "third") == "FunctionInvocationRateLimitExceeded"
    now = 0.02
    assert [admit(limits, "one"), admit(limits, "one")] == [
        "",
        "FunctionInvocationRateLimitExceeded",
    ]


def test_reserved_function_has_a_rate_of_its_own_for_requests() -> None:
    limits = ConcurrencyLimits(account_limit=100, clock=lambda: 0.0)
    assert [admit(limits, "reserving", 2) for _ in range(20)] == [""] * 20
    assert admit(limits, "reserving", 2) == "ReservedFunctionInvocationRateLimitExceeded"
    assert admit(limits, "other") == ""
    assert admit(limits, "off", 0) == RESERVED_LIMIT


def test_rate_of_asynchronous_requests_is_not_limited() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests"""
    limits = ConcurrencyLimits(account_limit=1, clock=lambda: 0.0)
    assert {admit(limits, "one", synchronous=False) for _ in range(100)} == {""}
    assert admit(limits, "one") == ""


def test_rate_of_requests_refuses_invocations_of_a_service(serve: Serve, deploy: Deploy) -> None:
    service = serve(limits=ServiceLimits(account_concurrency=1))
    function = deploy()
    assert answer(call(service, function, "echo"))
    calls = (call(service, function, "echo") for _ in range(1000))
    with pytest.raises(TooManyRequestsError) as refused:
        list(calls)
    assert refused.value.body == {
        "Reason": "FunctionInvocationRateLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    }


def test_provisioned_concurrency_spills_over_to_environments_on_demand(
    service: FunctionService, deploy: Deploy, aws: CloudContext, meeting: Meeting
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"""
    function = deploy()
    client = aws.client("lambda")
    client.publish_version(FunctionName=function)
    service.provision(function, "1", 1)
    (provisioned,) = service.running_processes()
    qualified = f"{function}:1"
    first = meeting.start(service, qualified)
    assert meeting.arrival()["pid"] == provisioned
    second = meeting.start(service, qualified)
    assert meeting.arrival()["pid"] != provisioned
    meeting.let_go()
    first.result()
    second.result()
    service.flush()
    names = aws.client("cloudwatch").list_metrics(
        Namespace="AWS/Lambda",
        MetricName="ProvisionedConcurrencySpilloverInvocations",
        Dimensions=[{"Name": "FunctionName", "Value": function}],
    )
    assert names["Metrics"]
