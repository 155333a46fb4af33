"""Checks that results hold every item exactly once, from the indices themselves.

It trusts no count that somebody else wrote down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Of items 0 to `expected` - 1: how many occur, how many do not, how many rows are surplus.

    `outside` counts rows whose index is no item; `examples` names the first of every kind.
    `unexplained` counts items that are missing and were not said to be, and the other way round.
    """

    expected: int
    predicted: int
    missing: int
    duplicated: int
    outside: int
    unexplained: int
    examples: str

    @property
    def is_exact(self) -> bool:
        """Whether every item occurs exactly once and nothing else does."""
        return self.missing == self.duplicated == self.outside == 0

    @property
    def is_as_told(self) -> bool:
        """Whether every item occurs exactly once but for those that are said to be missing."""
        return self.duplicated == self.outside == self.unexplained == 0


def check_coverage(
    index: NDArray[np.uint64], expected: int, *, missing: Sequence[tuple[int, int]] = ()
) -> Coverage:
    """Count how the rows of `index` (any order) cover the items 0 to `expected` - 1.

    `missing` are the ranges of items `start..stop-1` that are said to be missing.
    """
    inside = index[index < expected].astype(np.int64)
    times = np.bincount(inside, minlength=expected)
    outside = index[index >= expected]
    told = np.zeros(expected, dtype=bool)
    for start, stop in missing:
        told[start:stop] = True
    return Coverage(
        expected=expected,
        predicted=int(np.count_nonzero(times)),
        missing=int(np.count_nonzero(times == 0)),
        duplicated=int((times[times > 1] - 1).sum()),
        outside=len(outside),
        unexplained=int(np.count_nonzero(told != (times == 0))),
        examples="; ".join(
            f"{kind} {_first(items)}"
            for kind, items in (
                ("missing", np.flatnonzero(times == 0)),
                ("duplicated", np.flatnonzero(times > 1)),
                ("outside", np.unique(outside)),
                ("said to be missing", np.flatnonzero(told & (times > 0))),
            )
            if len(items)
        ),
    )


def _first(items: NDArray[np.generic]) -> str:
    named = ", ".join(str(item) for item in items[:_NAMED])
    return f"{named} and {len(items) - _NAMED} more" if len(items) > _NAMED else named
