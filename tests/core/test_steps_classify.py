from __future__ import annotations

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from shpc_core import columns, idx
from shpc_core.classifier import Classifier
from shpc_core.errors import InvalidInput
from shpc_core.messages import Input, Shard, ShardRequest
from shpc_core.steps.classify import classify_shard
from shpc_core.store import Bucket
from shpc_core.telemetry import Invocation, Telemetry

KEY = "jobs/job-1/shards/000007.safetensors"


@pytest.fixture
def inputs(inputs: Bucket, images: NDArray[np.uint8]) -> Bucket:
    inputs.put("inputs/x/images.idx", idx.encode(images[:100]))
    return inputs


def request(start: int, stop: int, *, images: str = "inputs/x/images.idx") -> ShardRequest:
    return ShardRequest(
        job_id="job-1",
        input=Input(images=images),
        shard=Shard(shard=7, start=start, stop=stop),
        attempt=2,
    )


def test_classify_writes_the_predictions_of_its_shard(
    inputs: Bucket,
    results: Bucket,
    classifier: Classifier,
    invocation: Invocation,
    images: NDArray[np.uint8],
) -> None:
    answer = classify_shard(
        request(30, 55),
        inputs=inputs,
        results=results,
        classifier=classifier,
        invocation=invocation,
    )
    assert (answer.shard, answer.count) == (7, 25)
    predictions, metadata = columns.decode(results.get(KEY))
    labels, confidences = classifier.predict(images[30:55])
    assert predictions.index.tolist() == list(range(30, 55))
    np.testing.assert_array_equal(predictions.label, labels)
    np.testing.assert_array_equal(predictions.confidence, confidences)
    telemetry = msgspec.json.decode(metadata.pop("telemetry"), type=Telemetry)
    assert (telemetry.shard, telemetry.attempt, telemetry.cold) == (7, 2, True)
    assert metadata == {
        "job_id": "job-1",
        "shard": "7",
        "start": "30",
        "stop": "55",
        "model_sha256": classifier.model_sha256,
    }


class Noting(Bucket):
    """Notes which ranges are read, and that nothing is read whole."""

    ranges: tuple[tuple[int, int], ...] = ()

    def get(self, key: str) -> bytes:
        raise AssertionError(f"{key} was read whole")

    def get_range(self, key: str, start: int, stop: int) -> bytes:
        self.ranges = (*self.ranges, (start, stop))
        return super().get_range(key, start, stop)


def test_classify_reads_its_slice_alone(
    inputs: Bucket, results: Bucket, classifier: Classifier, invocation: Invocation
) -> None:
    noting = Noting(inputs._store)
    classify_shard(
        request(30, 55),
        inputs=noting,
        results=results,
        classifier=classifier,
        invocation=invocation,
    )
    assert noting.ranges == ((16 + 30 * 784, 16 + 55 * 784),)


@pytest.mark.parametrize(("start", "stop"), [(90, 101), (100, 120), (5000, 5001), (9, 9), (9, 3)])
def test_classify_refuses_a_range_outside_the_data(
    inputs: Bucket,
    results: Bucket,
    classifier: Classifier,
    invocation: Invocation,
    start: int,
    stop: int,
) -> None:
    with pytest.raises(InvalidInput) as caught:
        classify_shard(
            request(start, stop),
            inputs=inputs,
            results=results,
            classifier=classifier,
            invocation=invocation,
        )
    assert caught.value.field == "shard"
    with pytest.raises(FileNotFoundError):
        results.get(KEY)


def test_classify_names_an_input_that_is_gone(
    inputs: Bucket, results: Bucket, classifier: Classifier, invocation: Invocation
) -> None:
    with pytest.raises(InvalidInput, match="inputs/gone") as caught:
        classify_shard(
            request(0, 5, images="inputs/gone"),
            inputs=inputs,
            results=results,
            classifier=classifier,
            invocation=invocation,
        )
    assert caught.value.field == "input.images"
