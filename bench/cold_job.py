"""3,000 images, cold, POST to SUCCEEDED, against one Keras `predict` per image.

One `predict` per image is how the prototype that this project goes beyond classifies. Each round
has a Keras process of its own and a cloud of its own, deployed and never used. What the job's time
holds: the starts of all environments, plan, map, both reductions, and the client's polling. What
Keras's holds: `predict` alone, warmed up, on as many images as are timed, times 3,000; neither
TensorFlow's import nor reading the images.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figure import Figure, interleaved
from bench.images import ROOT, write_images
from bench.processes import run_measured
from bench.record import Goal, Result, Series, over
from bench.stage import deployed_stage, run_job, synthesized_stage

SHARD_SIZE = 100


@dataclass(frozen=True, kw_only=True)
class Amount:
    """`singles`: images that Keras predicts one at a time, which are timed."""

    rounds: int
    images: int
    singles: int


def measure(amount: Amount) -> Result:
    """Both, `rounds` times."""
    with TemporaryDirectory(prefix="bench-") as folder, synthesized_stage() as assembly:
        images = write_images(Path(folder), amount.images)

        def job() -> dict[str, Any]:
            with deployed_stage(assembly) as cloud:
                return asdict(run_job(cloud, images, shard_size=SHARD_SIZE))

        taken = interleaved(
            amount.rounds, {"keras": lambda: run_keras(images, amount.singles), "job": job}
        )
    count = amount.images
    jobs = Series(
        name="the job, cold, POST to SUCCEEDED",
        unit="s",
        values=tuple(run["job_s"] for run in taken["job"]),
    )
    singles = Series(
        name="Keras, one predict per image, warm",
        unit="s",
        values=tuple(run["one_at_a_time_s"] * count for run in taken["keras"]),
    )
    batched = Series(
        name="Keras, batches of 128, warm",
        unit="s",
        values=tuple(run["batched_s"] * count for run in taken["keras"]),
    )
    return Result(
        figure=FIGURE.name,
        title=f"{count:,} images, cold",
        series=(singles, batched, jobs),
        ratios=(
            over(
                "one predict per image / job",
                singles,
                jobs,
                goal=Goal(sense="at least", bound=60),
            ),
            over("batched / job", batched, jobs),
        ),
        notes=(
            f"Keras: {amount.singles} images timed one at a time, scaled to {count:,}; the same "
            "network, untrained, whose weights do not change its speed.",
        ),
        raw={key: list(values) for key, values in taken.items()},
    )


def run_keras(images: Path, singles: int) -> dict[str, float]:
    """The reference in a process of its own; seconds per image, see keras_predict.py."""
    command = [sys.executable, "-m", "bench.keras_predict", str(images)]
    environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    finished = run_measured([*command, "--singles", str(singles)], environ=environ, cwd=ROOT)
    answer: dict[str, float] = finished.answer
    return answer


FIGURE = Figure(
    name="cold-job",
    summary="3,000 images, cold, against one Keras predict per image",
    measure=measure,
    quick=Amount(rounds=1, images=3_000, singles=100),
    full=Amount(rounds=5, images=3_000, singles=200),
)
