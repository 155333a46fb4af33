"""`make bench`: the cold 3,000-image job beside one Keras `predict` per image, in one run.

The job is the whole of `make run` (deploy, job, teardown) on the embedded cloud; its time is the
client's, from POST to SUCCEEDED, with every environment cold. The two run one after the other,
never at once, as often as asked; the table shows medians, bench.json keeps every figure.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "data" / "fashion-mnist-3000" / "images.idx"


def run_job(out: Path, shard_size: int) -> dict[str, Any]:
    """One whole `make run`; its summary.json."""
    command = [sys.executable, "-m", "localcloud", "run", "--out", str(out)]
    subprocess.run([*command, "--shard-size", str(shard_size)], check=True, cwd=ROOT)
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary


def run_keras() -> dict[str, float]:
    """The reference in a process of its own."""
    command = [sys.executable, "-m", "bench.keras_predict", str(IMAGES)]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    answer = subprocess.run(
        command, check=True, cwd=ROOT, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    figures: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return figures


def table(images: int, job_s: float, one_at_a_time_s: float, batched_s: float) -> Table:
    """The comparison as it is printed."""
    shown = Table(title=f"{images:,} images on this machine")
    for column in ("way", "seconds", "images/s", "times as fast"):
        shown.add_column(column, justify="left" if column == "way" else "right")
    prototype_s = one_at_a_time_s * images
    for way, seconds in (
        ("Keras, one predict per image (warm)", prototype_s),
        ("Keras, batches of 128 (warm)", batched_s * images),
        ("serverless job (cold, POST to SUCCEEDED)", job_s),
    ):
        shown.add_row(
            way, f"{seconds:.2f}", f"{images / seconds:,.0f}", f"{prototype_s / seconds:.1f}"
        )
    return shown


@click.command(help=__doc__)
@click.option("--rounds", default=3, show_default=True, help="How often each is run.")
@click.option("--shard-size", default=100, show_default=True, help="Images in a shard.")
@click.option("--out", default="out/bench", show_default=True, type=click.Path(path_type=Path))
def main(rounds: int, shard_size: int, out: Path) -> None:
    """Runs both, prints the table, keeps the raw figures."""
    keras, jobs = [], []
    for number in range(rounds):
        keras.append(run_keras())
        jobs.append(run_job(out.resolve() / f"round-{number}", shard_size))
    (out / "bench.json").write_text(json.dumps({"keras": keras, "jobs": jobs}, indent=2))
    Console().print(
        table(
            jobs[0]["images"],
            statistics.median(job["job_seconds"] for job in jobs),
            statistics.median(figures["one_at_a_time_s"] for figures in keras),
            statistics.median(figures["batched_s"] for figures in keras),
        )
    )


if __name__ == "__main__":
    main()
