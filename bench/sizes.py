"""What a job costs at every size: time, processor time and memory, from 10 images to 600,000.

Each size runs warm on a cloud of its own, because memory is read at its peak, and a peak cannot be
taken back. The first of two jobs warms the environments and is not counted; its input is another.
The exponents are those of the step between the two largest sizes, where the fixed costs that
flatter a small job no longer do: 1 is in proportion to the work. The cloud's own memory includes
the input (784 bytes an image), which it holds as S3 would.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Figure
from bench.growth import exponent
from bench.images import write_images
from bench.record import Goal, Ratio, Result, Series
from bench.stage import JobRun, deployed_stage, run_job, synthesized_stage

# In proportion, and 0.05 for what two runs differ by: 12 % over ten times the work.
GOAL = Goal(sense="at most", bound=1.05)
_WARM_UP_IMAGES = 1_000
# What is told of a size: field of JobRun, words, unit, and whether it is divided by the images.
_COSTS = (
    ("job_s", "POST to SUCCEEDED", "s"),
    ("command_s", "`hpc run`, with upload, results and report", "s"),
    ("cloud_cpu_s", "CPU of cloud and functions", "s"),
    ("client_cpu_s", "CPU of the client", "s"),
    ("cloud_peak_mb", "peak memory of the cloud", "MiB"),
    ("functions_peak_mb", "peak memory of the largest function", "MiB"),
    ("client_peak_mb", "peak memory of the client", "MiB"),
)


@dataclass(frozen=True, kw_only=True)
class Amount:
    """`sizes` ascending, at least two."""

    sizes: tuple[int, ...]
    shard_size: int


def measure(amount: Amount) -> Result:
    """One job of each size, smallest first."""
    with synthesized_stage() as assembly:
        runs = [_run(assembly, size, amount.shard_size) for size in amount.sizes]
    last = runs[-2:]
    series = tuple(
        Series(
            name=f"{told}, {run.images:,} images", unit=unit, values=(float(getattr(run, field)),)
        )
        for field, told, unit in _COSTS
        for run in runs
    )
    ratios = tuple(
        Ratio(
            name=f"growth from {last[0].images:,} to {last[1].images:,}: {told}",
            values=(
                exponent(
                    [run.images for run in last], [float(getattr(run, field)) for run in last]
                ),
            ),
            goal=GOAL,
        )
        for field, told, _ in _COSTS
    )
    return Result(
        figure=FIGURE.name,
        title="Cost per size",
        series=series,
        ratios=ratios,
        notes=(
            f"Shards of {amount.shard_size:,}; one job of each size; the exponent of the cost: 1 "
            "is in proportion to the work.",
        ),
        raw={"amount": asdict(amount), "jobs": [asdict(run) for run in runs]},
    )


def _run(assembly: Path, size: int, shard_size: int) -> JobRun:
    with TemporaryDirectory(prefix="bench-") as temporary, deployed_stage(assembly) as cloud:
        folder = Path(temporary)
        run_job(cloud, write_images(folder / "warm-up", _WARM_UP_IMAGES), shard_size=shard_size)
        return run_job(cloud, write_images(folder / "measured", size), shard_size=shard_size)


FIGURE = Figure(
    name="sizes",
    summary="time, CPU and memory from 10 images to 600,000",
    measure=measure,
    quick=Amount(sizes=(10, 100, 3_000, 60_000), shard_size=500),
    full=Amount(sizes=(10, 100, 3_000, 60_000, 600_000), shard_size=500),
)
