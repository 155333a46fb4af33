"""Reduce, second level: the summaries of all parts become the job's report.

Reads no predictions. What it holds is bounded by the number of shards that a job can have, not by
the number of items. Proves that the parts cover the input exactly once before it writes.
"""

from __future__ import annotations

import msgspec
import numpy as np

from shpc_core import confusion, coverage, keys
from shpc_core.errors import IncompleteResults
from shpc_core.messages import ReportAnswer, ReportRequest
from shpc_core.results import JobReport, Model, Part, PartSummary
from shpc_core.store import Objects
from shpc_core.telemetry import totals


def reduce_job(request: ReportRequest, *, results: Objects) -> ReportAnswer:
    """Writes report.json; `IncompleteResults` names every group that is missing or does not fit."""
    report = _report(request, _summaries(request, results))
    key = keys.report(request.job_id)
    results.put(key, msgspec.json.encode(report))
    return ReportAnswer(job_id=request.job_id, report_key=key)


def _summaries(request: ReportRequest, results: Objects) -> list[PartSummary]:
    """Every group's summary in order, proven to cover the input exactly once."""
    read = [_summary(results, request.job_id, group) for group in range(request.groups.count)]
    problems = [problem for problem in read if isinstance(problem, str)]
    problems += coverage.problems(
        [None if isinstance(summary, str) else _covered(summary) for summary in read],
        start=0,
        stop=request.images,
    )
    summaries = [summary for summary in read if isinstance(summary, PartSummary)]
    for summary in summaries:
        if summary.count != summary.stop - summary.start:
            problems.append(
                f"group {summary.group} counts {summary.count} items "
                f"for {summary.start}..{summary.stop}"
            )
        if (summary.confusion is None) != (request.input.labels is None):
            problems.append(f"group {summary.group} was reduced with other labels than the job's")
    if not problems and (shards := sum(len(one.telemetry) for one in summaries)) != (
        request.shards.count
    ):
        problems.append(f"the groups hold {shards} shards, {request.shards.count} were planned")
    if problems:
        raise IncompleteResults(problems)
    return summaries


def _summary(results: Objects, job_id: str, group: int) -> PartSummary | str:
    """One group's summary, or what is wrong with it."""
    key = keys.part_summary(job_id, group)
    try:
        summary = msgspec.json.decode(results.get(key), type=PartSummary)
    except FileNotFoundError:
        return f"group {group} is missing ({key})"
    except msgspec.DecodeError as error:
        return f"group {group} cannot be read ({key}): {error}"
    if summary.group != group:
        return f"group {group} states that it is group {summary.group} ({key})"
    return summary


def _covered(summary: PartSummary) -> coverage.Covered:
    return coverage.Covered(
        name=f"group {summary.group}",
        start=summary.start,
        stop=summary.stop,
        model_sha256=summary.model_sha256,
    )


def _report(request: ReportRequest, summaries: list[PartSummary]) -> JobReport:
    telemetry = [one for summary in summaries for one in summary.telemetry]
    predicted = sum(summary.count for summary in summaries)
    matrices = [summary.confusion for summary in summaries if summary.confusion is not None]
    matrix = np.sum(matrices, axis=0) if matrices else None
    correct = None if matrix is None else confusion.correct(matrix)
    return JobReport(
        job_id=request.job_id,
        images=request.images,
        predicted=predicted,
        missing=0,
        duplicated=0,
        shards=request.shards.count,
        groups=request.groups.count,
        label_counts=np.sum([summary.label_counts for summary in summaries], axis=0).tolist(),
        confusion=None if matrix is None else matrix.tolist(),
        correct=correct,
        accuracy=None if correct is None else correct / predicted,
        model=Model(sha256=summaries[0].model_sha256),
        retries=sum(one.attempt for one in telemetry),
        cold_starts=sum(one.cold for one in telemetry),
        parts=[
            Part(
                key=keys.part(request.job_id, summary.group),
                summary_key=keys.part_summary(request.job_id, summary.group),
                start=summary.start,
                stop=summary.stop,
                count=summary.count,
            )
            for summary in summaries
        ],
        telemetry_totals=totals(telemetry),
    )
