"""Sizing: what was measured and how often it is called, to concurrency and costs."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hpc.erlang import blocking
from hpc.sizing import Aims, Load, SizingError, break_even, size

API = Load(duration_ms=30, cold_start_ms=400, memory_mb=1769, arrivals_per_s=5, peak_per_s=50)
BUSY = Load(duration_ms=300, cold_start_ms=400, memory_mb=1024, arrivals_per_s=100, peak_per_s=500)
LOADS = st.builds(
    Load,
    duration_ms=st.floats(min_value=1, max_value=1_000),
    cold_start_ms=st.floats(min_value=0, max_value=1_000),
    memory_mb=st.integers(min_value=128, max_value=10_240),
    arrivals_per_s=st.floats(min_value=0.01, max_value=100),
    peak_per_s=st.floats(min_value=100, max_value=200),
    architecture=st.sampled_from(["x86_64", "arm64"]),
)
BIG = Aims(account_concurrency=100_000)


def test_provisioned_concurrency_breaks_even_at_sixty_per_cent() -> None:
    """https://aws.amazon.com/lambda/pricing/: of both architectures' prices in us-east-1."""
    assert break_even("x86_64") == pytest.approx(0.60, abs=1e-4)
    assert break_even("arm64") == pytest.approx(0.60, abs=1e-4)


def test_quiet_function_by_hand() -> None:
    """Load 0.15: one environment turns 13 % away, two turn 0.97 % away."""
    found = size(API)
    assert (found.mean_load, found.peak_load) == pytest.approx((0.15, 1.5))
    assert found.cold_peak_load == pytest.approx(21.5)
    assert (found.minimum, found.held, found.worth) == (2, 2, 0)
    assert found.maximum == 6  # B(5) is 1.4 %, B(6) is 0.35 %
    assert found.reserved == 37
    assert found.spill_over == pytest.approx(0.00969, rel=1e-2)
    assert not found.pays


def test_costs_by_hand() -> None:
    """Two environments of 1.7275 GB for 730 h, and 0.15 of one busy."""
    found = size(API)
    gb, month_s = 1769 / 1024, 730 * 3600
    kept = 2 * gb * month_s * 0.0000041667
    running = 0.15 * (1 - found.spill_over) * gb * month_s * 0.0000097222
    spilled = 0.15 * found.spill_over * gb * month_s * 0.0000166667
    assert found.warm_usd == pytest.approx(kept + running + spilled)
    assert found.on_demand_usd == pytest.approx(0.15 * gb * month_s * 0.0000166667)
    assert found.idle_usd_per_hour == pytest.approx(gb * 3600 * 0.0000041667)


def test_tracking_holds_what_the_target_asks_for_at_the_mean_rate() -> None:
    found = size(BUSY)
    assert (found.minimum, found.held, found.maximum) == (42, 50, 250)
    assert found.utilisation == pytest.approx(0.6, abs=1e-3)


def test_warm_is_cheaper_where_it_is_used_enough() -> None:
    found = size(BUSY, Aims(target_utilization=0.9))
    assert found.utilisation > found.break_even
    assert found.pays
    assert found.warm_usd < found.on_demand_usd


@given(LOADS)
def test_what_it_comes_to_is_in_order_and_keeps_its_promises(load: Load) -> None:
    found = size(load, BIG)
    assert 1 <= found.minimum <= found.maximum <= found.reserved
    assert found.minimum <= found.held
    assert blocking(found.mean_load, found.minimum) <= BIG.spill_over
    assert found.peak_spill_over <= BIG.spill_over
    assert found.peak_load / found.maximum <= BIG.target_utilization * (1 + 1e-9)
    assert blocking(found.cold_peak_load, found.reserved) <= BIG.throttled


@given(LOADS, st.sampled_from(["duration_ms", "arrivals_per_s", "peak_per_s"]), st.floats(1, 2))
def test_more_work_never_takes_less(load: Load, field: str, factor: float) -> None:
    more = dataclasses.replace(load, **{field: getattr(load, field) * factor})
    assume(more.arrivals_per_s <= more.peak_per_s)
    one, other = size(load, BIG), size(more, BIG)
    for name in ("minimum", "maximum", "reserved", "held", "on_demand_usd"):
        assert getattr(one, name) <= getattr(other, name), name


@given(LOADS, st.floats(0, 5_000))
def test_cold_starts_move_the_reservation_alone(load: Load, cold_start_ms: float) -> None:
    slower = dataclasses.replace(load, cold_start_ms=load.cold_start_ms + cold_start_ms)
    one, other = size(load, BIG), size(slower, BIG)
    assert one.reserved <= other.reserved
    assert (one.minimum, one.maximum) == (other.minimum, other.maximum)


@given(LOADS)
def test_warm_pays_exactly_from_the_break_even_on(load: Load) -> None:
    found = size(load, dataclasses.replace(BIG, target_utilization=0.9))
    assume(not math.isclose(found.utilisation, found.break_even))
    assert found.pays == (found.utilisation > found.break_even)


@given(LOADS)
def test_costs_are_in_proportion_to_memory(load: Load) -> None:
    double = dataclasses.replace(load, memory_mb=2 * load.memory_mb)
    one, other = size(load, BIG), size(double, BIG)
    assert other.warm_usd == pytest.approx(2 * one.warm_usd)
    assert other.on_demand_usd == pytest.approx(2 * one.on_demand_usd)
    assert other.pays == one.pays or math.isclose(one.warm_usd, one.on_demand_usd)


@given(LOADS, st.integers(min_value=101, max_value=1_000))
def test_nothing_is_clamped(load: Load, account: int) -> None:
    """Either all that is needed or an error; never what happens to fit."""
    needed = size(load, BIG).reserved
    small = Aims(account_concurrency=account)
    if needed > account - 100:
        with pytest.raises(SizingError, match=f"allowed: at most {account - 100:,}"):
            size(load, small)
    else:
        assert size(load, small).reserved == needed


def test_last_environment_that_fits_is_not_refused() -> None:
    needed = size(API).reserved
    assert size(API, Aims(account_concurrency=needed + 100)).reserved == needed
    with pytest.raises(SizingError, match=f"the peak takes {needed} environments"):
        size(API, Aims(account_concurrency=needed + 99))


def test_load_that_no_account_has_is_refused_at_once() -> None:
    with pytest.raises(SizingError, match="environments at once; allowed: at most 900"):
        size(dataclasses.replace(BUSY, arrivals_per_s=1e12, peak_per_s=1e15))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"duration_ms": 0.0}, "duration_ms"),
        ({"duration_ms": math.nan}, "duration_ms"),
        ({"duration_ms": math.inf}, "duration_ms"),
        ({"memory_mb": 0}, "memory_mb"),
        ({"arrivals_per_s": 0.0}, "arrivals_per_s"),
        ({"arrivals_per_s": -1.0}, "arrivals_per_s"),
        ({"cold_start_ms": -1.0}, "cold_start_ms"),
        ({"cold_start_ms": math.nan}, "cold_start_ms"),
        ({"peak_per_s": 4.9}, "peak_per_s"),
        ({"peak_per_s": math.inf}, "peak_per_s"),
    ],
)
def test_load_that_is_none_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SizingError, match=f"^{field}: [^;]*; allowed: [^;]*$"):
        size(dataclasses.replace(API, **changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"spill_over": 0.0}, "spill_over"),
        ({"spill_over": 1.0}, "spill_over"),
        ({"throttled": math.nan}, "throttled"),
        ({"target_utilization": 0.05}, "target_utilization"),
        ({"target_utilization": 0.95}, "target_utilization"),
        ({"account_concurrency": 100}, "account_concurrency"),
    ],
)
def test_aim_that_is_none_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SizingError, match=f"^{field}: [^;]*; allowed: [^;]*$"):
        size(API, dataclasses.replace(Aims(), **changes))


def test_everything_that_is_wrong_is_said_at_once() -> None:
    wrong = dataclasses.replace(API, duration_ms=-1, memory_mb=0, peak_per_s=1)
    with pytest.raises(SizingError) as refused:
        size(wrong, Aims(throttled=2))
    for name in ("duration_ms", "memory_mb", "peak_per_s", "throttled"):
        assert f"{name}: " in str(refused.value)
