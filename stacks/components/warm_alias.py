"""Environments of an alias that are initialised before anybody calls, as many as its load asks for.

It decides that their number follows their utilisation between a minimum and a maximum, and that a
campaign raises the minimum for a time. At its end the maximum is lowered as well, for five minutes:
a lower minimum alone takes nothing away, and target tracking takes nothing away either while there
is no load, because an alarm without data is not an alarm for low utilisation.

https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

from __future__ import annotations

from aws_cdk import TimeZone
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_lambda as lambda_

from settings.schedules import over
from settings.stage import ProvisionedConcurrency


def keep_warm(alias: lambda_.Alias, kept: ProvisionedConcurrency) -> None:
    """Scale the provisioned concurrency of `alias` by its utilisation, and by the campaign."""
    target = alias.add_auto_scaling(min_capacity=kept.minimum, max_capacity=kept.maximum)
    target.scale_on_utilization(utilization_target=kept.target_utilization)
    if kept.campaign is None:
        return
    campaign = kept.campaign
    for name, schedule, minimum, maximum in (
        ("CampaignStart", campaign.start, campaign.minimum, kept.maximum),
        ("CampaignEnd", campaign.end, kept.minimum, kept.minimum),
        ("CampaignOver", over(campaign.end), kept.minimum, kept.maximum),
    ):
        target.scale_on_schedule(
            name,
            schedule=scaling.Schedule.expression(schedule),
            min_capacity=minimum,
            max_capacity=maximum,
            time_zone=TimeZone.of(campaign.timezone),
        )
