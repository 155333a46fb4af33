"""The command behind `make train`: trains, converts, measures, and writes the model with its card.

Interrupted, it goes on from the last whole epoch when called again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from shpc_core.errors import InvalidInput
from shpc_training import dataset
from shpc_training.recipe import Recipe

# TensorFlow reads this at import; its start-up notes would bury the progress.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


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
    except (InvalidInput, dataset.DatasetError) as error:
        raise click.ClickException(str(error)) from error

    # After the checks, because they should not wait for TensorFlow.
    from shpc_training.pipeline import MODEL_FILE, make_model
    from shpc_training.train import CheckpointError, Epoch

    def report(epoch: Epoch) -> None:
        rest_s = (recipe.epochs - epoch.number) * epoch.duration_s
        click.echo(
            f"epoch {epoch.number:>2}/{recipe.epochs}  loss {epoch.loss:.4f}  "
            f"train {epoch.train_accuracy:.4f}  validation {epoch.validation_accuracy:.4f}  "
            f"{epoch.duration_s:.0f} s, about {rest_s / 60:.0f} min left"
        )

    click.echo(f"Fashion-MNIST from {data.source}, {recipe.epochs} epochs")
    try:
        card = make_model(
            recipe,
            data,
            out_directory=out_directory,
            work_directory=work_directory,
            report=report,
            show_steps=sys.stderr.isatty(),
        )
    except (dataset.DatasetError, CheckpointError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"{out_directory / MODEL_FILE}: {card.model_bytes} bytes, "
        f"test accuracy {card.test_accuracy:.4f} "
        f"(before quantisation {card.test_accuracy_float:.4f})"
    )


if __name__ == "__main__":
    main()
