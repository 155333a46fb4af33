"""Alarms on the HTTP API as its callers meet it: answers of 5xx, and slow answers.

It decides what is too many and too slow. Answers of 4xx are the caller's doing and no alarm.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.components.alarm import AnnouncedAlarm
from stacks.components.alarm_topic import AlarmTopic

_FIVE_MINUTES = Duration.minutes(5)
# Clients poll: a single failure among a handful of requests would be tens of percent.
_SERVER_ERRORS = 3
_SERVER_ERRORS_PERCENT = 1
# A cold start of `jobs`, boto3 and all, with room to spare. With few requests the p99 is the
# slowest one, so a quarter of an hour of slow ones is asked for, not a single cold start.
_SLOW_MS = 5_000
_SLOW_PERIODS = 3


class ApiAlarms(Construct):
    """5xx rate and p99 latency; in `alarms`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: apigatewayv2.HttpStage,
        topic: AlarmTopic,
    ) -> None:
        """Watch `stage` of the API."""
        super().__init__(scope, construct_id)
        self.alarms: list[cloudwatch.Alarm] = [
            AnnouncedAlarm(
                self,
                "ServerErrors",
                metric=cloudwatch.MathExpression(
                    expression=f"IF(failed >= {_SERVER_ERRORS}, 100 * failed / requests, 0)",
                    using_metrics={
                        "failed": stage.metric_server_error(statistic="Sum"),
                        "requests": stage.metric_count(statistic="Sum"),
                    },
                    label="% of requests",
                    period=_FIVE_MINUTES,
                ),
                threshold=_SERVER_ERRORS_PERCENT,
                topic=topic,
                meaning="The API answers requests with 5xx.",
                section="api-errors",
            ),
            AnnouncedAlarm(
                self,
                "Latency",
                metric=stage.metric_latency(statistic="p99", period=_FIVE_MINUTES),
                threshold=_SLOW_MS,
                evaluation_periods=_SLOW_PERIODS,
                topic=topic,
                meaning=f"One request in a hundred takes {_SLOW_MS // 1000} s or longer.",
                section="api-latency",
            ),
        ]
