"""How target tracking changes a capacity, by the last value of the metric and the cooldowns.

It scales out in proportion to the metric, as far as that is more than what is there already, and
in more gradually. AWS says so much and gives no step for scaling in; here it is a tenth, at least
one, and never more than the metric asks for.
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# Three datapoints above the target, fifteen below nine tenths of it:
# https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
PERIOD_S = 60
HIGH_DATAPOINTS = 3
LOW_DATAPOINTS = 15
LOW_SHARE = 0.9

_STEP_IN = 0.1
# Beside what floating-point arithmetic adds to a quotient that is whole.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Policy:
    """A target tracking configuration. Cooldowns are zero for Lambda unless they are given.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TargetTrackingScalingPolicyConfiguration.html
    """

    target: float
    scale_in_disabled: bool = False
    out_cooldown_s: float = 0.0
    in_cooldown_s: float = 0.0


@dataclass
class Cooldown:
    """What a policy did last: when it scaled out and to which capacity, and when it scaled in."""

    out_at: float = -math.inf
    out_to: int = 0
    in_at: float = -math.inf


def scaled_out(policy: Policy, capacity: int, metric: float, last: Cooldown, now: float) -> int:
    """The capacity wanted when the metric is above its target; the same one for no change."""
    wanted = math.ceil(capacity * metric / policy.target - _ROUNDING)
    cooling = now - last.out_at < policy.out_cooldown_s
    # While it cools down, only more than the capacity that it was scaled out to counts.
    if cooling and wanted <= last.out_to:
        return capacity
    return max(wanted, capacity)


def scaled_in(policy: Policy, capacity: int, metric: float, last: Cooldown, now: float) -> int:
    """The capacity wanted when the metric is far below its target; the same one for no change."""
    cooling = now - last.in_at < policy.in_cooldown_s
    if policy.scale_in_disabled or cooling:
        return capacity
    wanted = math.ceil(capacity * metric / policy.target - _ROUNDING)
    step = max(1, math.floor(capacity * _STEP_IN))
    return min(capacity, max(wanted, capacity - step))
