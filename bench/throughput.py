"""60,000 images against a bare process pool on the same cores, each at its best shard size.

What the job's time holds: everything from POST to SUCCEEDED (plan, map, both reductions, polling).
What the pool's holds: reading slices of the same IDX file, predicting, and writing the same
columns; it has no reduction and proves nothing about coverage. Cold is with the start of all
environments or workers, warm without. The goal is held by both against their like.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figure import Figure, interleaved
from bench.images import ROOT, write_images
from bench.peer_environment import peer_python
from bench.processes import run_measured
from bench.record import Goal, Result, Series, over
from bench.stage import CloudProcess, deployed_stage, end_environments, run_job

GOAL = Goal(sense="at least", bound=0.7)

# Seconds of one run: cold and warm.
Passes = dict[str, float]
Side = Callable[[int], Passes]


@dataclass(frozen=True, kw_only=True)
class Amount:
    """Shard sizes to try for the job and the pool, and for Lithops."""

    rounds: int
    images: int
    shard_sizes: tuple[int, ...]
    lithops_shard_sizes: tuple[int, ...]


def measure(amount: Amount) -> Result:
    """Sweep the shard sizes once, then all sides at their best, in turn."""
    with TemporaryDirectory(prefix="bench-") as folder, deployed_stage() as cloud:
        images = write_images(Path(folder) / "inputs", amount.images)
        sides: dict[str, Side] = {
            "job": lambda size: _job(cloud, images, size),
            "pool": lambda size: _pool(images, size),
        }
        sizes = dict.fromkeys(sides, amount.shard_sizes)
        lithops = peer_python("lithops")
        if lithops is not None:
            sides["lithops"] = lambda size: _lithops(lithops, images, amount.images, size)
            sizes["lithops"] = amount.lithops_shard_sizes
        sweep = {name: {size: side(size) for size in sizes[name]} for name, side in sides.items()}
        best = {
            name: min(tried, key=lambda one: tried[one]["warm_s"]) for name, tried in sweep.items()
        }
        taken = interleaved(
            amount.rounds,
            {name: _at(side, best[name]) for name, side in sides.items()},
        )
    return _result(amount, sweep, best, taken)


def _at(side: Side, size: int) -> Callable[[], Passes]:
    return lambda: side(size)


def _job(cloud: CloudProcess, images: Path, shard_size: int) -> Passes:
    end_environments(cloud)
    cold, warm = (run_job(cloud, images, shard_size=shard_size) for _ in range(2))
    return {"cold_s": cold.job_s, "warm_s": warm.job_s, "warm_cloud_cpu_s": warm.cloud_cpu_s}


def _pool(images: Path, shard_size: int) -> Passes:
    command = [sys.executable, "-m", "bench.core_pool", str(images)]
    finished = run_measured([*command, "--shard-size", str(shard_size)], cwd=ROOT)
    return {**finished.answer, "cpu_s_of_both": finished.cpu_s}


def _lithops(python: Path, images: Path, count: int, shard_size: int) -> Passes:
    with TemporaryDirectory(prefix="bench-") as folder:
        # Lithops keeps its storage and its logs in the temporary folder, and leaves them there.
        environ = {**os.environ, "TMPDIR": folder}
        environ.pop("PYTHONPATH", None)
        script = Path(__file__).with_name("lithops_pool.py")
        command = [str(python), str(script), str(images), "--count", str(count)]
        finished = run_measured(
            [*command, "--shard-size", str(shard_size)], environ=environ, cwd=ROOT
        )
    answer: Passes = finished.answer
    return answer


def _result(
    amount: Amount,
    sweep: dict[str, dict[int, Passes]],
    best: dict[str, int],
    taken: dict[str, tuple[Passes, ...]],
) -> Result:
    def rate(name: str, which: str) -> Series:
        return Series(
            name=f"{_NAMES[name]}, {which}, shards of {best[name]:,}",
            unit="images/s",
            values=tuple(amount.images / passes[f"{which}_s"] for passes in taken[name]),
        )

    rates = {(name, which): rate(name, which) for name in taken for which in ("warm", "cold")}
    ratios = [
        over(f"job / pool, {which}", rates["job", which], rates["pool", which], goal=GOAL)
        for which in ("warm", "cold")
    ]
    notes = ["The committed 3,000 images, over and over."]
    if "lithops" in taken:
        ratios.append(over("Lithops / pool, warm", rates["lithops", "warm"], rates["pool", "warm"]))
        ratios.append(over("job / Lithops, warm", rates["job", "warm"], rates["lithops", "warm"]))
        notes.append("Lithops starts a process for each call, so it is best with large shards.")
    else:
        notes.append("Lithops is not installed (`python -m bench --install-peers`): not measured.")
    raw: dict[str, Any] = {
        "amount": asdict(amount),
        "sweep": {
            name: {str(size): passes for size, passes in tried.items()}
            for name, tried in sweep.items()
        },
        "rounds": {name: list(values) for name, values in taken.items()},
    }
    return Result(
        figure=FIGURE.name,
        title=f"{amount.images:,} images",
        series=tuple(rates.values()),
        ratios=tuple(ratios),
        notes=tuple(notes),
        raw=raw,
    )


_NAMES = {
    "job": "the job, POST to SUCCEEDED",
    "pool": "process pool",
    "lithops": "Lithops, localhost",
}

FIGURE = Figure(
    name="throughput",
    summary="60,000 images against a bare process pool, and Lithops",
    measure=measure,
    quick=Amount(rounds=1, images=60_000, shard_sizes=(500, 1_000), lithops_shard_sizes=(30_000,)),
    full=Amount(
        rounds=5,
        images=60_000,
        shard_sizes=(100, 250, 500, 1_000, 2_000),
        lithops_shard_sizes=(3_000, 10_000, 30_000),
    ),
)
