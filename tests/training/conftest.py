"""A small Fashion-MNIST: the committed images and their md5 in the place of the published ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shpc_core import idx
from shpc_training import dataset

DATA = Path(__file__).resolve().parents[2] / "data" / "fashion-mnist-3000"


@pytest.fixture(scope="session")
def images() -> NDArray[np.uint8]:
    return idx.decode((DATA / "images.idx").read_bytes(), item_shape=(28, 28), field="images")


@pytest.fixture(scope="session")
def labels() -> NDArray[np.uint8]:
    return idx.decode((DATA / "labels.idx").read_bytes(), item_shape=(), field="labels")


@pytest.fixture(scope="session")
def small_files(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> dict[str, bytes]:
    """2,500 images to train on, 500 to test on."""
    return {
        "train-images-idx3-ubyte": idx.encode(images[:2500]),
        "train-labels-idx1-ubyte": idx.encode(labels[:2500]),
        "t10k-images-idx3-ubyte": idx.encode(images[2500:]),
        "t10k-labels-idx1-ubyte": idx.encode(labels[2500:]),
    }


@pytest.fixture
def small(small_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """`small_files`, taken for the published ones."""
    digests = {name: hashlib.md5(data).hexdigest() for name, data in small_files.items()}  # noqa: S324 - as published
    monkeypatch.setattr(dataset, "DECOMPRESSED_MD5", digests)
    return small_files
