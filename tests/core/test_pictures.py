from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shpc_core.classifier import Classifier
from shpc_core.errors import InvalidInput, TooLarge
from shpc_core.labels import CLASS_NAMES
from shpc_core.messages import parse
from shpc_core.pictures import PicturesAnswer, PicturesRequest, classify_pictures

Images = NDArray[np.uint8]


def png(image: Images) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def ask(classifier: Classifier, body: Any) -> PicturesAnswer:
    return classify_pictures(parse(body, PicturesRequest), classifier=classifier)


def test_pictures_as_files_and_as_pixels_are_predicted_alike(
    classifier: Classifier, images: Images
) -> None:
    files = ask(
        classifier, {"images": [base64.b64encode(png(image)).decode() for image in images[:5]]}
    )
    pixels = ask(classifier, {"pixels": images[:5].tolist()})
    assert files == pixels
    labels, confidences = classifier.predict(images[:5])
    assert [one.label for one in files.predictions] == labels.tolist()
    assert [one.name for one in files.predictions] == [CLASS_NAMES[label] for label in labels]
    assert [one.confidence for one in files.predictions] == confidences.tolist()
    assert files.model.sha256 == classifier.model_sha256


def blank(rows: int = 28, columns: int = 28, value: Any = 0) -> list[list[Any]]:
    return [[value] * columns for _ in range(rows)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "request"),
        ({"images": [], "pixels": []}, "request"),
        ({"images": []}, "images"),
        ({"pixels": []}, "pixels"),
        ({"images": ["not base64!"]}, "images[0]"),
        ({"images": "aGVsbG8="}, "images"),
        ({"images": [base64.b64encode(b"hello").decode()]}, "images[0]"),
        ({"pixels": [blank(), blank(27)]}, "pixels[1]"),
        ({"pixels": [blank(28, 29)]}, "pixels[0]"),
        ({"pixels": [[*blank(27), [0] * 27]]}, "pixels[0]"),
        ({"pixels": [blank(value=256)]}, "pixels[0][0][0]"),
        ({"pixels": [blank(value=-1)]}, "pixels[0][0][0]"),
        ({"pixels": [blank(value=0.5)]}, "pixels[0][0][0]"),
        ({"pixels": [[0] * 784]}, "pixels[0][0]"),
        ({"pictures": []}, "pictures"),
        ([], "request"),
        (None, "request"),
    ],
)
def test_pictures_that_are_none_are_refused_by_name(
    classifier: Classifier, body: Any, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(classifier, body)
    assert caught.value.field == field


def test_pictures_up_to_the_limit_are_predicted(classifier: Classifier) -> None:
    assert len(ask(classifier, {"pixels": [blank()] * 100}).predictions) == 100


def test_pictures_beyond_the_limit_are_too_large(classifier: Classifier) -> None:
    with pytest.raises(TooLarge, match=r"101 pictures.*start a job"):
        ask(classifier, {"pixels": [blank()] * 101})
