"""Classifies picture files: by the deployed API in as few calls as fit, or in this very process.

It reads files and prepares nothing: what is a picture, and how it becomes 28 by 28 pixels, is one
rule, in `shpc_core.images`, on both ways.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

import shpc_core
from hpc.api import JobsApi
from hpc.errors import ApiError, HpcError
from shpc_core.classifier import Classifier, ModelError
from shpc_core.images import decode_image
from shpc_core.labels import CLASS_NAMES
from shpc_core.pictures import MAX_PICTURES, Prediction

# The function takes bodies of 4,500,000 bytes; this leaves room for what stands around them.
MAX_CALL_CHARACTERS = 4_400_000
DEFAULT_MODEL = Path(shpc_core.__file__).parent.parent / "model" / "model.tflite"


def classify_remotely(api: JobsApi, pictures: Sequence[Path]) -> list[Prediction]:
    """One prediction per file, in order, by POST /classify.

    Raises HpcError naming the file when one is too large or no picture.
    """
    predictions: list[Prediction] = []
    for batch in _batches(_base64_texts(pictures)):
        try:
            predictions += api.classify(batch).predictions
        except ApiError as error:
            position = re.fullmatch(r"images\[(\d+)\]", error.field or "")
            if position is None:
                raise
            path = pictures[len(predictions) + int(position[1])]
            raise HpcError(f"{path}: {error.message}") from error
    return predictions


def classify_locally(model: Path, pictures: Sequence[Path]) -> list[Prediction]:
    """One prediction per file, in order, by the bare classifier: no cloud, no credentials.

    Raises HpcError for a model file that is none, `shpc_core.errors.InvalidInput` for a picture
    that cannot be read.
    """
    images = np.stack([decode_image(path.read_bytes(), field=str(path)) for path in pictures])
    try:
        classifier = Classifier(model)
    except (ModelError, FileNotFoundError) as error:
        raise HpcError(f"no usable model: {error}") from error
    labels, confidences = classifier.predict(images)
    return [
        Prediction(label=int(label), name=CLASS_NAMES[label], confidence=float(confidence))
        for label, confidence in zip(labels, confidences, strict=True)
    ]


def _base64_texts(pictures: Iterable[Path]) -> Iterator[str]:
    for path in pictures:
        text = base64.b64encode(path.read_bytes()).decode("ascii")
        if len(text) > MAX_CALL_CHARACTERS:
            raise HpcError(
                f"{path} is {path.stat().st_size:,} bytes; one call takes at most "
                f"{MAX_CALL_CHARACTERS * 3 // 4:,}: make it smaller or use --local"
            )
        yield text


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """As many in a row as one call takes."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == MAX_PICTURES or characters + len(text) > MAX_CALL_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch
