"""How values are distributed, in memory that does not grow with their number.

Counts values in buckets whose bounds grow by a constant factor, so that a percentile is off by at
most 1 % of its value: the sketch of Masson, Rim and Lee, "DDSketch", https://arxiv.org/abs/1908.10693.
Between a nanosecond and a year in milliseconds there are some 2,000 buckets.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Mapping

RELATIVE_ERROR = 0.01
_GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GROWTH = math.log(_GROWTH)
# Below this a value counts as zero, so that the number of buckets has an end.
_SMALLEST = 1e-9


class Sketch:
    """Keys are the bucket's exponent, with the value's sign; (0, 0) is zero."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, int]] = Counter()

    def add(self, value: float, count: float = 1) -> None:
        """Count `value`."""
        self._counts[_key(value)] += count  # type: ignore[assignment]

    def update(self, other: Sketch) -> None:
        """Add all that `other` counted."""
        self._counts.update(other._counts)

    def percentile(self, percent: float) -> float:
        """The value that `percent` % of the values do not exceed, off by 1 % at most."""
        ordered = sorted(self._counts.items(), key=lambda item: _middle(item[0]))
        rank = percent / 100 * sum(self._counts.values())
        seen = 0.0
        for key, count in ordered:
            seen += count
            if seen >= rank:
                return _middle(key)
        return _middle(ordered[-1][0])

    @property
    def counts(self) -> Mapping[tuple[int, int], float]:
        """Values per bucket."""
        return self._counts


@functools.lru_cache(maxsize=1024)
def _key(value: float) -> tuple[int, int]:
    size = abs(value)
    if size < _SMALLEST:
        return (0, 0)
    return (1 if value > 0 else -1, math.ceil(math.log(size) / _LOG_GROWTH))


def _middle(key: tuple[int, int]) -> float:
    sign, exponent = key
    return sign * 2 * _GROWTH**exponent / (_GROWTH + 1)
