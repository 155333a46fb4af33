"""A few pictures sent along with a request, and their predictions.

Pictures come as files of the formats that `images` reads, or as pixels that already are what the
classifier reads. More than `MAX_PICTURES` is work for a job.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from shpc_core.classifier import Classifier
from shpc_core.errors import InvalidInput, TooLarge
from shpc_core.idx import IMAGE_SHAPE
from shpc_core.images import decode_images
from shpc_core.labels import CLASS_NAMES
from shpc_core.messages import Message
from shpc_core.results import Model

MAX_PICTURES = 100

Pixel = Annotated[int, Meta(ge=0, le=255)]


class PicturesRequest(Message, frozen=True, kw_only=True):
    """Either `images`, base64 of picture files, or `pixels`, rows of 28 by 28 light on dark."""

    images: list[bytes] | None = None
    pixels: list[list[list[Pixel]]] | None = None


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """The winning class and its softmax probability."""

    label: int
    name: str
    confidence: float


class PicturesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One prediction per picture, in their order."""

    predictions: list[Prediction]
    model: Model


def classify_pictures(request: PicturesRequest, *, classifier: Classifier) -> PicturesAnswer:
    """Predicts every picture of `request`.

    `InvalidInput` for none, for both kinds at once and for whatever is not a picture; `TooLarge`
    for more than `MAX_PICTURES`, or than `MAX_REQUEST_PIXELS` in all of them.
    """
    labels, confidences = classifier.predict(_images(request))
    predictions = [
        Prediction(label=label, name=CLASS_NAMES[label], confidence=confidence)
        for label, confidence in zip(labels.tolist(), confidences.tolist(), strict=True)
    ]
    return PicturesAnswer(predictions=predictions, model=Model(sha256=classifier.model_sha256))


def _images(request: PicturesRequest) -> NDArray[np.uint8]:
    given: list[bytes] | list[list[list[int]]]
    if request.images is not None and request.pixels is None:
        field, given = "images", request.images
    elif request.pixels is not None and request.images is None:
        field, given = "pixels", request.pixels
    else:
        raise InvalidInput("request", "needs one of images and pixels", '"images" or "pixels"')
    if not given:
        raise InvalidInput(field, "is empty", f"1 to {MAX_PICTURES} pictures")
    if len(given) > MAX_PICTURES:
        raise TooLarge(
            field, f"holds {len(given)} pictures", f"1 to {MAX_PICTURES}; for more, start a job"
        )
    if request.images is not None:
        return decode_images(request.images, field=field)
    rows, columns = IMAGE_SHAPE
    for position, picture in enumerate(request.pixels or ()):
        if len(picture) != rows or any(len(row) != columns for row in picture):
            raise InvalidInput(f"pixels[{position}]", "is not 28 by 28", "28 rows of 28 pixels")
    return np.array(request.pixels, dtype=np.uint8)
