"""Holds a baseline against a serverless job of the same images: the predictions, and the figures.

It decides what "the same" is: every label and every confidence, to the bit. What differs is an
error that says where; a cheaper answer that is another answer is not compared by its price.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpc.errors import ResultsInvalidError
from hpc.outcome import JobOutcome
from hpc.results import JobResults

# Where a function has one whole vCPU:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
_MB_PER_VCPU = 1769


@dataclass(frozen=True, kw_only=True)
class ServerlessFigures:
    """A serverless job in the terms of a baseline."""

    job_id: str
    seconds: float
    startup_s: float
    environments: int
    vcpu_s: float
    usd: float


def serverless_figures(outcome: JobOutcome) -> ServerlessFigures:
    """From a job's start to its report; its vCPU-seconds are what its memory bought of them."""
    telemetry = outcome.results.telemetry
    first = min(one.started_at for one in telemetry)
    return ServerlessFigures(
        job_id=outcome.job_id,
        seconds=(outcome.stopped_at - outcome.started_at).total_seconds(),
        startup_s=first - outcome.started_at.timestamp(),
        environments=outcome.environments,
        vcpu_s=sum(
            (one.duration_ms + (one.init_ms or 0.0)) / 1000 * one.memory_mb / _MB_PER_VCPU
            for one in telemetry
        ),
        usd=outcome.cost.usd,
    )


def check_same_images(outcome: JobOutcome, images: int) -> None:
    """ResultsInvalidError where the job is of another number of images, or lost some of them."""
    if (theirs := outcome.results.coverage.expected) != images:
        raise ResultsInvalidError(
            f"job {outcome.job_id} is of {theirs} images, these are {images}: not the same input"
        )
    if not outcome.is_complete:
        raise ResultsInvalidError(
            f"job {outcome.job_id} lost {outcome.results.coverage.missing} of its {images} images: "
            "allowed: a job that is complete"
        )


def check_same_predictions(ours: JobResults, theirs: JobResults) -> None:
    """ResultsInvalidError that names the first image and both models, unless all are equal."""
    differs = (ours.label != theirs.label) | (ours.confidence != theirs.confidence)
    if not differs.any():
        return
    first = int(np.argmax(differs))
    raise ResultsInvalidError(
        f"{int(differs.sum())} of {len(differs)} predictions differ from job "
        f"{theirs.report.job_id}, the first at image {first}: label {ours.label[first]} with "
        f"confidence {ours.confidence[first]} on the machines, {theirs.label[first]} with "
        f"{theirs.confidence[first]} there (models {ours.report.model.sha256[:12]} and "
        f"{theirs.report.model.sha256[:12]})"
    )
