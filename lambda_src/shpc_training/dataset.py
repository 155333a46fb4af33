"""Fashion-MNIST, found on this machine or fetched, and refused unless its bytes are the known ones.

Looks in `FASHION_MNIST_DIR`, then where Debian's package puts it, then asks Keras, which downloads.
A folder that is named but incomplete is an error, not a reason to look further.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shpc_core import idx

DIRECTORY_VARIABLE = "FASHION_MNIST_DIR"
DEBIAN_DIRECTORY = Path("/usr/share/datasets/fashion-mnist")

# Of the decompressed bytes: Debian's .gz files are recompressed and differ from Zalando's.
DECOMPRESSED_MD5 = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}

REMEDY = (
    f"Install it (Debian, Ubuntu: apt-get install dataset-fashion-mnist), or set "
    f"{DIRECTORY_VARIABLE} to a folder with {', '.join(DECOMPRESSED_MD5)} (as they are or as .gz), "
    "or run once with internet access."
)


class DatasetError(RuntimeError):
    """The data set is missing or is not the one its checksums name; says what to do."""


@dataclass(frozen=True, slots=True)
class Split:
    """Images (n, 28, 28) and labels (n,), both uint8."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> Split:
        """The first `count` items."""
        return Split(self.images[:count], self.labels[:count])


@dataclass(frozen=True, slots=True)
class FashionMnist:
    """The whole data set and where it came from."""

    train: Split
    test: Split
    source: str


def load(
    environment: Mapping[str, str],
    *,
    debian_directory: Path = DEBIAN_DIRECTORY,
    download: Callable[[], Mapping[str, bytes]] | None = None,
) -> FashionMnist:
    """The data set, every file checked; `DatasetError` when it is missing or altered.

    `download` returns the four decompressed files; it stands for Keras unless given.
    """
    named = environment.get(DIRECTORY_VARIABLE)
    if named:
        return _checked(_read_directory(Path(named)), source=named)
    if debian_directory.is_dir():
        return _checked(_read_directory(debian_directory), source=str(debian_directory))
    try:
        files = (download or _download_with_keras)()
    except Exception as error:
        # Keras reports a failed download as a bare Exception.
        raise DatasetError(
            f"Fashion-MNIST is not on this machine ({DIRECTORY_VARIABLE} is not set, "
            f"{debian_directory} does not exist) and could not be downloaded ({error}). {REMEDY}"
        ) from error
    return _checked(files, source="keras.datasets.fashion_mnist")


def _read_directory(directory: Path) -> dict[str, bytes]:
    files = {}
    for name in DECOMPRESSED_MD5:
        plain, compressed = directory / name, directory / f"{name}.gz"
        if plain.is_file():
            files[name] = plain.read_bytes()
        elif compressed.is_file():
            files[name] = gzip.decompress(compressed.read_bytes())
        else:
            raise DatasetError(f"{directory} has neither {name} nor {name}.gz. {REMEDY}")
    return files


def _download_with_keras() -> dict[str, bytes]:
    import keras

    (train_images, train_labels), (test_images, test_labels) = (
        keras.datasets.fashion_mnist.load_data()
    )
    arrays = (train_images, train_labels, test_images, test_labels)
    return {name: idx.encode(array) for name, array in zip(DECOMPRESSED_MD5, arrays, strict=True)}


def _checked(files: Mapping[str, bytes], *, source: str) -> FashionMnist:
    for name, expected in DECOMPRESSED_MD5.items():
        found = hashlib.md5(files[name], usedforsecurity=False).hexdigest()
        if found != expected:
            raise DatasetError(
                f"{name} from {source} has md5 {found} when decompressed, not {expected}: "
                f"it is not Fashion-MNIST as published. {REMEDY}"
            )
    return FashionMnist(train=_split(files, "train"), test=_split(files, "t10k"), source=source)


def _split(files: Mapping[str, bytes], prefix: str) -> Split:
    images_name, labels_name = f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"
    return Split(
        images=idx.decode(files[images_name], item_shape=idx.IMAGE_SHAPE, field=images_name),
        labels=idx.decode(files[labels_name], item_shape=(), field=labels_name),
    )


def hold_out(train: Split, *, validation_images: int, seed: int) -> tuple[Split, Split]:
    """`train` in two, shuffled by `seed`: what is learnt from, and what is only watched."""
    if not 0 < validation_images < len(train):
        raise DatasetError(
            f"cannot hold out {validation_images} of {len(train)} images for validation"
        )
    order = np.random.default_rng(seed).permutation(len(train))
    watched, learnt = order[:validation_images], order[validation_images:]
    return (
        Split(train.images[learnt], train.labels[learnt]),
        Split(train.images[watched], train.labels[watched]),
    )
