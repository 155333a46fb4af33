"""The command behind `make train`: trains, converts, evaluates, and writes the model with its card.

Interrupted, it goes on from the last whole epoch when called again.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

# TensorFlow reads this at import; its start-up notes would bury the progress.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import click
import numpy as np

from shpc_core.classifier import Classifier
from shpc_core.errors import InvalidInput
from shpc_training import card, convert, dataset, train
from shpc_training.evaluate import evaluate
from shpc_training.recipe import Recipe


@click.command()
@click.option(
    "--out",
    "out_directory",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Where model.tflite, card.json and card.md are written.",
)
@click.option(
    "--work",
    "work_directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".cache/training"),
    show_default=True,
    help="Where checkpoints are kept; one folder per recipe.",
)
@click.option("--epochs", type=int, default=Recipe().epochs, show_default=True)
@click.option("--limit-images", type=int, help="Learn from the first N images only: a quick try.")
def main(out_directory: Path, work_directory: Path, epochs: int, limit_images: int | None) -> None:
    """Trains the classifier on Fashion-MNIST and writes it as an int8 LiteRT file."""
    try:
        recipe = Recipe(epochs=epochs, limit_images=limit_images)
        data = dataset.load(os.environ)
        _make(recipe, data, out_directory=out_directory, work_directory=work_directory)
    except (InvalidInput, dataset.DatasetError, train.CheckpointError) as error:
        raise click.ClickException(str(error)) from error


def _make(
    recipe: Recipe, data: dataset.FashionMnist, *, out_directory: Path, work_directory: Path
) -> None:
    learnt, watched = dataset.hold_out(
        data.train, validation_images=recipe.validation_images, seed=recipe.seed
    )
    if recipe.limit_images is not None:
        learnt = learnt.first(recipe.limit_images)
    click.echo(f"{len(learnt)} images from {data.source}, {recipe.epochs} epochs")
    trained = train.train(
        learnt,
        watched,
        recipe,
        work_directory=work_directory,
        report=lambda epoch: click.echo(_line(epoch, recipe)),
        show_steps=sys.stderr.isatty(),
    )
    out_directory.mkdir(parents=True, exist_ok=True)
    model_path = out_directory / "model.tflite"
    converted = convert.to_int8(trained.model, learnt.first(recipe.calibration_images).images)
    model_path.write_bytes(converted)
    measured = evaluate(Classifier(model_path), data.test)
    scores = trained.model.predict(data.test.images[..., None], batch_size=500, verbose=0)
    described = card.describe(
        model_sha256=hashlib.sha256(converted).hexdigest(),
        model_bytes=len(converted),
        parameters=trained.model.count_params(),
        recipe=recipe,
        history=trained.history,
        train_images=len(learnt),
        measured=measured,
        test_accuracy_float=float(np.mean(scores.argmax(axis=1) == data.test.labels)),
    )
    card.write(described, out_directory)
    click.echo(
        f"{model_path}: {len(converted)} bytes, test accuracy {described.test_accuracy:.4f} "
        f"(before quantisation {described.test_accuracy_float:.4f})"
    )


def _line(epoch: train.Epoch, recipe: Recipe) -> str:
    rest_s = (recipe.epochs - epoch.number) * epoch.duration_s
    return (
        f"epoch {epoch.number:>2}/{recipe.epochs}  loss {epoch.loss:.4f}  "
        f"train {epoch.train_accuracy:.4f}  validation {epoch.validation_accuracy:.4f}  "
        f"{epoch.duration_s:.0f} s, about {rest_s / 60:.0f} min left"
    )


if __name__ == "__main__":
    main()
