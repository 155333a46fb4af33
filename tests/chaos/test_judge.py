"""The judge finds what is wrong: each example differs from a good one in a single thing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.judge import JobEvidence, Outcome, differences, judge
from shpc_core import columns
from shpc_core.columns import Predictions

ITEMS, SHARD_SIZE = 10, 4


def _predictions(items: int = ITEMS) -> Predictions:
    return Predictions(
        index=np.arange(items, dtype=np.uint64),
        label=(np.arange(items) % 10).astype(np.uint8),
        confidence=np.linspace(0.5, 1, items, dtype=np.float32),
    )


def _rows(predictions: Predictions, rows: list[int]) -> Predictions:
    return Predictions(
        index=predictions.index[rows],
        label=predictions.label[rows],
        confidence=predictions.confidence[rows],
    )


def _shard(start: int, stop: int) -> bytes:
    return columns.encode(_rows(_predictions(), list(range(start, stop))), {"shard": "0"})


SHARDS = {
    "000000.safetensors": _shard(0, 4),
    "000001.safetensors": _shard(4, 8),
    "000002.safetensors": _shard(8, 10),
}
REPORTED = {"images": 10, "predicted": 10, "missing": 0, "duplicated": 0, "shards": 3}
EXACT = JobEvidence(
    job_id="job",
    expected=_predictions(),
    shard_size=SHARD_SIZE,
    status="SUCCEEDED",
    error=None,
    cause=None,
    predictions=_predictions(),
    reported=REPORTED,
    shard_objects=SHARDS,
)
FAILED = replace(
    EXACT,
    status="FAILED",
    error="Sandbox.Timedout",
    cause="Task timed out after 4.00 seconds",
    predictions=None,
    reported=None,
    shard_objects={"000001.safetensors": SHARDS["000001.safetensors"]},
)


def test_exact_results_are_exact() -> None:
    verdict = judge(EXACT)
    assert (verdict.outcome, verdict.violations) == (Outcome.EXACT, ())


def test_failure_with_error_and_cause_is_named() -> None:
    verdict = judge(FAILED)
    assert (verdict.outcome, verdict.violations) == (Outcome.FAILED, ())


def _altered_label() -> Predictions:
    label = _predictions().label.copy()
    label[7] += 1
    return replace(_predictions(), label=label)


def _altered_confidence() -> Predictions:
    confidence = _predictions().confidence.copy()
    confidence[3] = np.nextafter(confidence[3], np.float32(0))
    return replace(_predictions(), confidence=confidence)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"predictions": _altered_label()}, "1 values of label differ (first 7)"),
        ({"predictions": _altered_confidence()}, "1 values of confidence differ (first 3)"),
        ({"predictions": _rows(_predictions(), [*range(10), 4])}, "1 doubled (first 4)"),
        ({"predictions": _rows(_predictions(), [0, 1, 2, *range(4, 10)])}, "1 lost (first 3)"),
        ({"predictions": None, "refused": "2 missing"}, "2 missing"),
        ({"reported": {**REPORTED, "duplicated": 4}}, "'duplicated': 4"),
        ({"reported": None}, "reported None"),
        ({"executions": 2}, "2 executions"),
        ({"executions": 0}, "0 executions"),
        ({"client_trouble": "the client ended with 1"}, "the client ended with 1"),
        ({"stuck": ("a fault did not end",)}, "a fault did not end"),
        ({"status": "RUNNING"}, "RUNNING"),
        ({"status": "UNKNOWN"}, "UNKNOWN"),
        ({"status": "TIMED_OUT"}, "TIMED_OUT"),
        ({"status": "ABORTED"}, "ABORTED"),
        (
            {"shard_objects": {**SHARDS, "000003.safetensors": SHARDS["000002.safetensors"]}},
            "000003.safetensors that is no shard",
        ),
        (
            {"shard_objects": {**SHARDS, "000001.safetensors": SHARDS["000000.safetensors"]}},
            "shard 000001.safetensors: 4 lost",
        ),
        ({"shard_objects": {**SHARDS, "000001.safetensors": b"cut"}}, "cannot be read"),
        (
            {"shard_objects": {"000000.safetensors": SHARDS["000000.safetensors"]}},
            "1 results of shards, not 3",
        ),
    ],
)
def test_wrong_success_is_a_violation(wrong, words) -> None:
    verdict = judge(replace(EXACT, **wrong))
    assert verdict.outcome is Outcome.WRONG
    assert words in "\n".join(verdict.violations)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"error": None}, "names nothing"),
        ({"error": "States.Runtime"}, "names nothing"),
        ({"cause": None}, "without a cause"),
        ({"cause": "Traceback (most recent call last): ..."}, "stack trace"),
        ({"predictions": _predictions()}, "gives results all the same"),
        (
            {"shard_objects": {"000002.safetensors": _shard(8, 9)}},
            "shard 000002.safetensors: 1 lost",
        ),
    ],
)
def test_wrong_failure_is_a_violation(wrong, words) -> None:
    verdict = judge(replace(FAILED, **wrong))
    assert verdict.outcome is Outcome.WRONG
    assert words in "\n".join(verdict.violations)


@given(st.lists(st.integers(0, 12), max_size=14))
def test_differences_are_found_exactly_where_rows_are_not_the_expected_ones(items) -> None:
    other = replace(_rows(_predictions(13), items), index=np.array(items, dtype=np.uint64))
    assert bool(differences(_predictions(), other, name="rows")) == (items != list(range(ITEMS)))


def _record(**changes: object) -> bytes:
    body = {
        "job_id": "job",
        "step": "ClassifyShard",
        "shard": {"shard": 1, "start": 4, "stop": 8},
        "failure": {"Error": "Sandbox.Timedout", "Cause": "Task timed out"},
        "recorded_at": "2026-01-01T00:00:00Z",
        "execution": "arn",
        **changes,
    }
    return json.dumps(body).encode()


LOST = "shard 1 (items 4..8): Task timed out after 4.00 seconds"


def test_lost_shard_that_is_recorded_is_a_named_failure() -> None:
    verdict = judge(replace(FAILED, cause=LOST, records={"shard-1.json": _record()}))
    assert (verdict.outcome, verdict.violations) == (Outcome.FAILED, ())


def test_record_is_history_where_the_job_is_exact() -> None:
    assert judge(replace(EXACT, records={"shard-1.json": _record()})).outcome is Outcome.EXACT


@pytest.mark.parametrize(
    ("records", "named"),
    [
        ({}, "shard 1 failed, and nothing is recorded of it"),
        ({"shard-2.json": _record()}, "record shard-2.json is about"),
        ({"shard-1.json": _record(shard={"shard": 1, "start": 4, "stop": 9})}, "is about"),
        ({"shard-1.json": _record(job_id="other")}, "is of job other"),
        ({"shard-1.json": _record(failure={"Error": "States.Runtime"})}, "it names nothing"),
        ({"shard-1.json": b"{"}, "record shard-1.json cannot be read"),
        ({"shard-1.json": _record(shard=None)}, "cannot be read"),
    ],
)
def test_record_that_is_absent_or_untrue_is_found(records: dict[str, bytes], named: str) -> None:
    verdict = judge(replace(FAILED, cause=LOST, records=records))
    assert verdict.outcome is Outcome.WRONG
    assert any(named in violation for violation in verdict.violations), verdict.violations
