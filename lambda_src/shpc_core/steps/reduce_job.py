"""Reduce, second level: the summaries of all parts become the job's report.

Reads no predictions. What it holds is bounded by the number of shards that a job can have, not by
the number of items. Proves before it writes that the parts cover the input exactly once, but for
shards that are missing, recorded and tolerated, which the report names.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec
import numpy as np

from shpc_core import confusion, coverage, keys
from shpc_core.errors import IncompleteResults
from shpc_core.failures import MissingShard
from shpc_core.messages import ReportAnswer, ReportRequest
from shpc_core.results import JobReport, Model, Part, PartSummary
from shpc_core.store import Objects
from shpc_core.telemetry import totals


@dataclass(frozen=True, slots=True)
class _Stored:
    summary: PartSummary
    sha256: str


def reduce_job(request: ReportRequest, *, results: Objects) -> ReportAnswer:
    """Writes report.json; `IncompleteResults` names every group that is missing or does not fit."""
    report = _report(request, _summaries(request, results))
    key = keys.report(request.job_id)
    results.put(key, msgspec.json.encode(report))
    return ReportAnswer(job_id=request.job_id, report_key=key)


def _summaries(request: ReportRequest, results: Objects) -> list[_Stored]:
    """Every group's summary in order, proven to cover the input exactly once."""
    read = [_summary(results, request.job_id, group) for group in range(request.groups.count)]
    problems = [problem for problem in read if isinstance(problem, str)]
    problems += coverage.problems(
        [None if isinstance(stored, str) else _covered(stored.summary) for stored in read],
        start=0,
        stop=request.images,
    )
    found = [stored for stored in read if isinstance(stored, _Stored)]
    for summary in (stored.summary for stored in found):
        missing = _items(summary.missing_shards)
        if summary.count + missing != summary.stop - summary.start:
            told = f" and {missing} missing ones" if missing else ""
            problems.append(
                f"group {summary.group} counts {summary.count} items{told} "
                f"for {summary.start}..{summary.stop}"
            )
        if (summary.confusion is None) != (request.input.labels is None):
            problems.append(f"group {summary.group} was reduced with other labels than the job's")
    problems = problems or _wrong_shards(request, [one.summary for one in found])
    if problems:
        raise IncompleteResults(problems)
    return found


def _wrong_shards(request: ReportRequest, summaries: list[PartSummary]) -> list[str]:
    """Whether there are as many shards as planned, and not more missing than is tolerated."""
    planned = request.shards.count
    predicted = sum(len(summary.telemetry) for summary in summaries)
    missing = [one for summary in summaries for one in summary.missing_shards]
    if predicted + len(missing) != planned:
        told = f", {len(missing)} of them missing" if missing else ""
        return [f"the groups hold {predicted + len(missing)} shards{told}, {planned} were planned"]
    if len(missing) * 100 > request.tolerated_failure_percentage * planned:
        return [
            f"{len(missing)} of {planned} shards are missing, more than the "
            f"{request.tolerated_failure_percentage:g} % that are tolerated: "
            + ", ".join(f"shard {one.shard} ({one.error})" for one in missing[:10])
        ]
    if predicted == 0:
        return [f"all {planned} shards are missing: there is nothing to report"]
    return []


def _items(missing: list[MissingShard]) -> int:
    return sum(shard.stop - shard.start for shard in missing)


def _summary(results: Objects, job_id: str, group: int) -> _Stored | str:
    """One group's summary, or what is wrong with it."""
    key = keys.part_summary(job_id, group)
    try:
        data = results.get(key)
        summary = msgspec.json.decode(data, type=PartSummary)
    except FileNotFoundError:
        return f"group {group} is missing ({key})"
    except msgspec.DecodeError as error:
        return f"group {group} cannot be read ({key}): {error}"
    if summary.group != group:
        return f"group {group} states that it is group {summary.group} ({key})"
    return _Stored(summary, hashlib.sha256(data).hexdigest())


def _covered(summary: PartSummary) -> coverage.Covered:
    return coverage.Covered(
        name=f"group {summary.group}",
        start=summary.start,
        stop=summary.stop,
        model_sha256=summary.model_sha256,
    )


def _report(request: ReportRequest, found: list[_Stored]) -> JobReport:
    summaries = [stored.summary for stored in found]
    telemetry = [one for summary in summaries for one in summary.telemetry]
    predicted = sum(summary.count for summary in summaries)
    missing = [one for summary in summaries for one in summary.missing_shards]
    (model,) = {summary.model_sha256 for summary in summaries if summary.model_sha256}
    matrices = [summary.confusion for summary in summaries if summary.confusion is not None]
    matrix = np.sum(matrices, axis=0) if matrices else None
    correct = None if matrix is None else confusion.correct(matrix)
    return JobReport(
        job_id=request.job_id,
        images=request.images,
        predicted=predicted,
        missing=_items(missing),
        duplicated=0,
        shards=request.shards.count,
        groups=request.groups.count,
        label_counts=np.sum([summary.label_counts for summary in summaries], axis=0).tolist(),
        confusion=None if matrix is None else matrix.tolist(),
        correct=correct,
        accuracy=None if correct is None else correct / predicted,
        model=Model(sha256=model),
        retries=sum(one.attempt for one in telemetry),
        cold_starts=sum(one.cold for one in telemetry),
        parts=[
            Part(
                key=keys.part(request.job_id, stored.summary.group),
                sha256=stored.summary.sha256,
                summary_key=keys.part_summary(request.job_id, stored.summary.group),
                summary_sha256=stored.sha256,
                start=stored.summary.start,
                stop=stored.summary.stop,
                count=stored.summary.count,
            )
            for stored in found
        ],
        telemetry_totals=totals(telemetry),
        complete=not missing,
        missing_shards=missing,
    )
