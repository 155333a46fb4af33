"""From a trained Keras model to the int8 LiteRT file that the functions serve.

Weights and activations become int8; the file takes raw uint8 pixels and gives float32 scores. That
raw pixels need no scaling by the caller is checked, not hoped for: `shpc_core.classifier` refuses
a file whose input is scaled otherwise.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from shpc_core.idx import IMAGE_SHAPE


def to_int8(model: keras.Model, calibration: NDArray[np.uint8]) -> bytes:
    """The model as a LiteRT file; `calibration` (n, 28, 28) uint8 shows it what values occur."""

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        # The whole range 0..255 must occur, for the input's scale to come out as exactly 1.
        yield [np.zeros((1, *IMAGE_SHAPE, 1), np.float32)]
        yield [np.full((1, *IMAGE_SHAPE, 1), 255, np.float32)]
        for image in calibration:
            yield [image[None, ..., None].astype(np.float32)]

    with tempfile.TemporaryDirectory() as directory:
        # A saved model keeps the converter's own printing out: from_keras_model announces itself.
        model.export(Path(directory), verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(directory)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = samples
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.float32
        converted: bytes = converter.convert()
    return converted
