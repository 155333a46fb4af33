"""How much concurrency a function needs, and whether keeping it warm pays.

Computed from what was measured (duration, cold start, memory) and how often it is called. It reads
nothing, prints nothing and refuses what no account can have, instead of giving less. `explain` puts
the reasoning into words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

from hpc import erlang
from hpc.errors import HpcError
from prices import us_east_1 as prices
from prices.us_east_1 import Architecture

FUNCTIONS = ("plan", "classify", "reduce", "predict", "jobs")
# Refused to reservations: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
UNRESERVED = 100
_S_PER_MONTH = 3600 * prices.HOURS_PER_MONTH


class SizingError(HpcError):
    """What was given is no load, or more than an account can have; all of it is named."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a function does: its mean times, its memory, and how often it is called."""

    duration_ms: float
    cold_start_ms: float
    memory_mb: int
    arrivals_per_s: float
    peak_per_s: float
    architecture: Architecture = "x86_64"


@dataclass(frozen=True, kw_only=True)
class Aims:
    """What is wanted. `spill_over` and `throttled` are the largest shares of invocations that may
    start an environment of their own, and that may be refused."""

    spill_over: float = 0.01
    throttled: float = 0.001
    target_utilization: float = 0.6
    account_concurrency: int = 1000


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """What it comes to. Loads are environments busy at once, costs US dollars a month.

    `held` is what target tracking keeps at the mean rate, `worth` how many of them are used enough
    to be cheaper than on demand.
    """

    mean_load: float
    peak_load: float
    cold_peak_load: float
    minimum: int
    maximum: int
    reserved: int
    held: int
    worth: int
    spill_over: float
    peak_spill_over: float
    utilisation: float
    break_even: float
    warm_usd: float
    on_demand_usd: float
    idle_usd_per_hour: float

    @property
    def pays(self) -> bool:
        """Whether keeping environments warm is cheaper than starting them on demand."""
        return self.warm_usd <= self.on_demand_usd


def break_even(architecture: Architecture) -> float:
    """The utilisation from which a provisioned environment is cheaper than one on demand."""
    on_demand = prices.LAMBDA_COMPUTE[architecture].usd
    kept = prices.LAMBDA_PROVISIONED[architecture].usd
    running = prices.LAMBDA_PROVISIONED_COMPUTE[architecture].usd
    return kept / (on_demand - running)


def size(load: Load, aims: Aims | None = None) -> Sizing:
    """The concurrency for `load`. Raises SizingError that names all that is not possible."""
    aims = aims or Aims()
    if wrong := [*_refused(load, aims)]:
        raise SizingError("; ".join(wrong))
    duration_s, cold_s = load.duration_ms / 1000, load.cold_start_ms / 1000
    mean_load = erlang.offered_load(load.arrivals_per_s, duration_s)
    peak_load = erlang.offered_load(load.peak_per_s, duration_s)
    # An invocation that starts its environment is in flight while that initialises, too.
    cold_peak_load = erlang.offered_load(load.peak_per_s, duration_s + cold_s)
    _fit(math.ceil(cold_peak_load * (1 - aims.throttled)), aims)

    minimum = erlang.servers_for(mean_load, share=aims.spill_over)
    maximum = max(
        minimum,
        erlang.servers_for(peak_load, share=aims.spill_over),
        math.ceil(peak_load / aims.target_utilization),
    )
    reserved = max(maximum, erlang.servers_for(cold_peak_load, share=aims.throttled))
    _fit(reserved, aims)

    held = max(minimum, math.ceil(mean_load / aims.target_utilization))
    spill_over = erlang.blocking(mean_load, held)
    carried = mean_load * (1 - spill_over)
    even = break_even(load.architecture)
    gb = load.memory_mb / 1024
    kept_usd_per_s = gb * prices.LAMBDA_PROVISIONED[load.architecture].usd
    running_usd_per_s = gb * prices.LAMBDA_PROVISIONED_COMPUTE[load.architecture].usd
    on_demand_usd_per_s = gb * prices.LAMBDA_COMPUTE[load.architecture].usd
    # Initialisation is billed, too, but how often it comes nobody knows beforehand: on both sides
    # it is left out, so that only utilisation decides.
    spilled = mean_load - carried
    return Sizing(
        mean_load=mean_load,
        peak_load=peak_load,
        cold_peak_load=cold_peak_load,
        minimum=minimum,
        maximum=maximum,
        reserved=reserved,
        held=held,
        worth=erlang.servers_worth(mean_load, utilisation=even),
        spill_over=spill_over,
        peak_spill_over=erlang.blocking(peak_load, maximum),
        utilisation=carried / held,
        break_even=even,
        warm_usd=_S_PER_MONTH
        * (held * kept_usd_per_s + carried * running_usd_per_s + spilled * on_demand_usd_per_s),
        on_demand_usd=_S_PER_MONTH * mean_load * on_demand_usd_per_s,
        idle_usd_per_hour=3600 * kept_usd_per_s,
    )


def _fit(environments: int, aims: Aims) -> None:
    spare = aims.account_concurrency - UNRESERVED
    if environments > spare:
        raise SizingError(
            f"the peak takes {environments:,} environments at once; allowed: at most {spare:,}, "
            f"the account's {aims.account_concurrency:,} less the {UNRESERVED} that Lambda keeps "
            "unreserved: have the account's quota raised, or spread the peak"
        )


_ABOVE_ZERO = "more than 0"
_SHARE = "more than 0 and less than 1"


def _refused(load: Load, aims: Aims) -> Iterator[str]:
    """Every value that is none. `not a > b` and not `a <= b`: NaN is refused as well."""
    for given in (load, aims):
        for field in fields(given):
            value = getattr(given, field.name)
            if isinstance(value, float) and math.isinf(value):
                yield _told(field.name, value, "a finite number")
    for name in ("duration_ms", "memory_mb", "arrivals_per_s"):
        if not getattr(load, name) > 0:
            yield _told(name, getattr(load, name), _ABOVE_ZERO)
    if not load.cold_start_ms >= 0:
        yield _told("cold_start_ms", load.cold_start_ms, "0 or more")
    if not load.peak_per_s >= load.arrivals_per_s:
        allowed = f"at least arrivals_per_s, {load.arrivals_per_s:g}"
        yield _told("peak_per_s", load.peak_per_s, allowed)
    for name in ("spill_over", "throttled"):
        if not 0 < getattr(aims, name) < 1:
            yield _told(name, getattr(aims, name), _SHARE)
    if not 0.1 <= aims.target_utilization <= 0.9:
        yield _told("target_utilization", aims.target_utilization, "0.1 to 0.9")
    if not aims.account_concurrency > UNRESERVED:
        allowed = f"more than the {UNRESERVED} that Lambda keeps unreserved"
        yield _told("account_concurrency", aims.account_concurrency, allowed)


def _told(name: str, value: float, allowed: str) -> str:
    return f"{name}: {value:g}; allowed: {allowed}"
