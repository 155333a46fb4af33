"""Scheduled actions of a deployed target: at their minute, the limits and the capacity change.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scheduled-scaling.html
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.scaling.deployed import WHERE, Deployed, cold, target


def _in(deployed: Deployed, minutes: int) -> datetime:
    return datetime.fromtimestamp(deployed.clock.now, UTC) + timedelta(minutes=minutes)


def _at(deployed: Deployed, minutes: int) -> str:
    return f"at({_in(deployed, minutes):%Y-%m-%dT%H:%M:%S})"


def _daily(deployed: Deployed, minutes: int) -> str:
    return f"cron({_in(deployed, minutes):%M %H} * * ? *)"


def _action(name: str, schedule: str, **limits: int) -> dict[str, Any]:
    return {"ScheduledActionName": name, "Schedule": schedule, "ScalableTargetAction": limits}


def _scheduled(deployed: Deployed) -> list[str]:
    found = deployed.client("application-autoscaling").describe_scheduled_actions(**WHERE)
    return sorted(action["ScheduledActionName"] for action in found["ScheduledActions"])


def test_campaign_warms_environments_and_lets_them_go(deployed: Deployed) -> None:
    start = _action("start", _daily(deployed, 2), MinCapacity=4, MaxCapacity=6)
    end = _action("end", _at(deployed, 4), MinCapacity=1, MaxCapacity=1)
    deployed.deploy(Target=target(1, 6, ScheduledActions=[start, end]))
    deployed.minutes(1)
    assert deployed.capacity == 2

    deployed.minutes(1)

    assert deployed.capacity == 4
    client = deployed.client("application-autoscaling")
    (registered,) = client.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"]
    assert (registered["MinCapacity"], registered["MaxCapacity"]) == (4, 6)
    assert "minimum capacity was set to 4" in deployed.activities()[0]["Cause"]
    assert not any(cold(result) for result in deployed.at_once(4))
    deployed.minutes(2)
    assert deployed.capacity == 1


def test_changed_and_removed_actions_are_taken_from_the_target(deployed: Deployed) -> None:
    one, two = (
        _action("one", _at(deployed, 2), MinCapacity=5),
        _action("two", _at(deployed, 2), MinCapacity=6),
    )
    deployed.deploy(Target=target(1, 6, ScheduledActions=[one, two]))
    assert _scheduled(deployed) == ["one", "two"]

    changed = _action("one", _at(deployed, 3), MinCapacity=3)
    deployed.deploy(Target=target(1, 6, ScheduledActions=[changed]))

    assert _scheduled(deployed) == ["one"]
    deployed.minutes(2)
    assert deployed.capacity == 2
    deployed.minutes(1)
    assert deployed.capacity == 3


def test_removed_target_leaves_the_capacity_and_takes_its_actions(deployed: Deployed) -> None:
    """https://github.com/aws/aws-cdk/issues/31507"""
    due = _action("due", _at(deployed, 1), MinCapacity=5)
    deployed.deploy(Target=target(3, 6, ScheduledActions=[due]))
    assert deployed.capacity == 3
    deployed.deploy()
    assert _scheduled(deployed) == []
    deployed.minutes(1)
    assert deployed.capacity == 3


def test_changed_limits_move_the_capacity_at_once(deployed: Deployed) -> None:
    deployed.deploy(Target=target(1, 6))
    assert deployed.capacity == 2
    deployed.deploy(Target=target(4, 6))
    assert deployed.capacity == 4
    deployed.deploy(Target=target(1, 3))
    assert deployed.capacity == 3


def test_suspended_schedule_does_nothing(deployed: Deployed) -> None:
    due = _action("due", _at(deployed, 1), MinCapacity=5)
    suspended = {"ScheduledScalingSuspended": True}
    deployed.deploy(Target=target(1, 6, ScheduledActions=[due], SuspendedState=suspended))
    deployed.minutes(1)
    assert deployed.capacity == 2


def test_recurring_action_begins_with_its_start_and_ends_with_its_end(deployed: Deployed) -> None:
    deployed.deploy(Target=target(1, 6))
    client = deployed.client("application-autoscaling")
    client.put_scheduled_action(
        **WHERE,
        **_action("rate", "rate(2 minutes)", MinCapacity=4),
        StartTime=_in(deployed, 2),
        EndTime=_in(deployed, 5),
    )

    def down_and_on() -> int:
        client.register_scalable_target(**WHERE, MinCapacity=1, MaxCapacity=1)
        client.register_scalable_target(**WHERE, MaxCapacity=6)
        deployed.minutes(1)
        return deployed.capacity

    assert [down_and_on() for _ in range(7)] == [1, 4, 1, 4, 1, 1, 1]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"Schedule": "cron(0 8 * * * *)"}, "days"),
        ({"Schedule": "every day"}, "every day"),
        ({"Timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"ScalableTargetAction": {}}, "MinCapacity or MaxCapacity"),
        ({"ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}}, "MinCapacity 3"),
    ],
)
def test_wrong_action_is_refused_and_changes_nothing(
    deployed: Deployed, more: dict[str, Any], named: str
) -> None:
    deployed.deploy(Target=target(1, 6))
    client = deployed.client("application-autoscaling")
    asked = {**_action("one", "cron(0 8 * * ? *)", MinCapacity=2), **more}
    with pytest.raises(ClientError, match=named):
        client.put_scheduled_action(**WHERE, **asked)
    assert _scheduled(deployed) == []
