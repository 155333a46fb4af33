"""What is right after a fault: results that are exact to the last bit, or a failure with a name.

Pure functions of evidence that somebody else gathered; nothing here looks at a cloud. Whatever does
not hold is a violation, said in words that name job, shard or process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec
import numpy as np

from shpc_core import columns, failures
from shpc_core.columns import ColumnsError, Predictions
from shpc_core.limits import SHARDS_PER_GROUP
from shpc_core.messages import Group, Shard


class Outcome(StrEnum):
    """What became of a job."""

    EXACT = "exact"
    FAILED = "failed with a name"
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True)
class JobEvidence:
    """What is known of one job once nothing more is to come.

    `expected` are the undisturbed predictions of its images. `predictions` are the client's, None
    without success; `refused` says why the client did not believe them. `shard_objects` are the
    results by the name of their object, `records` what was recorded of failures by theirs.
    `executions` counts those under the job's name.
    """

    job_id: str
    expected: Predictions
    shard_size: int
    status: str
    error: str | None
    cause: str | None
    predictions: Predictions | None = None
    refused: str | None = None
    reported: Mapping[str, int] | None = None
    shard_objects: Mapping[str, bytes] = field(default_factory=dict)
    records: Mapping[str, bytes] = field(default_factory=dict)
    executions: int = 1
    client_trouble: str | None = None
    stuck: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The outcome and what was violated; without violations the outcome is not WRONG."""

    outcome: Outcome
    violations: tuple[str, ...]


# An error of the interpreter, and not of the job: AWS has it for a definition that cannot run.
_NO_NAMES = frozenset({"States.Runtime", "Exception", "Error"})
_SHARD_NAME = "{:06d}.safetensors"
# How a job names the shard or group that failed first.
_LOST = re.compile(r"(?P<kind>shard|group) (?P<number>\d+) \(items \d+\.\.\d+\): ")


def judge(evidence: JobEvidence) -> Verdict:
    """Judge one job."""
    violations = [*evidence.stuck]
    if evidence.executions != 1:
        violations.append(f"{evidence.executions} executions; one job has one")
    if evidence.client_trouble:
        violations.append(evidence.client_trouble)
    violations += _shard_violations(evidence)
    violations += _record_violations(evidence)
    if evidence.status == "SUCCEEDED":
        violations += _result_violations(evidence)
        outcome = Outcome.EXACT
    elif evidence.status == "FAILED":
        violations += _failure_violations(evidence)
        outcome = Outcome.FAILED
    else:
        violations.append(f"status {evidence.status} is neither success nor a named failure")
        outcome = Outcome.WRONG
    return Verdict(Outcome.WRONG if violations else outcome, tuple(violations))


def _result_violations(evidence: JobEvidence) -> list[str]:
    if evidence.refused is not None or evidence.predictions is None:
        return [f"succeeded, but its results are refused: {evidence.refused}"]
    found = differences(evidence.expected, evidence.predictions, name="results")
    shards = -(-len(evidence.expected) // evidence.shard_size)
    wanted = {
        "images": len(evidence.expected),
        "predicted": len(evidence.expected),
        "missing": 0,
        "duplicated": 0,
        "shards": shards,
    }
    if evidence.reported != wanted:
        found.append(f"reported {evidence.reported}, not {wanted}")
    if len(evidence.shard_objects) != shards:
        found.append(f"{len(evidence.shard_objects)} results of shards, not {shards}")
    return found


def _failure_violations(evidence: JobEvidence) -> list[str]:
    found = []
    if not evidence.error or evidence.error in _NO_NAMES:
        found.append(f"failed with the error {evidence.error!r}, which names nothing")
    if not evidence.cause:
        found.append("failed without a cause")
    elif "Traceback (most recent call last)" in evidence.cause:
        found.append("the cause told to the client holds a stack trace")
    if evidence.predictions is not None:
        found.append("failed, and gives results all the same")
    lost = _LOST.match(evidence.cause or "")
    if lost and f"{lost['kind']}-{lost['number']}.json" not in evidence.records:
        found.append(f"{lost['kind']} {lost['number']} failed, and nothing is recorded of it")
    return found


def _record_violations(evidence: JobEvidence) -> list[str]:
    """Every record must be true of this job, whatever became of it: it is history."""
    found = []
    total = len(evidence.expected)
    for name, data in evidence.records.items():
        try:
            record = failures.decode(data)
        except (msgspec.DecodeError, ValueError) as error:
            found.append(f"record {name} cannot be read: {error}")
            continue
        match record.lost:
            case Shard(shard=number):
                kind, size = "shard", evidence.shard_size
            case Group(group=number):
                kind, size = "group", evidence.shard_size * SHARDS_PER_GROUP
        wanted = (f"{kind}-{number}.json", number * size, min(total, (number + 1) * size))
        if (name, record.lost.start, record.lost.stop) != wanted:
            found.append(f"record {name} is about {record.lost}, not about {wanted}")
        if record.job_id != evidence.job_id:
            found.append(f"record {name} is of job {record.job_id}")
        if record.failure.error in _NO_NAMES or not record.failure.error:
            found.append(f"record {name} has the error {record.failure.error!r}: it names nothing")
    return found


def _shard_violations(evidence: JobEvidence) -> list[str]:
    """Every stored result of a shard must be that shard's, whatever became of the job."""
    found = []
    total = len(evidence.expected)
    shards = -(-total // evidence.shard_size)
    ranges = {
        _SHARD_NAME.format(number): (
            number * evidence.shard_size,
            min(total, (number + 1) * evidence.shard_size),
        )
        for number in range(shards)
    }
    for name, data in evidence.shard_objects.items():
        if name not in ranges:
            found.append(f"a result {name} that is no shard of this job")
            continue
        start, stop = ranges[name]
        expected = Predictions(
            index=evidence.expected.index[start:stop],
            label=evidence.expected.label[start:stop],
            confidence=evidence.expected.confidence[start:stop],
        )
        try:
            stored, _ = columns.decode(data)
        except ColumnsError as error:
            found.append(f"shard {name} cannot be read: {error}")
            continue
        found += differences(expected, stored, name=f"shard {name}")
    return found


def differences(expected: Predictions, actual: Predictions, *, name: str) -> list[str]:
    """How `actual` differs from `expected`: lost and doubled items, then other values."""
    wanted, got = expected.index, actual.index
    if not np.array_equal(wanted, got):
        items, times = np.unique(got, return_counts=True)
        lost = np.setdiff1d(wanted, got)
        doubled = items[times > 1]
        strange = np.setdiff1d(got, wanted)
        return [
            f"{name}: {len(lost)} lost{_first(lost)}, {len(doubled)} doubled{_first(doubled)}, "
            f"{len(strange)} strange{_first(strange)}, {len(got)} rows for {len(wanted)} items"
        ]
    found = []
    for column in ("label", "confidence"):
        ours, theirs = getattr(expected, column), getattr(actual, column)
        if ours.tobytes() != theirs.tobytes():
            # As bits: a NaN differs from nothing but other bits.
            other = np.flatnonzero(
                ours.view(f"u{ours.itemsize}") != theirs.view(f"u{theirs.itemsize}")
            )
            found.append(f"{name}: {len(other)} values of {column} differ{_first(wanted[other])}")
    return found


def _first(items: np.ndarray) -> str:
    return f" (first {items[0]})" if len(items) else ""
