"""Round tick marks for an axis that starts at zero."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

_MOST_TICKS = 6


@dataclass(frozen=True)
class Tick:
    """A mark at `percent` of the axis's length, and what stands beside it."""

    percent: float
    label: str


def axis_ticks(span: float) -> tuple[Tick, ...]:
    """At most seven ticks from 0 within `span` (> 0), a step of 1, 2 or 5 times a power of ten."""
    if not span > 0:
        raise ValueError(f"an axis needs a span above 0, not {span}")
    rough = span / _MOST_TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    decimals = max(0, ceil(-log10(step)))
    return tuple(
        Tick(percent=100 * number * step / span, label=f"{number * step:,.{decimals}f}")
        for number in range(floor(span / step + 1e-9) + 1)
    )
