"""Which pictures to show, and each as a PNG inside the page.

With true labels: the misses the model was surest of, and for each class the hit it was surest of.
Without: the predictions it was least and most sure of. It changes no pixel; the page enlarges them
without smoothing.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shpc_core.labels import CLASS_NAMES

MOST_MISSES = 24


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One image with what was predicted; `true_name` is None where nobody knows."""

    data_uri: str
    index: int
    name: str
    confidence: float
    true_name: str | None

    @property
    def alt(self) -> str:
        """The picture in words."""
        truth = f", truly {self.true_name}" if self.true_name else ""
        return f"Image {self.index}: predicted {self.name} at {self.confidence:.1%}{truth}"


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """A group of pictures; `total` is how many there are to choose from."""

    title: str
    note: str
    mark: str
    pictures: tuple[Picture, ...]
    total: int


def choose_pictures(
    images: NDArray[np.uint8],
    index: NDArray[np.uint64],
    label: NDArray[np.uint8],
    confidence: NDArray[np.float32],
    true: NDArray[np.uint8] | None,
) -> tuple[Gallery, ...]:
    """Galleries of the `images` (n, 28, 28) that the columns are about, by `index`.

    `index`, `label` and `confidence` have a row for each prediction, `true` one for each image.
    """
    true = None if true is None else true[index]
    columns = _Columns(images, index, label, confidence, true)
    surest_first = np.argsort(-confidence, kind="stable")
    one_per_class = "The surest of each predicted class."
    if true is None:
        return (
            columns.gallery(
                "Least certain",
                "Predictions with the lowest confidence, worth a look.",
                "unknown",
                surest_first[::-1],
                MOST_MISSES,
            ),
            columns.gallery(
                "Most certain", one_per_class, "unknown", _one_per_class(surest_first, label)
            ),
        )
    right = label == true
    misses = surest_first[~right[surest_first]]
    hits = surest_first[right[surest_first]]
    return (
        columns.gallery(
            "Misses", "The most confident mistakes first.", "miss", misses, MOST_MISSES
        ),
        columns.gallery("Hits", one_per_class, "hit", _one_per_class(hits, label), total=len(hits)),
    )


def _one_per_class(order: NDArray[np.int64], label: NDArray[np.uint8]) -> NDArray[np.int64]:
    _, firsts = np.unique(label[order], return_index=True)
    return order[firsts]


@dataclass(frozen=True)
class _Columns:
    images: NDArray[np.uint8]
    index: NDArray[np.uint64]
    label: NDArray[np.uint8]
    confidence: NDArray[np.float32]
    true: NDArray[np.uint8] | None

    def gallery(
        self,
        title: str,
        note: str,
        mark: str,
        order: NDArray[np.int64],
        most: int | None = None,
        *,
        total: int | None = None,
    ) -> Gallery:
        return Gallery(
            title=title,
            note=note,
            mark=mark,
            pictures=tuple(self._picture(int(row)) for row in order[:most]),
            total=len(order) if total is None else total,
        )

    def _picture(self, row: int) -> Picture:
        index = int(self.index[row])
        return Picture(
            data_uri=_png_data_uri(self.images[index]),
            index=index,
            name=CLASS_NAMES[self.label[row]],
            confidence=float(self.confidence[row]),
            true_name=None if self.true is None else CLASS_NAMES[self.true[row]],
        )


def _png_data_uri(image: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
