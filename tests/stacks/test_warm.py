"""Provisioned concurrency: on the alias, scaled by utilisation, raised for a campaign."""

from __future__ import annotations

from typing import Any

import pytest

from settings.stages import DEV, PROD
from tests.stacks.synthesized import Synthesize, Synthesized, as_text

WARM = [name for name, function in PROD.functions.items() if function.provisioned is not None]
CAMPAIGN = {
    "classify.provisioned.campaign.start": "cron(0 7 ? * MON-FRI *)",
    "classify.provisioned.campaign.end": "cron(0 19 ? * MON-FRI *)",
    "classify.provisioned.campaign.minimum": "20",
    "classify.provisioned.campaign.timezone": "Europe/Berlin",
}


def scaling_of(stage: Synthesized, function: str, kind: str) -> dict[str, Any]:
    """Properties of the one scaling resource of a kind that belongs to a function's alias."""
    (found,) = (
        resource["Properties"]
        for name, resource in stage.resources(f"AWS::ApplicationAutoScaling::{kind}").items()
        if name.startswith(f"Functions/{function.title()}Live")
    )
    return found


def test_dev_keeps_no_environment_warm(dev: Synthesized) -> None:
    for alias in dev.resources("AWS::Lambda::Alias").values():
        assert "ProvisionedConcurrencyConfig" not in alias["Properties"]
    assert not dev.resources("AWS::ApplicationAutoScaling::ScalableTarget")


def test_prod_keeps_shards_and_the_api_warm_and_nothing_else(prod: Synthesized) -> None:
    warm = {
        name.rpartition("Live")[0]: alias["Properties"]["ProvisionedConcurrencyConfig"]
        for name, alias in prod.resources("AWS::Lambda::Alias").items()
        if "ProvisionedConcurrencyConfig" in alias["Properties"]
    }
    assert warm == {
        "Functions/Classify": {"ProvisionedConcurrentExecutions": 2},
        "Functions/Predict": {"ProvisionedConcurrentExecutions": 1},
    }
    assert len(prod.resources("AWS::ApplicationAutoScaling::ScalableTarget")) == 2
    assert WARM == ["classify", "predict"]


@pytest.mark.parametrize("name", WARM)
def test_warm_environments_follow_their_utilisation(prod: Synthesized, name: str) -> None:
    kept = PROD.functions[name].provisioned
    assert kept is not None
    target = scaling_of(prod, name, "ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (kept.minimum, kept.maximum)
    assert "ScheduledActions" not in target
    tracking = scaling_of(prod, name, "ScalingPolicy")["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == kept.target_utilization == 0.6
    assert tracking["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"
    }


@pytest.mark.parametrize("name", WARM)
def test_scaling_target_is_made_after_the_alias_it_scales(prod: Synthesized, name: str) -> None:
    """And deleted before it: its name is a reference to the alias."""
    resource_id = as_text(scaling_of(prod, name, "ScalableTarget")["ResourceId"])
    (alias,) = (
        key.partition("/")[2]
        for key in prod.resources("AWS::Lambda::Alias")
        if key.startswith(f"Functions/{name.title()}Live")
    )
    assert resource_id == f"function:<6 of <{alias}> split at :>:live"


def test_campaign_raises_the_minimum_and_takes_away_what_it_kept(synthesize: Synthesize) -> None:
    stage = synthesize("prod", **CAMPAIGN)
    target = scaling_of(stage, "classify", "ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 50)
    actions = {
        action["ScheduledActionName"]: {
            key: value for key, value in action.items() if key != "ScheduledActionName"
        }
        for action in target["ScheduledActions"]
    }
    assert actions == {
        "CampaignStart": {
            "ScalableTargetAction": {"MinCapacity": 20, "MaxCapacity": 50},
            "Schedule": "cron(0 7 ? * MON-FRI *)",
            "Timezone": "Europe/Berlin",
        },
        # Only a lower maximum takes environments away when nobody calls any more.
        "CampaignEnd": {
            "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 2},
            "Schedule": "cron(0 19 ? * MON-FRI *)",
            "Timezone": "Europe/Berlin",
        },
        "CampaignOver": {
            "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 50},
            "Schedule": "cron(5 19 ? * MON-FRI *)",
            "Timezone": "Europe/Berlin",
        },
    }
    assert "ScheduledActions" not in scaling_of(stage, "predict", "ScalableTarget")


def test_provisioned_concurrency_can_be_switched_on_in_dev(synthesize: Synthesize) -> None:
    assert DEV.plan.provisioned is None
    stage = synthesize(
        "dev",
        **{
            "plan.provisioned.minimum": "1",
            "plan.provisioned.maximum": "3",
            "plan.provisioned.target_utilization": "0.7",
        },
    )
    target = stage.only("AWS::ApplicationAutoScaling::ScalableTarget")["Properties"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 3)


def test_provisioned_concurrency_can_be_switched_off_in_prod(synthesize: Synthesize) -> None:
    stage = synthesize("prod", **{f"{name}.provisioned": "none" for name in WARM})
    assert not stage.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    for alias in stage.resources("AWS::Lambda::Alias").values():
        assert "ProvisionedConcurrencyConfig" not in alias["Properties"]
