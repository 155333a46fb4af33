"""The main job on a deployed stage: exact, the same for every shard size, idempotent."""

from __future__ import annotations

import csv
import json
import uuid
from pathlib import Path

import pytest

IMAGES = 3_000


def _columns(predictions: Path) -> list[tuple[str, str, str]]:
    with predictions.open(newline="") as source:
        return [(row["index"], row["label"], row["confidence"]) for row in csv.DictReader(source)]


@pytest.fixture(scope="module")
def reference(run_job, tmp_path_factory) -> tuple[dict, Path]:
    """Summary and predictions of the job at the default shard size."""
    out = tmp_path_factory.mktemp("reference")
    run_job(out)
    return json.loads((out / "summary.json").read_text()), out / "predictions.csv"


def test_job_predicts_every_image_exactly_once(reference) -> None:
    summary, predictions = reference
    assert (summary["images"], summary["predicted"]) == (IMAGES, IMAGES)
    assert (summary["missing"], summary["duplicated"]) == (0, 0)
    assert [int(index) for index, _, _ in _columns(predictions)] == list(range(IMAGES))


def test_job_reports_an_accuracy_of_the_shipped_model(reference) -> None:
    summary, predictions = reference
    with predictions.open(newline="") as source:
        hits = sum(row["label"] == row["true_label"] for row in csv.DictReader(source))
    assert summary["accuracy"] == pytest.approx(hits / IMAGES)
    assert summary["accuracy"] > 0.9


@pytest.mark.parametrize("shard_size", [7, 1_000, 5_000])
def test_job_answers_the_same_for_every_shard_size(
    reference, run_job, tmp_path, shard_size
) -> None:
    run_job(tmp_path, "--shard-size", str(shard_size))
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["shards"] == -(-IMAGES // shard_size)
    assert _columns(tmp_path / "predictions.csv") == _columns(reference[1])


def test_job_posted_twice_runs_once(api, uploaded) -> None:
    body = {
        "job_id": f"twice-{uuid.uuid4().hex[:8]}",
        "workload": "classify",
        "input": uploaded,
        "shard_size": 1_000,
    }
    first = api("POST", "/jobs", json=body)
    second = api("POST", "/jobs", json=body)
    assert (first.status_code, first.json()["created"]) == (202, True)
    assert (second.status_code, second.json()["created"]) == (200, False)


def test_job_id_taken_by_another_job_is_a_conflict(api, uploaded) -> None:
    body = {
        "job_id": f"taken-{uuid.uuid4().hex[:8]}",
        "workload": "classify",
        "input": uploaded,
        "shard_size": 1_000,
    }
    assert api("POST", "/jobs", json=body).status_code == 202
    conflict = api("POST", "/jobs", json={**body, "shard_size": 500})
    assert conflict.status_code == 409
    assert conflict.json()["error"]["field"] == "job_id"
