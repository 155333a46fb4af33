"""What a figure is: a name, a measurement, and how much of it a quick and a full bench take.

It decides how rounds are laid out in time (A B A B, so that whatever else the machine does falls on
both sides alike) and nothing about what is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from bench.record import Result

Amount = TypeVar("Amount")
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Figure(Generic[Amount]):
    """One figure of the bench; `quick` and `full` are how much `measure` is asked to do."""

    name: str
    summary: str
    measure: Callable[[Amount], Result]
    quick: Amount
    full: Amount

    def run(self, effort: str) -> Result:
        """Measure with the effort "quick" or "full"; ValueError for another."""
        if effort not in ("quick", "full"):
            raise ValueError(f"effort: {effort!r}; allowed: quick, full")
        began = time.monotonic()
        result = self.measure(self.quick if effort == "quick" else self.full)
        return msgspec.structs.replace(result, seconds=round(time.monotonic() - began, 1))


def interleaved(
    rounds: int, sides: Mapping[str, Callable[[], Value]]
) -> dict[str, tuple[Value, ...]]:
    """What each side gives, `rounds` times, one side after the other in every round.

    Raises ValueError for less than one round.
    """
    if rounds < 1:
        raise ValueError(f"rounds: {rounds}; allowed: at least 1")
    taken: dict[str, list[Value]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            taken[name].append(side())
    return {name: tuple(values) for name, values in taken.items()}


def timed(act: Callable[[], object]) -> float:
    """Seconds that `act` takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
