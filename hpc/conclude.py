"""From a job that has ended to all that is known of it: fetched, checked, evaluated, priced."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpc.connection import Connection
from hpc.cost import JobVolume, estimate_cost
from hpc.dataset import Dataset
from hpc.errors import ResultsInvalidError, UnexpectedAnswerError
from hpc.evaluate import Evaluation, evaluate
from hpc.job import EndedJob
from hpc.observed import read_architecture, read_throttles
from hpc.outcome import JobOutcome
from hpc.results import JobResults, fetch_results
from hpc.upload import Uploaded
from shpc_core import confusion


def conclude(
    connection: Connection,
    ended: EndedJob,
    *,
    dataset: Dataset | None,
    uploads: tuple[Uploaded, ...] = (),
) -> JobOutcome:
    """Fetch and check the results of a succeeded job, and gather what AWS observed of it.

    Raises ResultsInvalidError when anything disagrees; nothing is concluded then.
    """
    status = ended.status
    if status.stopped_at is None:
        raise UnexpectedAnswerError(f"job {status.job_id} is {status.status}, but has no end")
    results = fetch_results(status, images=None if dataset is None else len(dataset.images))
    evaluation = evaluate_agreed(results, None if dataset is None else dataset.labels)
    report = results.report
    volume = JobVolume(
        shards=report.shards,
        groups=report.groups,
        retries=report.retries,
        failures=status.failures.recorded if status.failures else 0,
        redrives=status.redrive_count,
        has_labels=report.confusion is not None,
        objects_checked=len(uploads),
        objects_uploaded=sum(upload.sent for upload in uploads),
        api_calls=connection.api.calls,
    )
    function_name = connection.deployment.classify_function
    architecture = read_architecture(connection.client("lambda"), function_name=function_name)
    return JobOutcome(
        job_id=status.job_id,
        deployment=connection.deployment,
        started_at=status.started_at,
        stopped_at=status.stopped_at,
        seconds=ended.seconds,
        clock=ended.clock,
        redrives=status.redrive_count,
        results=results,
        dataset=dataset,
        evaluation=evaluation,
        cost=estimate_cost(results.telemetry, volume, architecture),
        throttles=read_throttles(
            connection.client("cloudwatch"),
            function_name=function_name,
            started_at=status.started_at,
            stopped_at=status.stopped_at,
            invocations=len(results.telemetry),
        ),
    )


def evaluate_agreed(results: JobResults, labels: NDArray[np.uint8] | None) -> Evaluation | None:
    """Evaluate by the caller's true labels, else by the job's own; None where neither has any.

    Where both have, they must give the same confusion matrix: ResultsInvalidError otherwise.
    """
    reported = None
    if results.report.confusion is not None:
        reported = np.array(results.report.confusion, dtype=np.int64)
    if labels is None:
        return None if reported is None else evaluate(reported)
    found = confusion.matrix(labels[results.index], results.label)
    if reported is not None and not np.array_equal(found, reported):
        raise ResultsInvalidError(
            f"job {results.report.job_id} counted other true labels than these: it has "
            f"{results.report.correct} correct, these give {confusion.correct(found)}"
        )
    return evaluate(found)
