"""Target tracking on a deployed alias: load, minutes of the clock, capacity, cold starts.

https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

from __future__ import annotations

import pytest

from localcloud.monitoring.metrics import Metric
from tests.localcloud.scaling.deployed import Deployed, cold, policy, target


def test_capacity_follows_the_load_and_later_invocations_are_not_cold(deployed: Deployed) -> None:
    deployed.deploy(Target=target(2, 6), Policy=policy(0.6))
    assert deployed.capacity == 2
    # Two of three find an environment ready.
    assert [cold(result) for result in deployed.at_once(3)] == [False, False, True]

    # Utilisation is (0.5 + 1 + 1 + 1) / 4 = 0.875 in each minute.
    deployed.minutes(2, load=4)
    assert deployed.alarm("AlarmHigh")["StateValue"] == "INSUFFICIENT_DATA"
    assert deployed.capacity == 2
    deployed.minutes(1, load=4)

    assert deployed.alarm("AlarmHigh")["StateValue"] == "ALARM"
    # 2 * 0.875 / 0.6 = 2.9
    assert deployed.capacity == 3
    (activity,) = deployed.activities()
    assert activity["StatusCode"] == "Successful"
    assert "AlarmHigh" in activity["Cause"]
    results = deployed.at_once(3)
    assert not any(cold(result) for result in results)

    # The alarm is in ALARM in this minute too, by the three minutes' utilisation.
    deployed.minutes(1, load=4)
    assert deployed.capacity > 3
    high = deployed.capacity

    deployed.minutes(14)
    assert deployed.capacity == high
    deployed.minutes(1)
    assert deployed.alarm("AlarmLow")["StateValue"] == "ALARM"
    assert deployed.capacity == high - 1
    deployed.minutes(10)
    # Never below the minimum.
    assert deployed.capacity == 2
    (newest, *_) = deployed.activities(IncludeNotScaledActivities=True)
    assert newest["NotScaledReasons"][0]["Code"] == "AlreadyAtMinCapacity"
    assert newest["NotScaledReasons"][0]["MinCapacity"] == 2


def test_idle_minute_has_a_utilisation_of_zero_in_that_minute(deployed: Deployed) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html"""
    deployed.deploy()
    begun = deployed.clock.now
    deployed.minutes(1)
    dimensions = {"FunctionName": "classify", "Resource": "classify:live"}
    metric = Metric.of("AWS/Lambda", "ProvisionedConcurrencyUtilization", dimensions)
    metrics = deployed.cloud.context.metrics
    assert [metrics.has(metric, begun + late) for late in (-60, 0, 60)] == [False, True, False]
    values = metrics.between(metric, begun, begun + 60)
    assert values is not None
    assert (values.count, values.total) == (1, 0)


def test_minute_with_invocations_has_their_utilisation_alone(deployed: Deployed) -> None:
    deployed.deploy()
    begun = deployed.clock.now
    deployed.minutes(1, load=2)
    dimensions = {"FunctionName": "classify", "Resource": "classify:live"}
    metric = Metric.of("AWS/Lambda", "ProvisionedConcurrencyUtilization", dimensions)
    values = deployed.cloud.context.metrics.between(metric, begun, begun + 60)
    assert values is not None
    # 1/2 and 2/2, and no zero for the minute.
    assert (values.count, values.total) == (2, 1.5)


@pytest.mark.parametrize(("suspended", "capacities"), [("Out", (2, 2)), ("In", (4, 4))])
def test_suspended_direction_is_left_alone(
    deployed: Deployed, suspended: str, capacities: tuple[int, int]
) -> None:
    """https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-suspend-resume-scaling.html"""
    state = {f"DynamicScaling{suspended}Suspended": True}
    deployed.deploy(Target=target(2, 4, SuspendedState=state), Policy=policy(0.3))
    deployed.minutes(3, load=2)
    after_load = deployed.capacity
    deployed.minutes(20)
    assert (after_load, deployed.capacity) == capacities
    # It is not for lack of an alarm.
    assert deployed.alarm("AlarmLow")["StateValue"] == "ALARM"


def test_cooldown_keeps_the_next_scale_in_waiting(deployed: Deployed) -> None:
    deployed.deploy(Target=target(2, 6), Policy=policy(0.3, ScaleInCooldown=180))
    deployed.minutes(3, load=2)
    assert deployed.capacity == 5
    seen = []
    for _ in range(22):
        deployed.minutes(1)
        seen.append(deployed.capacity)
    # Three minutes between one step and the next.
    assert [seen.count(capacity) for capacity in (4, 3)] == [3, 3]
    assert seen[-1] == 2
