"""Which statistics of a metric there are, and what they are of a period's values.

Modelled: Average, Sum, Minimum, Maximum, SampleCount and percentiles. Refused: trimmed means and
their kin. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from localcloud.monitoring.sketch import Sketch

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


class Values:
    """The values of one metric in one minute, or of several minutes together."""

    __slots__ = ("count", "largest", "sketch", "smallest", "total", "unit")

    def __init__(self, unit: str | None = None) -> None:
        self.unit = unit
        self.count = 0.0
        self.total = 0.0
        self.smallest = math.inf
        self.largest = -math.inf
        self.sketch = Sketch()

    def add(self, value: float, count: float = 1) -> None:
        """`value`, `count` times."""
        self.count += count
        self.total += value * count
        self.smallest = min(self.smallest, value)
        self.largest = max(self.largest, value)
        self.sketch.add(value, count)

    def add_set(self, *, count: float, total: float, smallest: float, largest: float) -> None:
        """A statistic set: its distribution is not known, so it has no part in percentiles.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
        """
        self.count += count
        self.total += total
        self.smallest = min(self.smallest, smallest)
        self.largest = max(self.largest, largest)
        if count == 1 or smallest == largest:
            self.sketch.add(smallest, count)

    def update(self, other: Values) -> None:
        """All that `other` holds."""
        self.unit = self.unit or other.unit
        self.count += other.count
        self.total += other.total
        self.smallest = min(self.smallest, other.smallest)
        self.largest = max(self.largest, other.largest)
        self.sketch.update(other.sketch)

    def copy(self) -> Values:
        """The same values, on their own."""
        same = Values(self.unit)
        same.update(self)
        return same

    def statistic(self, name: str) -> float | None:
        """A statistic by its name; None where these values have none. Raises UnknownStatistic."""
        if name in _SIMPLE:
            return _SIMPLE[name](self) if self.count else None
        percent = percentile_of(name)
        if not self.sketch.counts:
            return None
        # The extremes are known exactly.
        found = self.sketch.percentile(percent)
        return min(max(found, self.smallest), self.largest)


class UnknownStatisticError(ValueError):
    """A statistic that is not modelled."""


_SIMPLE: dict[str, Callable[[Values], float]] = {
    "Average": lambda values: values.total / values.count,
    "Maximum": lambda values: values.largest,
    "Minimum": lambda values: values.smallest,
    "SampleCount": lambda values: values.count,
    "Sum": lambda values: values.total,
}


def percentile_of(name: str) -> float:
    """The per cent of `p99.9`. Raises UnknownStatisticError."""
    found = _PERCENTILE.fullmatch(name)
    if found is None:
        allowed = ", ".join((*_SIMPLE, "p0 to p100"))
        raise UnknownStatisticError(f"statistic {name!r} is not modelled; modelled: {allowed}")
    return float(found[1])


def check_statistic(name: str) -> None:
    """Raises UnknownStatisticError."""
    if name not in _SIMPLE:
        percentile_of(name)
