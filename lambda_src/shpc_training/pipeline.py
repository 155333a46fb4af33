"""From a data set to a model file with its card: train, convert, measure, describe."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from shpc_core.classifier import Classifier
from shpc_training import card, convert, dataset, train
from shpc_training.card import Card
from shpc_training.dataset import FashionMnist
from shpc_training.evaluate import evaluate
from shpc_training.recipe import Recipe
from shpc_training.train import Epoch

MODEL_FILE = "model.tflite"


def make_model(
    recipe: Recipe,
    data: FashionMnist,
    *,
    out_directory: Path,
    work_directory: Path,
    report: Callable[[Epoch], None],
    show_steps: bool = False,
) -> Card:
    """Writes model.tflite, card.json and card.md; the test set is looked at last and once.

    Raises what `dataset.hold_out` and `train.train` raise; see there for the other arguments.
    """
    learnt, watched = dataset.hold_out(
        data.train, validation_images=recipe.validation_images, seed=recipe.seed
    )
    if recipe.limit_images is not None:
        learnt = learnt.first(recipe.limit_images)
    trained = train.train(
        learnt,
        watched,
        recipe,
        work_directory=work_directory,
        report=report,
        show_steps=show_steps,
    )
    converted = convert.to_int8(trained.model, learnt.first(recipe.calibration_images).images)
    out_directory.mkdir(parents=True, exist_ok=True)
    model_path = out_directory / MODEL_FILE
    model_path.write_bytes(converted)
    scores = trained.model.predict(data.test.images[..., None], batch_size=500, verbose=0)
    described = card.describe(
        model_sha256=hashlib.sha256(converted).hexdigest(),
        model_bytes=len(converted),
        parameters=trained.model.count_params(),
        recipe=recipe,
        history=trained.history,
        train_images=len(learnt),
        measured=evaluate(Classifier(model_path), data.test),
        test_accuracy_float=float(np.mean(scores.argmax(axis=1) == data.test.labels)),
    )
    card.write(described, out_directory)
    return described
