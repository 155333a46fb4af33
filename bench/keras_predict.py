"""The reference: Keras in one process, one `predict` per image and, beside it, in batches.

One `predict` per image is how the prototype that this project goes beyond classifies: TensorFlow in
every container, one image a call. Run as a process of its own (`python -m bench.keras_predict`), so
that TensorFlow's threads and memory are not the bench's; prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from shpc_core.idx import IMAGE_SHAPE, decode
from shpc_training.network import build
from shpc_training.recipe import Recipe


def read_images(path: Path) -> np.ndarray:
    """Float32 images of shape (n, 28, 28, 1), 0 to 255, from an IDX file."""
    pixels = decode(path.read_bytes(), item_shape=IMAGE_SHAPE, field=str(path))
    return pixels[..., np.newaxis].astype(np.float32)


def measure(images: np.ndarray, *, singles: int, warmup: int) -> dict[str, float]:
    """Seconds per image, one at a time and in batches of 128, after `warmup` calls of each kind.

    The network is the shipped one before training: what is timed does not depend on its weights.
    """
    model = build(Recipe())
    for image in images[:warmup]:
        model.predict(image[np.newaxis], verbose=0)
    began = time.perf_counter()
    for image in images[:singles]:
        model.predict(image[np.newaxis], verbose=0)
    one_at_a_time_s = (time.perf_counter() - began) / singles

    model.predict(images[:256], batch_size=128, verbose=0)
    began = time.perf_counter()
    model.predict(images, batch_size=128, verbose=0)
    batched_s = (time.perf_counter() - began) / len(images)
    return {"one_at_a_time_s": one_at_a_time_s, "batched_s": batched_s, "singles": singles}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--singles", type=int, default=200)
    parser.add_argument("--warmup", type=int, default=20)
    options = parser.parse_args()
    figures = measure(read_images(options.images), singles=options.singles, warmup=options.warmup)
    print(json.dumps(figures))
