"""Writes what a job came to: summary.json, report.html and predictions.csv, all three or none.

The files are made complete beside the folder and then moved in, summary.json last: where it lies,
the other two belong to it.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from hpc.errors import HpcError
from hpc.outcome import JobOutcome
from hpc.report.page import render_report
from hpc.results import JobResults
from prices import us_east_1 as prices
from shpc_core.labels import CLASS_NAMES
from shpc_core.telemetry import Telemetry

SUMMARY, REPORT, PREDICTIONS = "summary.json", "report.html", "predictions.csv"


def summarize(outcome: JobOutcome) -> dict[str, Any]:
    """The figures as plain JSON values; what is not known is None."""
    evaluation = outcome.evaluation
    coverage = outcome.results.coverage
    return {
        "job_id": outcome.job_id,
        "stage": outcome.deployment.stage,
        "region": outcome.deployment.region,
        "place": outcome.deployment.place,
        "started_at": outcome.started_at.isoformat(),
        "stopped_at": outcome.stopped_at.isoformat(),
        "complete": outcome.is_complete,
        "images": coverage.expected,
        "predicted": coverage.predicted,
        "missing": coverage.missing,
        "duplicated": coverage.duplicated,
        "missing_shards": [msgspec.to_builtins(shard) for shard in outcome.missing_shards],
        "accuracy": None if evaluation is None else evaluation.accuracy,
        "accuracy_interval": None if evaluation is None else list(evaluation.interval),
        "job_seconds": round(outcome.seconds, 3),
        "job_seconds_clock": outcome.clock,
        "images_per_second": round(outcome.images_per_second, 1),
        "shards": outcome.results.report.shards,
        "environments": outcome.environments,
        "cold_starts": outcome.cold_starts,
        "provisioned_invocations": outcome.provisioned,
        "on_demand_invocations": outcome.on_demand,
        **measured(outcome.results.telemetry),
        "retries": outcome.retries,
        "redrives": outcome.redrives,
        "throttles": outcome.throttles.count,
        "throttles_reason": outcome.throttles.reason,
        "cost_usd": outcome.cost.usd,
        "cost_items_usd": {item.name: item.usd for item in outcome.cost.items},
        "cost_region": prices.REGION,
        "cost_prices_as_of": prices.AS_OF,
        "architecture": outcome.cost.architecture,
        "model_sha256": outcome.results.report.model.sha256,
    }


def measured(telemetry: Sequence[Telemetry]) -> dict[str, float | int | None]:
    """What `hpc size` computes with: means, because that is what Little's law is about."""
    inits_ms = [one.init_ms for one in telemetry if one.init_ms is not None]
    return {
        "cold_start_ms": round(fmean(inits_ms), 1) if inits_ms else None,
        "duration_ms": round(fmean(one.duration_ms for one in telemetry), 3),
        "memory_mb": max(one.memory_mb for one in telemetry),
    }


def write_outcome(outcome: JobOutcome, folder: Path) -> None:
    """Write the three files into `folder`, replacing those of an earlier job.

    HpcError where they cannot be written; what lay there before is then as it was, or, where the
    files could be made and not be moved, without its summary.json.
    """
    was_there = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_files(outcome, folder)
    except OSError as error:
        if not was_there and folder.is_dir():
            folder.rmdir()
        raise HpcError(
            f"the results cannot be written to {folder}: {error.strerror}; the job is done: make "
            f"room or choose another --out, then `hpc fetch {outcome.job_id}`"
        ) from error


def _write_files(outcome: JobOutcome, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as unfinished:
        made = Path(unfinished)
        labels = None if outcome.dataset is None else outcome.dataset.labels
        write_predictions(outcome.results, labels, made / PREDICTIONS)
        (made / REPORT).write_text(render_report(outcome), encoding="utf-8")
        (made / SUMMARY).write_text(
            json.dumps(summarize(outcome), indent=2) + "\n", encoding="utf-8"
        )
        (folder / SUMMARY).unlink(missing_ok=True)
        for name in (PREDICTIONS, REPORT, SUMMARY):
            (made / name).replace(folder / name)


def write_predictions(results: JobResults, labels: NDArray[np.uint8] | None, path: Path) -> None:
    """One line for each image, with its true label where there are `labels`.

    An image that is missing has empty fields.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(
            ["index", "label", "name", "confidence", *([] if labels is None else ["true_label"])]
        )
        predicted = dict(zip(results.index.tolist(), range(len(results.index)), strict=True))
        for index in range(results.coverage.expected):
            row: list[object] = [index, "", "", ""]
            if (number := predicted.get(index)) is not None:
                label = results.label[number]
                # A float32 prints as the shortest text that reads back as the same number.
                row = [index, label, CLASS_NAMES[label], results.confidence[number]]
            rows.writerow(row if labels is None else [*row, labels[index]])
