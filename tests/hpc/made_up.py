"""Results of jobs, made up: every value follows from an index or a shard's number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from hpc.cost import JobVolume, estimate_cost
from hpc.coverage import check_coverage
from hpc.dataset import Dataset
from hpc.evaluate import evaluate
from hpc.observed import Throttles
from hpc.outcome import JobOutcome
from hpc.outputs import Deployment
from hpc.results import JobResults
from shpc_core import columns, confusion
from shpc_core.results import JobReport, Model, Part, PartSummary, TelemetryTotals
from shpc_core.telemetry import Telemetry

MODEL_SHA256 = "ab" * 32
STARTED_AT = datetime(2026, 1, 31, 14, 5, 9, tzinfo=UTC)


def telemetry_of(shard: int, **changes: Any) -> Telemetry:
    """Shard by shard on two environments, the first shard of each cold."""
    started_at = STARTED_AT.timestamp() + 1 + 0.25 * (shard // 2)
    cold = shard < 2
    values = {
        "function": "classify",
        "environment": f"{shard % 2:016x}",
        "cold": cold,
        "init_ms": 400.0 if cold else None,
        "started_at": started_at,
        "ended_at": started_at + 0.2,
        "max_rss_mb": 100.0 + shard,
        "memory_mb": 1769,
        "attempt": 0,
        "request_id": f"request-{shard}",
        "shard": shard,
        **changes,
    }
    return Telemetry(**values)


def predictions_of(start: int, stop: int) -> columns.Predictions:
    """Labels and confidences that follow from the index alone."""
    index = np.arange(start, stop, dtype=np.uint64)
    return columns.Predictions(
        index=index,
        label=(index * 7 % 10).astype(np.uint8),
        confidence=((index % 50 + 50) / 100).astype(np.float32),
    )


@dataclass
class FinishedJob:
    """What a job left in the results bucket, two shards to a part; tests may spoil it."""

    report: dict[str, Any]
    parts: list[tuple[columns.Predictions, dict[str, Any]]]


def finished_job(
    job_id: str, images: int, shard_size: int, labels: np.ndarray | None
) -> FinishedJob:
    bounds = [
        (start, min(images, start + 2 * shard_size)) for start in range(0, images, 2 * shard_size)
    ]
    shards = -(-images // shard_size)
    parts = []
    for group, (start, stop) in enumerate(bounds):
        predictions = predictions_of(start, stop)
        matrix = None if labels is None else confusion.matrix(labels[start:stop], predictions.label)
        numbers = range(2 * group, min(shards, 2 * group + 2))
        summary = PartSummary(
            group=group,
            start=start,
            stop=stop,
            count=stop - start,
            label_counts=confusion.label_counts(predictions.label).tolist(),
            confusion=None if matrix is None else matrix.tolist(),
            correct=None if matrix is None else confusion.correct(matrix),
            sha256=hashlib.sha256(columns.encode(predictions, {"job_id": job_id})).hexdigest(),
            model_sha256=MODEL_SHA256,
            telemetry=[telemetry_of(shard) for shard in numbers],
        )
        parts.append((predictions, msgspec.to_builtins(summary)))
    whole = predictions_of(0, images)
    matrix = None if labels is None else confusion.matrix(labels, whole.label)
    report = JobReport(
        job_id=job_id,
        images=images,
        predicted=images,
        missing=0,
        duplicated=0,
        shards=shards,
        groups=len(parts),
        label_counts=confusion.label_counts(whole.label).tolist(),
        confusion=None if matrix is None else matrix.tolist(),
        correct=None if matrix is None else confusion.correct(matrix),
        accuracy=None if matrix is None else confusion.correct(matrix) / images,
        model=Model(sha256=MODEL_SHA256),
        retries=0,
        cold_starts=min(2, shards),
        parts=[
            Part(
                key=f"parts/{n}",
                sha256="0" * 64,
                summary_key=f"parts/{n}.json",
                summary_sha256="0" * 64,
                start=a,
                stop=b,
                count=b - a,
            )
            for n, (a, b) in enumerate(bounds)
        ],
        telemetry_totals=TelemetryTotals(
            invocations=shards,
            environments=min(2, shards),
            duration_ms=200.0 * shards,
            init_ms=800.0,
            billed_gb_s=1.0,
            max_rss_mb=100.0,
        ),
    )
    return FinishedJob(report=msgspec.to_builtins(report), parts=parts)


def outcome_of(
    *, images: int = 20, labels: bool = True, shards: int = 4, **changes: Any
) -> JobOutcome:
    """A JobOutcome of `images` images; everything else can be replaced by name."""
    predictions = predictions_of(0, images)
    true = predictions.label.copy()
    true[::5] = (true[::5] + 1) % 10
    size = -(-images // shards)
    job = finished_job("job-1", images, size, true if labels else None)
    telemetry = tuple(telemetry_of(shard) for shard in range(job.report["shards"]))
    pixels = np.random.default_rng(2).integers(0, 256, (images, 28, 28), dtype=np.uint8)
    volume = JobVolume(
        shards=len(telemetry),
        groups=len(job.parts),
        retries=0,
        failures=0,
        redrives=0,
        has_labels=labels,
        objects_checked=2,
        objects_uploaded=2,
        api_calls=5,
    )
    values: dict[str, Any] = {
        "job_id": "job-1",
        "deployment": Deployment(
            stage="dev",
            region="us-east-1",
            input_bucket="inputs",
            results_bucket="results",
            classify_function="classify",
            state_machine_arn="arn",
            api_url="http://localhost:4566/_http_api/a1b2c3",
        ),
        "started_at": STARTED_AT,
        "stopped_at": STARTED_AT + timedelta(seconds=3.5),
        "seconds": 4.0,
        "clock": "client",
        "redrives": 0,
        "results": JobResults(
            index=predictions.index,
            label=predictions.label,
            confidence=predictions.confidence,
            telemetry=telemetry,
            report=msgspec.convert(job.report, JobReport),
            coverage=check_coverage(predictions.index, images),
        ),
        "dataset": Dataset(
            images_path=Path("data/images.idx"),
            labels_path=Path("data/labels.idx") if labels else None,
            images=pixels,
            labels=true if labels else None,
        ),
        "evaluation": evaluate(confusion.matrix(true, predictions.label)) if labels else None,
        "cost": estimate_cost(telemetry, volume, "x86_64"),
        "throttles": Throttles(count=0, reason=None),
        **changes,
    }
    return JobOutcome(**values)
