"""What every alarm has in common.

It decides that missing data is no reason for an alarm (an idle stage publishes none), that both the
alarm and its end are announced, and that each says in words what it means and where to read on.
"""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.components.alarm_topic import AlarmTopic

RUNBOOK = "docs/observability.md"


class AnnouncedAlarm(cloudwatch.Alarm):
    """Goes off when `metric` is at least `threshold` in `evaluation_periods` periods in a row."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        metric: cloudwatch.IMetric,
        threshold: float,
        evaluation_periods: int = 1,
        topic: AlarmTopic,
        meaning: str,
        section: str,
    ) -> None:
        """Describe it by its `meaning` and the `section` (an anchor) of the runbook."""
        super().__init__(
            scope,
            construct_id,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=evaluation_periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{meaning} What to do: {RUNBOOK}#{section}",
        )
        topic.announce(self)
