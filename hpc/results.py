"""Fetches a finished job's parts and believes them only once they add up.

What counts is decided by the columns themselves: every item exactly once, and every total of the
job's report found again; and each object is the one that the job wrote, by its sha256. Anything
else is an error. A result is partial only where the report says so: then exactly the items of the
shards that it names are missing, and `JobResults.is_complete` is false.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import msgspec
import numpy as np
import requests
from numpy.typing import NDArray

from hpc.api import JobStatus, PartUrls
from hpc.coverage import Coverage, check_coverage
from hpc.errors import ResultsInvalidError, UnexpectedAnswerError
from hpc.http_session import retrying_session
from shpc_core import columns
from shpc_core.columns import ColumnsError, Predictions
from shpc_core.confusion import label_counts
from shpc_core.labels import CLASS_NAMES
from shpc_core.results import JobReport, PartSummary
from shpc_core.telemetry import Telemetry

_PARALLEL = 8
_TRANSFERS = 4


@dataclass(frozen=True, kw_only=True)
class JobResults:
    """Checked results: columns sorted by index, telemetry sorted by shard.

    `index` uint64, `label` uint8, `confidence` float32, all of length `coverage.predicted`.
    """

    index: NDArray[np.uint64]
    label: NDArray[np.uint8]
    confidence: NDArray[np.float32]
    telemetry: tuple[Telemetry, ...]
    report: JobReport
    coverage: Coverage

    @property
    def is_complete(self) -> bool:
        """Whether every item was predicted."""
        return self.coverage.is_exact


def fetch_results(
    status: JobStatus,
    *,
    images: int | None,
    open_session: Callable[[], requests.Session] = retrying_session,
) -> JobResults:
    """Download all parts of a succeeded job in parallel and check them.

    `images` is how many the caller knows to have asked for; None takes the report's word for it.
    Raises ResultsInvalidError when they do not add up, UnexpectedAnswerError for what is no part.
    """
    if status.report is None or not status.parts:
        raise UnexpectedAnswerError(
            f"job {status.job_id} is {status.status}, but the API gives no report and parts"
        )
    parts = _download(status.parts, open_session)
    predictions = columns.concatenated([part for part, _ in parts])
    summaries = [summary for _, summary in parts]
    expected = status.report.images if images is None else images
    missing = [(shard.start, shard.stop) for shard in status.report.missing_shards]
    coverage = check_coverage(predictions.index, expected, missing=missing)
    _check(status.report, predictions, summaries, coverage)
    order = np.argsort(predictions.index, kind="stable")
    return JobResults(
        index=predictions.index[order],
        label=predictions.label[order],
        confidence=predictions.confidence[order],
        telemetry=tuple(
            sorted(
                (one for summary in summaries for one in summary.telemetry),
                key=lambda one: one.shard,
            )
        ),
        report=status.report,
        coverage=coverage,
    )


def _download(
    parts: Sequence[PartUrls], open_session: Callable[[], requests.Session]
) -> list[tuple[Predictions, PartSummary]]:
    # A requests session is not meant to be shared by threads, so each worker opens its own.
    local = threading.local()
    opened: list[requests.Session] = []

    def open_one() -> None:
        local.session = open_session()
        opened.append(local.session)

    def one(part: PartUrls) -> tuple[Predictions, PartSummary]:
        predictions = _columns_of(_get(local.session, part.url, part.sha256, part), part)
        summary = _summary_of(
            _get(local.session, part.summary_url, part.summary_sha256, part), part
        )
        return predictions, summary

    try:
        with ThreadPoolExecutor(min(_PARALLEL, len(parts)), initializer=open_one) as pool:
            return list(pool.map(one, parts))
    finally:
        for session in opened:
            session.close()


def _get(session: requests.Session, url: str, sha256: str, part: PartUrls) -> bytes:
    """The object as the job wrote it, from its first byte again when the transfer breaks off."""
    response = _whole_response(session, url)
    if not response.ok:
        # The address is a credential while it lasts, so it stays out of the message.
        raise UnexpectedAnswerError(
            f"part of images {part.start} to {part.stop - 1} could not be fetched: "
            f"{response.status_code} {response.reason}"
        )
    if hashlib.sha256(response.content).hexdigest() != sha256:
        raise ResultsInvalidError(
            f"part of images {part.start} to {part.stop - 1} is not what the job wrote: "
            f"its sha256 is not {sha256}"
        )
    return response.content


def _whole_response(session: requests.Session, url: str) -> requests.Response:
    for _ in range(_TRANSFERS - 1):
        # The session repeats requests that get no answer, not answers that break off.
        with suppress(requests.exceptions.ChunkedEncodingError):
            return session.get(url)
    return session.get(url)


def _columns_of(data: bytes, part: PartUrls) -> Predictions:
    try:
        predictions, _ = columns.decode(data)
    except ColumnsError as error:
        raise UnexpectedAnswerError(
            f"part of images {part.start} to {part.stop - 1}: {error}"
        ) from error
    return predictions


def _summary_of(data: bytes, part: PartUrls) -> PartSummary:
    try:
        return msgspec.json.decode(data, type=PartSummary)
    except msgspec.DecodeError as error:
        raise UnexpectedAnswerError(
            f"summary of images {part.start} to {part.stop - 1}: {error}"
        ) from error


def _check(
    report: JobReport,
    predictions: Predictions,
    summaries: Sequence[PartSummary],
    coverage: Coverage,
) -> None:
    """Raise ResultsInvalidError with everything that does not add up."""
    problems = []
    if not coverage.is_as_told:
        problems.append(
            f"{coverage.missing} missing, {coverage.duplicated} duplicated, "
            f"{coverage.outside} outside 0 to {coverage.expected - 1} ({coverage.examples})"
        )
    if predictions.label.max(initial=0) >= len(CLASS_NAMES):
        problems.append(f"a label is {predictions.label.max()}, which is no class")
    counts = label_counts(predictions.label).tolist()
    missing = [one for summary in summaries for one in summary.missing_shards]
    shards = [one.shard for summary in summaries for one in summary.telemetry]
    shards = sorted(shards + [one.shard for one in missing])
    models = {summary.model_sha256 for summary in summaries} - {None} | {report.model.sha256}
    for what, reported, found in (
        ("images", report.images, coverage.expected),
        ("predicted", report.predicted, coverage.predicted),
        ("missing", report.missing, coverage.missing),
        ("complete", report.complete, coverage.is_exact),
        ("missing_shards", report.missing_shards, missing),
        ("duplicated", report.duplicated, coverage.duplicated),
        ("label_counts", report.label_counts, counts),
        ("shards", list(range(report.shards)), shards),
        ("groups", report.groups, len(summaries)),
        ("model", {report.model.sha256}, models),
    ):
        if reported != found:
            problems.append(f"{what}: the report says {reported}, the parts say {found}")
    if problems:
        raise ResultsInvalidError(
            f"results of job {report.job_id} are wrong: {'; '.join(problems)}"
        )
