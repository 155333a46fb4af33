"""How fast a cost grows with the work: the exponent on a log-log scale."""

from __future__ import annotations

import math
from collections.abc import Sequence


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The least-squares slope of log(cost) over log(size): 1 is in proportion, less is better.

    Raises ValueError for fewer than two sizes, or anything that has no logarithm.
    """
    if len(sizes) != len(costs) or len(set(sizes)) < 2:
        raise ValueError(
            f"{len(sizes)} sizes and {len(costs)} costs; allowed: as many, of at least two sizes"
        )
    if min(*sizes, *costs) <= 0:
        raise ValueError("sizes and costs: not all positive; allowed: positive numbers")
    across = [math.log(size) for size in sizes]
    up = [math.log(cost) for cost in costs]
    middle, level = sum(across) / len(across), sum(up) / len(up)
    rise = sum((x - middle) * (y - level) for x, y in zip(across, up, strict=True))
    return rise / sum((x - middle) ** 2 for x in across)
