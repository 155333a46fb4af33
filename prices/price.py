"""What a price is: so many US dollars for so many units, and the page that lists it.

It decides how a quantity becomes an amount. It refuses nothing: which prices there are is in the
module of a region.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Price:
    """`usd` for `per` units called `unit`."""

    usd: float
    per: int
    unit: str
    source: str

    def of(self, quantity: float) -> float:
        """US dollars for that many units."""
        return quantity * self.usd / self.per
