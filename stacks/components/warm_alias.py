"""Environments of an alias that are initialised before anybody calls, as many as its load asks for.

It decides that their number follows their utilisation between a minimum and a maximum, and that a
campaign raises the minimum for a time and gives it back. The maximum stays: a campaign is when the
load comes, and what target tracking may add is bounded by the stage.

https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

from aws_cdk import TimeZone
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_lambda as lambda_

from settings.stage import ProvisionedConcurrency


def keep_warm(alias: lambda_.Alias, kept: ProvisionedConcurrency) -> None:
    """Scale the provisioned concurrency of `alias` by its utilisation, and by the campaign."""
    target = alias.add_auto_scaling(min_capacity=kept.minimum, max_capacity=kept.maximum)
    target.scale_on_utilization(utilization_target=kept.target_utilization)
    if kept.campaign is None:
        return
    campaign = kept.campaign
    for name, schedule, minimum in (
        ("CampaignStart", campaign.start, campaign.minimum),
        ("CampaignEnd", campaign.end, kept.minimum),
    ):
        target.scale_on_schedule(
            name,
            schedule=scaling.Schedule.expression(schedule),
            min_capacity=minimum,
            time_zone=TimeZone.of(campaign.timezone),
        )
