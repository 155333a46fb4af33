"""Pictures sent straight to the deployed model."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shpc_core.idx import IMAGE_SHAPE, decode

IMAGES = Path(__file__).parents[2] / "data" / "fashion-mnist-3000" / "images.idx"


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """The first test image, an ankle boot: uint8, shape (28, 28), light on dark."""
    return decode(IMAGES.read_bytes(), item_shape=IMAGE_SHAPE, field="images")[0]


def _encoded(picture: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_picture_bytes_are_classified(api, picture, kind, media_type) -> None:
    answer = api(
        "POST", "/classify", data=_encoded(picture, kind), headers={"Content-Type": media_type}
    )
    assert answer.status_code == 200, answer.text
    (prediction,) = answer.json()["predictions"]
    assert (prediction["label"], prediction["name"]) == (9, "Ankle boot")
    assert 0.5 < prediction["confidence"] <= 1.0


def test_pictures_in_json_are_classified_in_order(api, picture) -> None:
    png = base64.b64encode(_encoded(picture, "PNG")).decode()
    answer = api("POST", "/classify", json={"images": [png, png]})
    assert [one["label"] for one in answer.json()["predictions"]] == [9, 9]


def test_raw_pixels_and_png_give_the_same_answer(api, picture) -> None:
    png = base64.b64encode(_encoded(picture, "PNG")).decode()
    by_png = api("POST", "/classify", json={"images": [png]}).json()
    by_pixels = api("POST", "/classify", json={"pixels": [picture.tolist()]}).json()
    assert by_png == by_pixels


def test_a_file_that_is_no_picture_is_a_400(api) -> None:
    answer = api("POST", "/classify", data=b"not a picture", headers={"Content-Type": "image/png"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_a_media_type_that_is_not_taken_is_a_415(api) -> None:
    answer = api("POST", "/classify", data=b"a,b", headers={"Content-Type": "text/csv"})
    assert answer.status_code == 415
