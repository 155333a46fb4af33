"""Alarms on jobs, which are executions of the state machine.

It decides that every job that does not succeed is announced: the workflow has tried again what
could be tried again before it gave up. Children of a map count under an ARN of their own and set
nothing off here.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-examine-map-run.html
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.components.alarm import AnnouncedAlarm
from stacks.components.alarm_topic import AlarmTopic

_FIVE_MINUTES = Duration.minutes(5)


class JobAlarms(Construct):
    """Failed, timed-out and aborted jobs; in `alarms`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        machine: sfn.StateMachine,
        topic: AlarmTopic,
    ) -> None:
        """Watch the executions of `machine`."""
        super().__init__(scope, construct_id)
        ends = (
            ("Failed", machine.metric_failed, "A job failed.", "failed-jobs"),
            (
                "TimedOut",
                machine.metric_timed_out,
                "A job took longer than job_timeout_s.",
                "timed-out-jobs",
            ),
            ("Aborted", machine.metric_aborted, "Somebody stopped a job.", "aborted-jobs"),
        )
        self.alarms: list[cloudwatch.Alarm] = [
            AnnouncedAlarm(
                self,
                name,
                metric=metric(period=_FIVE_MINUTES),
                threshold=1,
                topic=topic,
                meaning=meaning,
                section=section,
            )
            for name, metric, meaning, section in ends
        ]
