"""Throttles are what CloudWatch says, and unknown where it says nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.stub import Stubber

from hpc.observed import read_architecture, read_throttles

STARTED = datetime(2026, 1, 31, 14, 5, 50, tzinfo=UTC)
STOPPED = STARTED + timedelta(seconds=25)


@pytest.fixture
def cloudwatch(aws):
    return aws("cloudwatch")


def put(cloudwatch, metric: str, value: float, at: datetime, function: str = "classify") -> None:
    cloudwatch.put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "FunctionName", "Value": function}],
                "Timestamp": at,
                "Value": value,
            }
        ],
    )


def read(cloudwatch):
    return read_throttles(
        cloudwatch, function_name="classify", started_at=STARTED, stopped_at=STOPPED
    )


def test_throttles_are_summed_over_the_minutes_of_the_job(cloudwatch) -> None:
    put(cloudwatch, "Throttles", 3, STARTED)
    put(cloudwatch, "Throttles", 4, STOPPED)
    put(cloudwatch, "Throttles", 100, STARTED - timedelta(minutes=2))
    put(cloudwatch, "Throttles", 100, STOPPED + timedelta(minutes=2))
    put(cloudwatch, "Throttles", 100, STARTED, function="plan")
    found = read(cloudwatch)
    assert (found.count, found.reason) == (7, None)


def test_invocations_without_throttles_are_none_throttled(cloudwatch) -> None:
    put(cloudwatch, "Invocations", 30, STARTED)
    assert (read(cloudwatch).count, read(cloudwatch).reason) == (0, None)


def test_no_metrics_at_all_are_no_knowledge(cloudwatch) -> None:
    found = read(cloudwatch)
    assert found.count is None
    assert "no invocations in the job's window" in found.reason


def test_denied_metrics_are_no_knowledge_either(cloudwatch) -> None:
    with Stubber(cloudwatch) as stub:
        stub.add_client_error("get_metric_statistics", service_error_code="AccessDenied")
        found = read(cloudwatch)
    assert found.count is None
    assert "AccessDenied" in found.reason


def test_architecture_is_the_functions_own(aws, deployed) -> None:
    assert read_architecture(aws("lambda"), function_name="classify") == "arm64"
