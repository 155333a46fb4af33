"""How numbers are written for people: thousands separated, as many digits as mean something."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, log10
from typing import Any

from prices.price import Price


def count(number: float) -> str:
    """1234 as 1,234."""
    return f"{number:,.0f}"


def percent(share: float, decimals: int = 1) -> str:
    """0.9245 as 92.5 %, with a no-break space."""
    return f"{100 * share:.{decimals}f}\u00a0%"


def seconds(duration_s: float) -> str:
    """Seconds to a hundredth, minutes from two on."""
    if duration_s >= 120:
        return f"{duration_s // 60:.0f}\u00a0min {duration_s % 60:.0f}\u00a0s"
    return f"{duration_s:.2f}\u00a0s"


def usd(amount: float, digits: int = 2) -> str:
    """Cents above one dollar, that many significant digits below, never in exponents."""
    if amount == 0 or amount >= 1:
        return f"${amount:,.2f}"
    return f"${amount:.{max(2, digits - 1 + ceil(-log10(amount)))}f}"


def quantity(number: float) -> str:
    """Whole numbers whole, others to two decimals."""
    return count(number) if float(number).is_integer() else f"{number:,.2f}"


def unit_price(price: Price) -> str:
    """`$0.20 per million requests` and the like."""
    many = {1: "", 1_000: "thousand ", 1_000_000: "million "}[price.per]
    amount = f"{price.usd:.10f}".rstrip("0")
    whole, _, cents = amount.partition(".")
    return f"${whole}.{cents:0<2} per {many}{price.unit}"


def svg(number: float) -> str:
    """A coordinate, short."""
    return f"{number:.3f}".rstrip("0").rstrip(".")


FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (count, percent, seconds, usd, quantity, unit_price, svg)
}
