"""Throttles are what CloudWatch says, and unknown where it says nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
from botocore.stub import Stubber

from hpc.observed import read_architecture, read_throttles
from tests.hpc.conftest import publish_metric

STARTED = datetime(2026, 1, 31, 14, 5, 50, tzinfo=UTC)
STOPPED = STARTED + timedelta(seconds=25)


def read(cloudwatch, sleep=lambda seconds: None):
    return read_throttles(
        cloudwatch,
        function_name="classify",
        started_at=STARTED,
        stopped_at=STOPPED,
        invocations=30,
        sleep=sleep,
    )


def test_throttles_are_summed_over_the_minutes_of_the_job(aws) -> None:
    publish_metric(aws, "Invocations", 30, STOPPED)
    publish_metric(aws, "Throttles", 3, STARTED)
    publish_metric(aws, "Throttles", 4, STOPPED)
    publish_metric(aws, "Throttles", 100, STARTED - timedelta(minutes=2))
    publish_metric(aws, "Throttles", 100, STOPPED + timedelta(minutes=2))
    publish_metric(aws, "Throttles", 100, STARTED, function="plan")
    found = read(aws("cloudwatch"))
    assert (found.count, found.reason) == (7, None)


def test_all_invocations_and_no_throttles_are_none_throttled(aws) -> None:
    publish_metric(aws, "Invocations", 30, STARTED)
    found = read(aws("cloudwatch"))
    assert (found.count, found.reason) == (0, None)


def test_metrics_published_after_the_job_in_the_next_minute_count(aws) -> None:
    publish_metric(aws, "Invocations", 30, STOPPED + timedelta(seconds=46))
    assert read(aws("cloudwatch")).count == 0


def test_metrics_that_come_late_are_waited_for(aws) -> None:
    publish_metric(aws, "Invocations", 10, STARTED)
    publish_metric(aws, "Throttles", 1, STARTED)
    waits = []

    def publish(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            publish_metric(aws, "Invocations", 20, STARTED)
            publish_metric(aws, "Throttles", 5, STARTED)

    assert read(aws("cloudwatch"), publish).count == 6
    assert len(waits) == 2


def test_metrics_that_do_not_come_are_no_knowledge(aws) -> None:
    publish_metric(aws, "Invocations", 12, STARTED)
    waits: list[float] = []
    found = read(aws("cloudwatch"), waits.append)
    assert (found.count, found.reason) == (None, "CloudWatch shows 12 of 30 invocations so far")
    assert sum(waits) < 5


def test_denied_metrics_are_no_knowledge_either() -> None:
    client = boto3.client(
        "cloudwatch",
        region_name="us-east-1",
        aws_access_key_id="AKID",
        aws_secret_access_key="secret",
    )
    with Stubber(client) as stub:
        stub.add_client_error("get_metric_statistics", service_error_code="AccessDenied")
        found = read(client)
    assert found.count is None
    assert "AccessDenied" in found.reason


def test_architecture_is_the_functions_own(aws, deployed) -> None:
    assert read_architecture(aws("lambda"), function_name="classify") == "arm64"
