"""Classify: predicts one shard and writes its result under the shard's own key.

Idempotent: a second attempt reads the same bytes, predicts the same and replaces the same object.
"""

from __future__ import annotations

import msgspec
import numpy as np

from shpc_core import columns, idx, keys
from shpc_core.classifier import Classifier
from shpc_core.messages import ShardAnswer, ShardRequest
from shpc_core.steps.inputs import read_slice
from shpc_core.store import Objects
from shpc_core.telemetry import Invocation


def classify_shard(
    request: ShardRequest,
    *,
    inputs: Objects,
    results: Objects,
    classifier: Classifier,
    invocation: Invocation,
) -> ShardAnswer:
    """Reads the shard's slice, predicts, writes columns and telemetry; answers how many.

    `InvalidInput` for a range outside the input.
    """
    shard = request.shard
    images = read_slice(
        inputs,
        request.input.images,
        shard.start,
        shard.stop,
        item_shape=idx.IMAGE_SHAPE,
        field="input.images",
    )
    labels, confidences = classifier.predict(images)
    predictions = columns.Predictions(
        index=np.arange(shard.start, shard.stop, dtype=np.uint64),
        label=labels,
        confidence=confidences,
    )
    telemetry = invocation.finished(shard=shard.shard, attempt=request.attempt)
    metadata = {
        "job_id": request.job_id,
        "shard": str(shard.shard),
        "start": str(shard.start),
        "stop": str(shard.stop),
        "model_sha256": classifier.model_sha256,
        "telemetry": msgspec.json.encode(telemetry).decode(),
    }
    results.put(
        keys.shard_result(request.job_id, shard.shard), columns.encode(predictions, metadata)
    )
    return ShardAnswer(shard=shard.shard, count=len(predictions))
