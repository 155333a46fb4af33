"""The classifier: one LiteRT model, loaded once, that answers the same for an image in any company.

Inputs go through in batches of one fixed size, so that neither the shard size nor an image's
neighbours can change a result; the confidence is summed exactly rather than in vector order. Holds
no training code and needs no TensorFlow. Not thread-safe: one classifier per process.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from shpc_core.errors import InvalidInput
from shpc_core.idx import IMAGE_SHAPE
from shpc_core.labels import CLASS_NAMES

# The cost of an image is flat from 1 to 100 images a batch; a small batch wastes least on padding.
BATCH_IMAGES = 20


class ModelError(ValueError):
    """A model file that does not keep the contract: raw uint8 images in, 10 float32 scores out."""


def shipped_model(environment: Mapping[str, str]) -> Path:
    """Where the model lies in a function's image, beside its handler."""
    return Path(environment["LAMBDA_TASK_ROOT"], "model", "model.tflite")


class Classifier:
    """Labels and confidences for images of clothing."""

    def __init__(self, model_path: Path, *, threads: int = 1) -> None:
        """Loads and allocates; `ModelError` for a file that does not keep the contract."""
        model = model_path.read_bytes()
        self.model_sha256 = hashlib.sha256(model).hexdigest()
        try:
            self._interpreter = Interpreter(model_content=model, num_threads=threads)
        except ValueError as error:
            raise ModelError(f"{model_path} is not a LiteRT model: {error}") from error
        self._input = _only(self._interpreter.get_input_details(), "input")
        self._output = _only(self._interpreter.get_output_details(), "output")
        _check(self._input, np.uint8, (*IMAGE_SHAPE, 1), "input")
        _check(self._output, np.float32, (len(CLASS_NAMES),), "output")
        if self._input["quantization"] != (1.0, 0):
            raise ModelError(
                f"the input is quantised by (scale, zero point) {self._input['quantization']}; "
                "raw pixels need (1.0, 0)"
            )
        self._interpreter.resize_tensor_input(self._input["index"], (BATCH_IMAGES, *IMAGE_SHAPE, 1))
        self._interpreter.allocate_tensors()

    def predict(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Labels (n,) uint8 and confidences (n,) float32 in 0..1 of uint8 images, light on dark.

        `images` is (n, 28, 28) or (n, 28, 28, 1), n >= 0; `InvalidInput` otherwise. Confidence is
        the softmax probability of the winning class; among equal scores the first class wins.
        """
        if images.dtype != np.uint8 or images.shape[1:] not in (IMAGE_SHAPE, (*IMAGE_SHAPE, 1)):
            raise InvalidInput(
                "images",
                f"{images.dtype} of shape {images.shape}",
                "uint8 of shape (n, 28, 28) or (n, 28, 28, 1)",
            )
        scores = self._scores(images.reshape(-1, *IMAGE_SHAPE, 1))
        labels = scores.argmax(axis=1).astype(np.uint8)
        confidences = np.array([_confidence(row) for row in scores.tolist()], dtype=np.float32)
        return labels, confidences

    def _scores(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        scores = np.empty((len(images), len(CLASS_NAMES)), dtype=np.float32)
        batch = np.zeros((BATCH_IMAGES, *IMAGE_SHAPE, 1), dtype=np.uint8)
        for start in range(0, len(images), BATCH_IMAGES):
            slice_ = images[start : start + BATCH_IMAGES]
            batch[: len(slice_)] = slice_
            self._interpreter.set_tensor(self._input["index"], batch)
            self._interpreter.invoke()
            answer = self._interpreter.get_tensor(self._output["index"])
            scores[start : start + len(slice_)] = answer[: len(slice_)]
        return scores


def _confidence(scores: list[float]) -> float:
    """Softmax at the largest score; `fsum` rounds once, so the order of addition cannot show."""
    top = max(scores)
    return 1.0 / math.fsum(math.exp(score - top) for score in scores)


def _only(details: list[dict[str, Any]], role: str) -> dict[str, Any]:
    if len(details) != 1:
        raise ModelError(f"the model has {len(details)} {role} tensors; needed: 1")
    return details[0]


def _check(
    tensor: dict[str, Any], dtype: type[np.generic], item_shape: tuple[int, ...], role: str
) -> None:
    shape = tuple(int(size) for size in tensor["shape_signature"])
    if tensor["dtype"] is not dtype or shape != (-1, *item_shape):
        raise ModelError(
            f"the {role} is {tensor['dtype'].__name__} of shape {shape}; "
            f"needed: {dtype.__name__} of shape {(-1, *item_shape)}"
        )
