"""Who does an alarm's action, by its ARN: Application Auto Scaling or the topics."""

from __future__ import annotations

from localcloud.monitoring.alarms import SCALING_POLICY, Act, Change
from localcloud.monitoring.topics import Topics
from localcloud.scaling.service import Scaling


def actions(topics: Topics, scaling: Scaling) -> Act:
    """Does the actions that `check_actions` lets through."""

    def act(action: str, change: Change) -> None:
        if SCALING_POLICY in action:
            scaling.act(action, change)
        else:
            topics.publish(action, change)

    return act
