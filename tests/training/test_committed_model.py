"""The committed model is as accurate as its card says, on the whole test set."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shpc_core.classifier import Classifier
from shpc_training import dataset
from shpc_training.evaluate import evaluate

MODEL = Path(__file__).resolve().parents[2] / "lambda_src" / "model"


@pytest.mark.skipif(
    not (os.environ.get("FASHION_MNIST_DIR") or dataset.DEBIAN_DIRECTORY.is_dir()),
    reason="needs the whole Fashion-MNIST on this machine",
)
def test_committed_model_measures_what_its_card_states() -> None:
    card = json.loads((MODEL / "card.json").read_text())
    measured = evaluate(Classifier(MODEL / "model.tflite"), dataset.load(os.environ).test)
    assert measured.images == card["test_images"] == 10_000
    assert round(measured.accuracy, 4) == card["test_accuracy"]
    assert {name: round(recall, 4) for name, recall in measured.recall.items()} == (
        card["test_recall"]
    )
