"""What was measured of each image, for the table at the end of `make test-images`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

FIGURES: dict[str, dict[str, float]] = {}


def note(function: str, **figures: float) -> None:
    """Keep figures of a function's image."""
    FIGURES.setdefault(function, {}).update(figures)


def init_figures(times_ms: list[float]) -> dict[str, float]:
    """The least and the median of several INITs, and how many there were."""
    return {
        "init_min_ms": min(times_ms),
        "init_median_ms": median(times_ms),
        "inits": len(times_ms),
    }


def table() -> Iterator[str]:
    """One line for each image."""
    inits = ("init_cpu_ms", "init_min_ms", "init_median_ms", "inits")
    columns = ("added_mb", *inits, "peak_mb", "memory_mb")
    yield "".join(["image".ljust(12), *(column.rjust(16) for column in columns)])
    for function, figures in sorted(FIGURES.items()):
        cells = (f"{figures[column]:.0f}" if column in figures else "-" for column in columns)
        yield "".join([function.ljust(12), *(cell.rjust(16) for cell in cells)])
