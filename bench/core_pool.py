"""The reference for throughput: a bare process pool that calls the same core on the same input.

`concurrent.futures` with spawned workers, one per core. A worker reads its slice of the IDX file,
predicts, and writes the same columns into a folder, by `classify_shard`, which is all that the
function does too. There is no plan, no reduction, no network and no retry.

Run as a process of its own (`python -m bench.core_pool`); prints one JSON object: `cold_s` from
before the pool is made, with the workers' imports and models, and `warm_s` of a second pass.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from obstore.store import LocalStore

from shpc_core.classifier import Classifier
from shpc_core.messages import Input, Shard, ShardRequest
from shpc_core.steps.classify import classify_shard
from shpc_core.store import Bucket
from shpc_core.telemetry import ExecutionEnvironment

MODEL = Path(__file__).resolve().parent.parent / "lambda_src" / "model" / "model.tflite"

_classify: Callable[[Shard], int] | None = None


def shard_classifier(images: Path, results: Path) -> Callable[[Shard], int]:
    """Loads the model; what it returns classifies one shard of `images` into `results`.

    The folder of `images` is called `inputs`, because the core refuses every other key.
    """
    key = images.relative_to(images.parent.parent).as_posix()
    inputs, outputs = Bucket(LocalStore(images.parent.parent)), Bucket(LocalStore(results))
    classifier = Classifier(MODEL)
    environment = ExecutionEnvironment("classify", os.environ)

    def classify(shard: Shard) -> int:
        request = ShardRequest(
            job_id="bench",
            input=Input(images=key, labels=None),
            shard=shard,
            attempt=0,
        )
        invocation = environment.begin(memory_mb=0, request_id="")
        answer = classify_shard(
            request,
            inputs=inputs,
            results=outputs,
            classifier=classifier,
            invocation=invocation,
        )
        return answer.count

    return classify


def _start_worker(images: Path, results: Path) -> None:
    global _classify  # noqa: PLW0603 - a pool's worker has no other place for what it has loaded
    _classify = shard_classifier(images, results)


def _run(shard: Shard) -> int:
    if _classify is None:
        raise RuntimeError("the worker was not started by _start_worker")
    return _classify(shard)


def run_passes(images: Path, shards: list[Shard], *, workers: int) -> dict[str, float]:
    """Both passes over all shards. Raises RuntimeError when images are missing afterwards."""
    expected = shards[-1].stop
    seconds = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as results:
        began = time.perf_counter()
        with ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(images, Path(results)),
        ) as pool:
            for name in ("cold_s", "warm_s"):
                done = sum(pool.map(_run, shards))
                seconds[name] = time.perf_counter() - began
                if done != expected:
                    raise RuntimeError(f"{done} of {expected} images classified")
                began = time.perf_counter()
    return seconds


if __name__ == "__main__":
    from shpc_core import idx
    from shpc_core.shards import partition

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--shard-size", type=int, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    header = idx.parse_header(
        options.images.open("rb").read(16),
        object_bytes=options.images.stat().st_size,
        item_shape=idx.IMAGE_SHAPE,
        field="images",
    )
    cut = partition(header.count, options.shard_size)
    print(json.dumps(run_passes(options.images.resolve(), cut, workers=options.workers)))
