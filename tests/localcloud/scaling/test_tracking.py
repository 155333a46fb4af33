"""How far target tracking goes in one step.

https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

from __future__ import annotations

import pytest

from localcloud.scaling.tracking import Cooldown, Policy, scaled_in, scaled_out


@pytest.mark.parametrize(
    ("capacity", "metric", "wanted"),
    [(10, 0.9, 15), (10, 0.61, 11), (2, 1.0, 4), (3, 0.6, 3), (10, 0.5, 10)],
)
def test_out_is_in_proportion_to_the_metric_and_rounded_up(
    capacity: int, metric: float, wanted: int
) -> None:
    assert scaled_out(Policy(0.6), capacity, metric, Cooldown(), 0) == wanted


@pytest.mark.parametrize(
    ("capacity", "metric", "wanted"),
    [(100, 0.0, 90), (100, 0.57, 95), (5, 0.0, 4), (1, 0.0, 0), (10, 0.6, 10), (10, 0.7, 10)],
)
def test_in_is_gradual_and_never_more_than_the_metric_asks_for(
    capacity: int, metric: float, wanted: int
) -> None:
    assert scaled_in(Policy(0.6), capacity, metric, Cooldown(), 0) == wanted


def test_scale_in_can_be_disabled() -> None:
    assert scaled_in(Policy(0.6, scale_in_disabled=True), 100, 0.0, Cooldown(), 0) == 100


def test_while_out_cools_down_only_a_larger_capacity_counts() -> None:
    policy = Policy(0.5, out_cooldown_s=120)
    last = Cooldown(out_at=0, out_to=10)
    # The capacity may be less than it was scaled out to: that is not there yet.
    assert scaled_out(policy, 8, 0.6, last, 60) == 8
    assert scaled_out(policy, 10, 1.0, last, 60) == 20
    assert scaled_out(policy, 8, 0.6, last, 120) == 10


def test_while_in_cools_down_nothing_is_taken_away() -> None:
    policy = Policy(0.5, in_cooldown_s=120)
    assert scaled_in(policy, 10, 0.0, Cooldown(in_at=0), 119) == 10
    assert scaled_in(policy, 10, 0.0, Cooldown(in_at=0), 120) == 9
