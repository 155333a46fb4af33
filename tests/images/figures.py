"""What was measured of each image, for the table at the end of `make test-images`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

FIGURES: dict[str, dict[str, float]] = {}
REMARKS: list[str] = []

# One INIT keeps half of two processors busy and its container's start some more; with less idle
# than this, it may have waited for others.
QUIET_FROM = 0.25


@dataclass(frozen=True)
class Init:
    """One INIT: how long it took, its processor time, and how idle the machine was around it."""

    wall_ms: float
    processor_ms: float
    idle: float

    @property
    def is_quiet(self) -> bool:
        """Whether its time says something about the image, not about what else ran."""
        return self.idle >= QUIET_FROM


def note(function: str, **figures: float) -> None:
    """Keep figures of a function's image."""
    FIGURES.setdefault(function, {}).update(figures)


def note_inits(function: str, inits: list[Init]) -> None:
    """Keep the least and the median of several INITs, and how many there were."""
    note(
        function,
        init_cpu_ms=min(init.processor_ms for init in inits),
        init_min_ms=min(init.wall_ms for init in inits),
        init_median_ms=median(init.wall_ms for init in inits),
        inits=len(inits),
        quiet=sum(init.is_quiet for init in inits),
    )


def within(inits: list[Init], at_most_ms: float) -> bool:
    """Whether the promise was kept in time and in processor time, each by one INIT at least."""
    return all(least <= at_most_ms for least in _least(inits))


def over(inits: list[Init], at_most_ms: float) -> tuple[list[str], str]:
    """What is more than promised, and what was judged.

    Processor time holds whatever else runs, so it always counts. Time counts if one INIT kept the
    promise, which others can only have made harder, or if the machine was quiet around any.
    """
    wall_ms, processor_ms = _least(inits)
    quiet = sum(init.is_quiet for init in inits)
    found = [f"processor time: {processor_ms:.0f} ms"] if processor_ms > at_most_ms else []
    if wall_ms > at_most_ms and not quiet:
        return found, f"by processor time only, others kept this machine busy in all {len(inits)}"
    found += [f"time: {wall_ms:.0f} ms"] if wall_ms > at_most_ms else []
    return found, f"by processor time and time, {quiet} of {len(inits)} on a quiet machine"


def _least(inits: list[Init]) -> tuple[float, float]:
    return min(init.wall_ms for init in inits), min(init.processor_ms for init in inits)


def table() -> Iterator[str]:
    """One line for each image, then the remarks."""
    inits = ("init_cpu_ms", "init_min_ms", "init_median_ms", "inits", "quiet")
    columns = ("added_mb", *inits, "peak_mb", "memory_mb")
    yield "".join(["image".ljust(12), *(column.rjust(16) for column in columns)])
    for function, figures in sorted(FIGURES.items()):
        cells = (f"{figures[column]:.0f}" if column in figures else "-" for column in columns)
        yield "".join([function.ljust(12), *(cell.rjust(16) for cell in cells)])
    yield from REMARKS
