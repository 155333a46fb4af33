"""Lithops' localhost backend on the same shards, run by the Python of the peer's environment.

Lithops (https://github.com/lithops-cloud/lithops) maps functions over data on many clouds; on this
machine it starts worker processes. Each call of ours classifies one shard by the same core and
writes the same columns; the model is loaded once per worker process where Lithops keeps one.

Prints one JSON object: `cold_s` from before the executor is made, `warm_s` of a second map by the
same executor.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def classify(
    start: int, stop: int, number: int, images: str, results: str, paths: list[str]
) -> int:
    """One shard, in a worker, which gets this function pickled and its modules by their path."""
    for path in paths:
        if path not in sys.path:
            sys.path.insert(0, path)
    import bench.core_pool as core
    from shpc_core.messages import Shard

    if core._classify is None:
        core._start_worker(Path(images), Path(results))
    return core._run(Shard(shard=number, start=start, stop=stop))


def run_passes(images: Path, shards: list[Any], *, workers: int) -> dict[str, float]:
    """Both passes over all shards. Raises RuntimeError when images are missing afterwards."""
    import lithops

    expected = shards[-1].stop
    seconds = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        config = {
            "lithops": {"backend": "localhost", "storage": "localhost", "log_level": None},
            "localhost": {"runtime": sys.executable, "worker_processes": workers},
        }
        work = [
            (one.start, one.stop, one.shard, str(images), folder, [str(ROOT), f"{ROOT}/lambda_src"])
            for one in shards
        ]
        began = time.perf_counter()
        with lithops.FunctionExecutor(config=config) as executor:
            for name in ("cold_s", "warm_s"):
                done = sum(executor.get_result(executor.map(classify, work)))
                seconds[name] = time.perf_counter() - began
                if done != expected:
                    raise RuntimeError(f"{done} of {expected} images classified")
                began = time.perf_counter()
    return seconds


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "lambda_src")]
    from shpc_core.shards import partition

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--shard-size", type=int, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    cut = partition(options.count, options.shard_size)
    print(json.dumps(run_passes(options.images.resolve(), cut, workers=options.workers)))
