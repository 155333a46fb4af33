"""The reasoning behind a sizing, line by line, and the overrides to paste."""

from __future__ import annotations

from collections.abc import Iterator

from hpc.sizing import Aims, Load, Sizing
from hpc.words import count, percent, usd
from prices import us_east_1 as prices

# How wide the map over a function's items may be: its setting goes with the function's share.
_WIDTHS = {"classify": "map_concurrency", "reduce": "reduce_concurrency"}


def explain(function: str, load: Load, aims: Aims, found: Sizing) -> Iterator[tuple[str, str]]:
    """What was concluded of what, as (figure, reason)."""
    yield (
        f"load {found.mean_load:.2f}, at the peak {found.peak_load:.2f}",
        f"environments busy at once: {load.arrivals_per_s:g} and {load.peak_per_s:g} invocations/s "
        f"of {load.duration_ms:g} ms each (Little's law)",
    )
    yield (
        f"minimum {count(found.minimum)}",
        f"the fewest that at most {percent(aims.spill_over)} of the invocations at the mean rate "
        "find all busy (Erlang B)",
    )
    yield (
        f"maximum {count(found.maximum)}",
        f"the same at the peak, and no fewer than a utilisation of {aims.target_utilization:g} "
        f"asks for; then {percent(found.peak_spill_over, 2)} start an environment of their own "
        f"and take {load.cold_start_ms:g} ms longer",
    )
    yield (
        f"reserved {count(found.reserved)}",
        f"at the peak with every environment cold, {found.cold_peak_load:.2f} busy at once, at "
        f"most {percent(aims.throttled)} are refused; a share costs nothing",
    )
    yield (
        "target tracking",
        "acts when the utilisation was above its target for three minutes: what is over before "
        "that finds the minimum, or a campaign's",
    )
    yield (
        f"utilisation {percent(found.utilisation, 0)}",
        f"of the {count(found.held)} that are warm at the mean rate; from "
        f"{percent(found.break_even, 0)} on a warm environment is cheaper than one on demand, "
        f"which is so for {count(found.worth)} of them",
    )
    more = found.warm_usd - found.on_demand_usd
    yield (
        f"warm {usd(found.warm_usd)}, on demand {usd(found.on_demand_usd)}",
        f"a month ({prices.HOURS_PER_MONTH} h at the mean rate, {load.memory_mb} MB, "
        f"{load.architecture}, {prices.REGION}, prices of {prices.AS_OF}), without requests "
        "and cold starts, whose number nobody knows beforehand; "
        f"an idle environment {usd(found.idle_usd_per_hour)} an hour",
    )
    yield (
        "it pays" if found.pays else "it does not pay",
        f"{usd(-more)} less a month"
        if found.pays
        else f"{usd(more)} more a month is what it costs that {percent(1 - found.spill_over, 2)} "
        f"of the invocations never wait {load.cold_start_ms:g} ms for {function} to start",
    )


def warm_overrides(function: str, aims: Aims, found: Sizing) -> str:
    """What to give to the CDK CLI to keep environments warm."""
    warm = f"{function}.provisioned"
    return " ".join(
        (
            f"-c {warm}.minimum={found.minimum}",
            f"-c {warm}.maximum={found.maximum}",
            f"-c {warm}.target_utilization={aims.target_utilization:g}",
            *_shares(function, found),
        )
    )


def on_demand_overrides(function: str, found: Sizing) -> str:
    """What to give to the CDK CLI to start environments when they are needed."""
    return " ".join((f"-c {function}.provisioned=none", *_shares(function, found)))


def _shares(function: str, found: Sizing) -> Iterator[str]:
    yield f"-c {function}.reserved_concurrency={found.reserved}"
    if function in _WIDTHS:
        yield f"-c {_WIDTHS[function]}={found.reserved}"
