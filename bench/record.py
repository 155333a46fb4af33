"""What the bench keeps of a run, and how a ratio stands against its goal.

The shapes here are the JSON in out/bench/: every value that was measured, none that is derived,
but for the ratios, which belong to their round. It measures nothing and prints nothing.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any, Literal

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Strict in both directions: a file with another field is another format."""


class Spread(Record, frozen=True, kw_only=True):
    """Least, median and greatest of a series."""

    least: float
    median: float
    greatest: float


def spread(values: tuple[float, ...]) -> Spread:
    """The spread of at least one value; ValueError for none."""
    if not values:
        raise ValueError("values: none; allowed: at least one")
    return Spread(least=min(values), median=median(values), greatest=max(values))


class Goal(Record, frozen=True, kw_only=True):
    """A bound that the median of a ratio keeps or does not."""

    sense: Literal["at least", "at most"]
    bound: float

    def met(self, value: float) -> bool:
        """Whether `value` is on the right side of the bound, or on it."""
        return value >= self.bound if self.sense == "at least" else value <= self.bound


class Series(Record, frozen=True, kw_only=True):
    """One side of a comparison: a value for each round, in `unit`."""

    name: str
    unit: str
    values: tuple[float, ...]


class Ratio(Record, frozen=True, kw_only=True):
    """One series over another, round by round; `goal` is None where it is printed beside."""

    name: str
    values: tuple[float, ...]
    goal: Goal | None = None

    @property
    def met(self) -> bool | None:
        """Whether the median keeps the goal; None without a goal."""
        return None if self.goal is None else self.goal.met(median(self.values))


class Result(Record, frozen=True, kw_only=True):
    """One figure: its series and ratios, what must be said with them, and everything measured."""

    figure: str
    title: str
    series: tuple[Series, ...]
    ratios: tuple[Ratio, ...]
    notes: tuple[str, ...] = ()
    raw: dict[str, Any] = {}
    seconds: float = 0.0


class Machine(Record, frozen=True, kw_only=True):
    """Where and when it ran; `load_before` is the load average of the last minute."""

    cores: int
    cpu: str
    memory_gb: float
    system: str
    python: str
    versions: dict[str, str]
    load_before: float


class Run(Record, frozen=True, kw_only=True):
    """One call of the bench. `started_at` is UTC in ISO 8601, `effort` is quick or full."""

    started_at: str
    effort: str
    machine: Machine
    results: tuple[Result, ...]


def over(name: str, numerator: Series, denominator: Series, *, goal: Goal | None = None) -> Ratio:
    """The ratio of two series of the same rounds and unit, round by round.

    Raises ValueError for series that do not belong together.
    """
    if numerator.unit != denominator.unit or len(numerator.values) != len(denominator.values):
        raise ValueError(
            f"{numerator.name} ({len(numerator.values)} in {numerator.unit}) and "
            f"{denominator.name} ({len(denominator.values)} in {denominator.unit}): "
            "allowed: as many values of the same unit"
        )
    pairs = zip(numerator.values, denominator.values, strict=True)
    return Ratio(name=name, values=tuple(above / below for above, below in pairs), goal=goal)


def write_run(run: Run, path: Path) -> None:
    """Write `run` as JSON, replacing what an earlier figure of the same run left there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    unfinished.replace(path)


def read_run(path: Path) -> Run:
    """The run in a file that `write_run` made; msgspec.DecodeError for any other."""
    return msgspec.json.decode(path.read_bytes(), type=Run)
