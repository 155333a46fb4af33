"""The client's copy of the input: how much memory it takes, whatever its size."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from hpc.dataset import read_dataset
from shpc_core import idx
from shpc_core.errors import InvalidInput

IMAGE_BYTES = 28 * 28


def images_file(path: Path, count: int) -> Path:
    """An IDX file whose images are a hole in the file."""
    with path.open("wb") as file:
        file.write(struct.pack(">BBBBIII", 0, 0, 8, 3, count, 28, 28))
        file.truncate(16 + count * IMAGE_BYTES)
    return path


def test_images_stay_in_their_file(tmp_path):
    path = images_file(tmp_path / "images.idx", 100_000)
    tracemalloc.start()
    try:
        dataset = read_dataset(path, None)
        assert dataset.images[99_999].sum() == 0
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(dataset.images) == 100_000
    assert peak_bytes < 1_000_000


def test_images_are_those_of_the_file_and_read_only(tmp_path):
    pixels = np.arange(3 * IMAGE_BYTES, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
    path = tmp_path / "images.idx"
    path.write_bytes(idx.encode(pixels))
    images = read_dataset(path, None).images
    np.testing.assert_array_equal(images, pixels)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17])
def test_file_cut_short_is_refused(tmp_path, size):
    path = images_file(tmp_path / "images.idx", 2)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InvalidInput, match="images"):
        read_dataset(path, None)
