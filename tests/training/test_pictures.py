"""How well garments are recognised as files of many kinds; the table is in docs/images.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shpc_core.classifier import Classifier
from shpc_training.pictures import VARIANTS, measure

MODEL = Path(__file__).resolve().parents[2] / "lambda_src" / "model" / "model.tflite"
# Of the 100 images tried, how many may be predicted otherwise than from their raw pixels: what is
# measured over all 3,000 and as much again for so small a sample.
ALLOWED_TO_DIFFER = {
    "PNG, 28 by 28": 0,
    "PNG, inverted (on white)": 0,
    "PNG, cut out (alpha)": 0,
    "PNG, 1 bit": 60,
}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(MODEL)


@pytest.mark.parametrize("variant", VARIANTS)
def test_picture_is_predicted_as_its_raw_pixels_are(
    classifier: Classifier, images: NDArray[np.uint8], labels: NDArray[np.uint8], variant: str
) -> None:
    measured = measure(classifier, variant, images[::30], labels[::30])
    assert 100 - measured.as_raw <= ALLOWED_TO_DIFFER.get(variant, 10)
