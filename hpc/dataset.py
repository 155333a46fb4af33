"""The user's own copy of a job's input: images and, where known, their true labels.

It reads uncompressed IDX files and refuses a pair that does not belong together.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpc.errors import HpcError
from shpc_core import idx
from shpc_core.labels import CLASS_NAMES


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """`images` uint8 (n, 28, 28) and `labels` uint8 (n,) or None, with the files they came from."""

    images_path: Path
    labels_path: Path | None
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None


def read_dataset(images_path: Path, labels_path: Path | None) -> Dataset:
    """Read an IDX file of images and, if given, one of labels.

    The images stay in their file: it is mapped, not read, and the few that a report shows are
    looked at there. Nobody may shorten it meanwhile.

    Raises `shpc_core.errors.InvalidInput` for a file that is not such IDX, HpcError for labels of
    another count or outside the classes.
    """
    images = idx.decode(
        _mapped(images_path), item_shape=idx.IMAGE_SHAPE, field=f"images {images_path}"
    )
    labels = None
    if labels_path is not None:
        labels = idx.decode(labels_path.read_bytes(), item_shape=(), field=f"labels {labels_path}")
        if len(labels) != len(images):
            raise HpcError(
                f"{labels_path} holds {len(labels)} labels, {images_path} {len(images)} images: "
                "they do not belong together"
            )
        if labels.max() >= len(CLASS_NAMES):
            raise HpcError(
                f"{labels_path} holds label {labels.max()}; allowed: 0 to {len(CLASS_NAMES) - 1}"
            )
    return Dataset(images_path=images_path, labels_path=labels_path, images=images, labels=labels)


def _mapped(path: Path) -> bytes | mmap.mmap:
    with path.open("rb") as file:
        if not path.stat().st_size:
            # Nothing cannot be mapped.
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
