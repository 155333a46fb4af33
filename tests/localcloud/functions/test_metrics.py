"""Lambda's metrics, read by boto3 as on AWS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localcloud.context import CloudContext
from localcloud.functions import FunctionService, ServiceLimits
from localcloud.functions.errors import TooManyRequestsError
from tests.localcloud.functions.invoking import Deploy, Meeting, Serve, answer, call


def statistics(aws: CloudContext, name: str, *statistic: str, **dimensions: str) -> Any:
    """The sole datapoint of the last two hours."""
    now = datetime.now(UTC)
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=list(statistic),
    )["Datapoints"]
    assert len(points) == 1
    return [points[0][key] for key in statistic]


def test_invocations_errors_and_durations_add_up(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    for _ in range(3):
        call(service, function, "echo")
    service.flush()
    call(service, function, "raise", message="x")
    service.flush()
    assert statistics(aws, "Invocations", "Sum", FunctionName=function) == [4]
    assert statistics(aws, "Errors", "Sum", "SampleCount", FunctionName=function) == [1, 4]
    count, mean, longest = statistics(
        aws, "Duration", "SampleCount", "Average", "Maximum", FunctionName=function
    )
    assert count == 4
    assert 0 < mean <= longest < 20_000


def test_metrics_of_an_alias_are_its_own(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    aws.client("lambda").create_alias(FunctionName=function, Name="live", FunctionVersion="$LATEST")
    service.invoke(function, "live", b"{}")
    service.invoke(function, None, b"{}")
    service.flush()
    resource = f"{function}:live"
    assert statistics(aws, "Invocations", "Sum", FunctionName=function) == [2]
    assert statistics(aws, "Invocations", "Sum", FunctionName=function, Resource=resource) == [1]


def test_throttles_are_counted_and_are_no_invocations(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    call(service, function, "echo")
    aws.client("lambda").put_function_concurrency(
        FunctionName=function, ReservedConcurrentExecutions=0
    )
    for _ in range(2):
        with pytest.raises(TooManyRequestsError):
            call(service, function, "echo")
    service.flush()
    assert statistics(aws, "Throttles", "Sum", FunctionName=function) == [2]
    assert statistics(aws, "Invocations", "Sum", FunctionName=function) == [1]


def test_concurrent_executions_have_their_maximum(
    service: FunctionService, deploy: Deploy, aws: CloudContext, meeting: Meeting
) -> None:
    function = deploy()
    futures = [meeting.start(service, function) for _ in range(3)]
    for _ in futures:
        meeting.arrival()
    meeting.let_go()
    for future in futures:
        future.result()
    service.flush()
    assert statistics(aws, "ConcurrentExecutions", "Maximum", FunctionName=function) == [3]


def test_metric_data_query_finds_the_same(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    call(service, function, "echo")
    service.flush()
    now = datetime.now(UTC)
    dimensions = [{"Name": "FunctionName", "Value": function}]
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Invocations", "Dimensions": dimensions}
    found = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {"Id": "invocations", "MetricStat": {"Metric": metric, "Period": 7200, "Stat": "Sum"}}
        ],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
    )
    assert found["MetricDataResults"][0]["Values"] == [1]


def test_metrics_appear_without_a_flush(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    call(service, function, "echo")
    service.stop()
    assert statistics(aws, "Invocations", "Sum", FunctionName=function) == [1]


def test_provisioned_environments_are_ready_and_their_use_is_measured(
    serve: Serve, deploy: Deploy, aws: CloudContext, meeting: Meeting
) -> None:
    service = serve(limits=ServiceLimits(width=8, idle_s=0.0))
    function = deploy()
    client = aws.client("lambda")
    client.publish_version(FunctionName=function)
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    service.provision(function, "live", 2)
    ready = set(service.running_processes())
    assert len(ready) == 2
    seen = answer(service.invoke(function, "live", b'{"do": "describe"}'))
    assert seen["pid"] in ready
    assert seen["variables"]["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
    service.flush()
    resource = f"{function}:live"
    utilization = statistics(
        aws,
        "ProvisionedConcurrencyUtilization",
        "Maximum",
        FunctionName=function,
        Resource=resource,
    )
    assert utilization == [0.5]
    service.provision(function, "live", 0)
