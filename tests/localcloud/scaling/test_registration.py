"""What may be registered and put, and what becomes of it when it is taken away.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.scaling.deployed import WHERE, Deployed, policy, target

TRACKING = policy(0.5)["Properties"]["TargetTrackingScalingPolicyConfiguration"]


def _alarms(deployed: Deployed) -> list[dict[str, Any]]:
    alarms = deployed.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return sorted(alarms, key=lambda alarm: alarm["AlarmName"])


def _put(deployed: Deployed, name: str = "p", **more: Any) -> dict[str, Any]:
    asked = {
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": TRACKING,
        **more,
    }
    client = deployed.client("application-autoscaling")
    return dict(client.put_scaling_policy(**WHERE, PolicyName=name, **asked))


def test_policy_has_the_two_alarms_of_target_tracking(deployed: Deployed) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"""
    deployed.deploy(Target=target(1, 6), Policy=policy(0.7))
    high, low = _alarms(deployed)
    assert high["AlarmName"].startswith("TargetTracking-function:classify:live-AlarmHigh-")
    assert low["AlarmName"].startswith("TargetTracking-function:classify:live-AlarmLow-")
    for alarm, comparison, datapoints, threshold in (
        (high, "GreaterThanThreshold", 3, 0.7),
        (low, "LessThanThreshold", 15, pytest.approx(0.63)),
    ):
        assert alarm["MetricName"] == "ProvisionedConcurrencyUtilization"
        assert (alarm["Statistic"], alarm["Period"]) == ("Average", 60)
        assert (alarm["ComparisonOperator"], alarm["EvaluationPeriods"]) == (comparison, datapoints)
        assert alarm["Threshold"] == threshold


def test_changed_policy_keeps_its_name_and_alarms(deployed: Deployed) -> None:
    deployed.deploy(Target=target(1, 6))
    first = _put(deployed)
    second = _put(
        deployed, TargetTrackingScalingPolicyConfiguration={**TRACKING, "TargetValue": 0.9}
    )
    assert second["PolicyARN"] == first["PolicyARN"]
    assert second["Alarms"] == first["Alarms"]
    assert [alarm["Threshold"] for alarm in _alarms(deployed)] == [0.9, pytest.approx(0.81)]


def test_deregistered_target_takes_policies_and_alarms_along(deployed: Deployed) -> None:
    deployed.deploy(Target=target(1, 6))
    _put(deployed)
    client = deployed.client("application-autoscaling")
    client.deregister_scalable_target(**WHERE)
    assert client.describe_scaling_policies(ServiceNamespace="lambda")["ScalingPolicies"] == []
    assert _alarms(deployed) == []


def test_deleted_policy_ends_scaling(deployed: Deployed) -> None:
    deployed.deploy(Target=target(2, 6), Policy=policy(0.5))
    deployed.minutes(2, load=2)
    deployed.deploy(Target=target(2, 6))
    deployed.minutes(2, load=2)
    assert (deployed.capacity, _alarms(deployed)) == (2, [])


def test_destroyed_stack_leaves_nothing_that_scales(deployed: Deployed) -> None:
    deployed.deploy(Target=target(3, 6), Policy=policy(0.5))
    deployed.destroy()
    assert _alarms(deployed) == []
    assert deployed.cloud.functions.running_processes() == []
    deployed.minutes(2)
    deployed.deploy()
    # Made again, the alias has what its template says.
    assert deployed.capacity == 2


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"ResourceId": "function:classify:other"}, "other"),
        ({"ResourceId": "function:classify"}, "ResourceId"),
        ({"MinCapacity": 5, "MaxCapacity": 4}, "MinCapacity 5"),
        (
            {
                "ServiceNamespace": "dynamodb",
                "ResourceId": "table/t",
                "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
            },
            "not modelled",
        ),
    ],
)
def test_target_that_cannot_be_scaled_is_refused(
    deployed: Deployed, more: dict[str, Any], named: str
) -> None:
    deployed.deploy()
    client = deployed.client("application-autoscaling")
    with pytest.raises(ClientError, match=named):
        client.register_scalable_target(**{**WHERE, "MinCapacity": 1, "MaxCapacity": 4, **more})
    assert client.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"] == []


def test_policies_that_would_not_act_are_refused(deployed: Deployed) -> None:
    deployed.deploy()
    with pytest.raises(ClientError, match="No scalable target registered"):
        _put(deployed)
    deployed.deploy(Target=target(1, 6))
    with pytest.raises(ClientError, match="StepScaling"):
        _put(deployed, PolicyType="StepScaling", TargetTrackingScalingPolicyConfiguration=TRACKING)
    with pytest.raises(ClientError, match=r"TargetValue 1\.5"):
        _put(deployed, TargetTrackingScalingPolicyConfiguration={**TRACKING, "TargetValue": 1.5})
    _put(deployed, "first")
    with pytest.raises(ClientError, match="first"):
        _put(deployed, "second")
