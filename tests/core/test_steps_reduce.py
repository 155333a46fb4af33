from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shpc_core import columns, idx, keys
from shpc_core.classifier import Classifier
from shpc_core.columns import Predictions
from shpc_core.errors import IncompleteResults, InvalidInput
from shpc_core.messages import Shard
from shpc_core.store import Bucket
from tests.core.reducing import JOB, UNLABELLED, Forgetful, Job


def sha256(job: Job, key: str) -> str:
    return hashlib.sha256(job.results.get(key)).hexdigest()


def test_reduce_reports_every_image_once(
    job: Job, labels: NDArray[np.uint8], classifier: Classifier, images: NDArray[np.uint8]
) -> None:
    job.classify(Shard(shard=3, start=75, stop=100), attempt=2)
    job.reduce_groups()
    report = job.report()
    predicted, _ = classifier.predict(images)
    correct = int((predicted == labels).sum())
    telemetry = report.pop("telemetry_totals")
    confusion = report.pop("confusion")
    assert report == {
        "job_id": JOB,
        "images": 3000,
        "predicted": 3000,
        "complete": True,
        "missing": 0,
        "missing_shards": [],
        "duplicated": 0,
        "shards": 120,
        "groups": 2,
        "label_counts": np.bincount(predicted, minlength=10).tolist(),
        "correct": correct,
        "accuracy": correct / 3000,
        "model": {"sha256": classifier.model_sha256},
        "retries": 2,
        "cold_starts": 1,
        "parts": [
            {
                "key": f"jobs/job-1/parts/{group:06d}.safetensors",
                "sha256": sha256(job, f"jobs/job-1/parts/{group:06d}.safetensors"),
                "summary_key": f"jobs/job-1/parts/{group:06d}.json",
                "summary_sha256": sha256(job, f"jobs/job-1/parts/{group:06d}.json"),
                "start": start,
                "stop": stop,
                "count": stop - start,
            }
            for group, (start, stop) in enumerate([(0, 2500), (2500, 3000)])
        ],
    }
    assert np.array(confusion).sum(axis=1).tolist() == np.bincount(labels).tolist()
    assert np.trace(confusion) == correct
    assert (telemetry["invocations"], telemetry["environments"]) == (120, 1)
    assert telemetry["billed_gb_s"] > 0


def test_reduce_gives_the_same_predictions_for_every_shard_size(
    stored: Bucket, classifier: Classifier, images: NDArray[np.uint8]
) -> None:
    labels, confidences = classifier.predict(images)
    for shard_size in (1000, 999, 4000):
        job = Job(stored, classifier, shard_size)
        job.reduce_groups()
        parts = [columns.decode(job.results.get(part["key"]))[0] for part in job.report()["parts"]]
        whole = columns.concatenated(parts)
        assert whole.index.tolist() == list(range(3000))
        np.testing.assert_array_equal(whole.label, labels)
        np.testing.assert_array_equal(whole.confidence, confidences)


def test_reduce_writes_the_same_part_whenever_it_runs(job: Job) -> None:
    job.reduce_groups()
    first = job.results.get(keys.part(JOB, 1))
    job.classify(Shard(shard=110, start=2750, stop=2775), attempt=1)
    job.reduce_groups()
    assert job.results.get(keys.part(JOB, 1)) == first
    assert columns.decode(first)[1] == {
        "job_id": JOB,
        "group": "1",
        "start": "2500",
        "stop": "3000",
        "model_sha256": job.classifier.model_sha256,
    }


def test_reduce_without_labels_reports_no_accuracy(job: Job) -> None:
    job.reduce_groups(input_=UNLABELLED)
    report = job.report(input_=UNLABELLED)
    assert (report["confusion"], report["correct"], report["accuracy"]) == (None, None, None)
    assert report["predicted"] == sum(report["label_counts"]) == 3000


def test_reduce_names_labels_that_are_gone(job: Job) -> None:
    job.inputs.put("inputs/x/labels.idx", b"short")
    with pytest.raises(InvalidInput, match=r"inputs/x/labels\.idx, which is 5 bytes long"):
        job.reduce_groups()


def test_reduce_group_names_every_missing_shard(job: Job) -> None:
    job.results = Forgetful(job.results, keys.shard_result(JOB, 3), keys.shard_result(JOB, 99))
    with pytest.raises(IncompleteResults) as caught:
        job.reduce_groups()
    assert caught.value.problems == (
        "shard 3 is missing (jobs/job-1/shards/000003.safetensors)",
        "shard 99 is missing (jobs/job-1/shards/000099.safetensors)",
    )
    with pytest.raises(FileNotFoundError):
        job.results.get(keys.part(JOB, 0))


def dropping_last_row(rows: Predictions, metadata: dict[str, str]) -> Predictions:
    return Predictions(
        index=rows.index[:-1], label=rows.label[:-1], confidence=rows.confidence[:-1]
    )


def repeating_a_row(rows: Predictions, metadata: dict[str, str]) -> Predictions:
    index = rows.index.copy()
    index[5] = index[4]
    return Predictions(index=index, label=rows.label, confidence=rows.confidence)


def with_a_label_out_of_range(rows: Predictions, metadata: dict[str, str]) -> Predictions:
    label = rows.label.copy()
    label[0] = 10
    return Predictions(index=rows.index, label=label, confidence=rows.confidence)


def stating(**fields: str) -> Callable[[Predictions, dict[str, str]], None]:
    def alter(rows: Predictions, metadata: dict[str, str]) -> None:
        metadata.update(fields)

    return alter


def without_telemetry(rows: Predictions, metadata: dict[str, str]) -> None:
    del metadata["telemetry"]


@pytest.mark.parametrize(
    ("alter", "problem"),
    [
        (dropping_last_row, r"shard 4 holds 24 items that are not 100\.\.125, each once"),
        (repeating_a_row, r"shard 4 holds 25 items that are not 100\.\.125, each once"),
        (with_a_label_out_of_range, "shard 4 holds labels beyond 9"),
        (stating(model_sha256="f" * 64), "shard 4 was predicted by model ffffffffffff, shard 0 by"),
        (stating(job_id="other"), "states that it is shard 4 of job other"),
        (stating(shard="5"), "states that it is shard 5 of job job-1"),
        (stating(start="99"), r"not 99\.\.125"),
        (stating(stop="many"), "shard 4 cannot be read"),
        (stating(telemetry="{}"), "shard 4 cannot be read"),
        (without_telemetry, "shard 4 has no 'telemetry' in its metadata"),
    ],
)
def test_reduce_group_refuses_a_shard_that_does_not_fit(
    job: Job, alter: Callable[[Predictions, dict[str, str]], Any], problem: str
) -> None:
    job.alter_shard(4, alter)
    with pytest.raises(IncompleteResults, match=problem):
        job.reduce_groups()


def test_reduce_group_refuses_bytes_that_are_no_columns(job: Job) -> None:
    job.results.put(keys.shard_result(JOB, 4), b"{}")
    with pytest.raises(IncompleteResults, match=r"shard 4 cannot be read .*not a safetensors file"):
        job.reduce_groups()


@pytest.mark.parametrize(
    ("start", "stop", "problem"),
    [
        (90, 125, "items 90..100 are duplicated before shard 4"),
        (105, 125, "items 100..105 are missing before shard 4"),
        (100, 120, "items 120..125 are missing before shard 5"),
    ],
)
def test_reduce_group_refuses_shards_that_overlap_or_leave_gaps(
    job: Job, start: int, stop: int, problem: str
) -> None:
    job.classify(Shard(shard=4, start=start, stop=stop))
    with pytest.raises(IncompleteResults, match=problem):
        job.reduce_groups()


def test_reduce_job_names_every_missing_group(job: Job) -> None:
    job.reduce_groups()
    job.results = Forgetful(job.results, keys.part_summary(JOB, 1))
    with pytest.raises(IncompleteResults) as caught:
        job.report()
    assert caught.value.problems == ("group 1 is missing (jobs/job-1/parts/000001.json)",)
    with pytest.raises(FileNotFoundError):
        job.results.get(keys.report(JOB))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"start": 2400}, r"items 2400\.\.2500 are duplicated before group 1"),
        ({"stop": 2999}, r"items 2999\.\.3000 are missing after group 1"),
        ({"count": 499}, r"group 1 counts 499 items for 2500\.\.3000"),
        ({"group": 0}, "states that it is group 0"),
        ({"model_sha256": "f" * 64}, "group 1 was predicted by model ffffffffffff"),
        ({"confusion": None}, "group 1 was reduced with other labels"),
        ({"telemetry": []}, "the groups hold 100 shards, 120 were planned"),
        ({"label_counts": "none"}, "group 1 cannot be read"),
    ],
)
def test_reduce_job_refuses_a_part_that_does_not_fit(
    job: Job, fields: dict[str, Any], problem: str
) -> None:
    job.reduce_groups()
    job.alter_last_summary(fields)
    with pytest.raises(IncompleteResults, match=problem):
        job.report()


def test_reduce_job_reads_summaries_alone(job: Job) -> None:
    job.reduce_groups()
    job.results = Forgetful(
        job.results,
        *(keys.shard_result(JOB, shard) for shard in range(120)),
        *(keys.part(JOB, group) for group in range(2)),
    )
    assert job.report()["predicted"] == 3000


def test_reduce_refuses_labels_that_are_no_class(job: Job, labels: NDArray[np.uint8]) -> None:
    wrong = labels.copy()
    wrong[2_507] = 200
    job.inputs.put("inputs/x/labels.idx", idx.encode(wrong))
    with pytest.raises(InvalidInput, match=r"item 2507 of inputs/x/labels.idx is 200; .*0 to 9"):
        job.reduce_groups()
    with pytest.raises(FileNotFoundError):
        job.results.get(keys.part(JOB, 1))
