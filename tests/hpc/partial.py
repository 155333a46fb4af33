"""Made-up jobs of which a shard was lost, as their stage tolerates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from hpc.coverage import check_coverage
from hpc.evaluate import evaluate
from hpc.outcome import JobOutcome
from shpc_core import confusion
from shpc_core.columns import Predictions
from shpc_core.failures import MissingShard
from tests.hpc.made_up import FinishedJob, outcome_of


def lose_shard(job: FinishedJob, shard: int, shard_size: int) -> dict[str, Any]:
    """Take a shard out of a job without labels, and say so everywhere; what is said of it."""
    start = shard * shard_size
    stop = min(start + shard_size, job.report["images"])
    lost = {"shard": shard, "start": start, "stop": stop, "error": "Sandbox.Timedout"}
    for number, (predictions, summary) in enumerate(job.parts):
        if not summary["start"] <= start < summary["stop"]:
            continue
        kept = (predictions.index < start) | (predictions.index >= stop)
        rows = Predictions(
            index=predictions.index[kept],
            label=predictions.label[kept],
            confidence=predictions.confidence[kept],
        )
        summary["count"] = len(rows)
        summary["label_counts"] = confusion.label_counts(rows.label).tolist()
        summary["telemetry"] = [one for one in summary["telemetry"] if one["shard"] != shard]
        summary["missing_shards"] = [lost]
        job.parts[number] = (rows, summary)
        job.report["parts"][number]["count"] = len(rows)
    labels = np.concatenate([rows.label for rows, _ in job.parts])
    job.report |= {
        "complete": False,
        "predicted": len(labels),
        "missing": stop - start,
        "missing_shards": [lost],
        "label_counts": confusion.label_counts(labels).tolist(),
    }
    return lost


def partial_outcome(*, images: int = 20, shards: int = 4, lost: int = 1) -> JobOutcome:
    """`outcome_of` with labels, of which shard `lost` is missing."""
    whole = outcome_of(images=images, shards=shards)
    size = -(-images // shards)
    start, stop = lost * size, (lost + 1) * size
    results = whole.results
    kept = (results.index < start) | (results.index >= stop)
    index, label = results.index[kept], results.label[kept]
    missing = MissingShard(shard=lost, start=start, stop=stop, error="Sandbox.Timedout")
    assert whole.dataset is not None
    assert whole.dataset.labels is not None
    return replace(
        whole,
        results=replace(
            results,
            index=index,
            label=label,
            confidence=results.confidence[kept],
            telemetry=tuple(one for one in results.telemetry if one.shard != lost),
            coverage=check_coverage(index, images, missing=[(start, stop)]),
            report=replace_report(results.report, missing),
        ),
        evaluation=evaluate(confusion.matrix(whole.dataset.labels[index], label)),
    )


def replace_report(report: Any, missing: MissingShard) -> Any:
    items = missing.stop - missing.start
    return msgspec.structs.replace(
        report,
        complete=False,
        missing=items,
        predicted=report.predicted - items,
        missing_shards=[missing],
    )
