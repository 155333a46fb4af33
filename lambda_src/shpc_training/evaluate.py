"""Measures a model file on the test set, with the very classifier that the functions run.

`python -m shpc_training.evaluate` prints the figures that the model card states.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from shpc_core import confusion
from shpc_core.classifier import Classifier
from shpc_core.labels import CLASS_NAMES
from shpc_training import dataset
from shpc_training.dataset import Split


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model file does on `images` images; `ms_per_image` is processor time."""

    images: int
    correct: int
    ms_per_image: float
    confusion: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Share of images that got their true label."""
        return self.correct / self.images

    @property
    def recall(self) -> dict[str, float]:
        """Per class, the share of its images that were recognised."""
        hits, images = self.confusion.diagonal(), self.confusion.sum(axis=1)
        return {
            name: int(hits[label]) / max(1, int(images[label]))
            for label, name in enumerate(CLASS_NAMES)
        }


def evaluate(classifier: Classifier, split: Split) -> Evaluation:
    """Predicts all of `split` and compares."""
    # The classifier runs on this thread alone; its processor time ignores what else is going on.
    began = time.thread_time()
    predicted, _ = classifier.predict(split.images)
    elapsed_s = time.thread_time() - began
    matrix = confusion.matrix(split.labels, predicted)
    return Evaluation(
        images=len(split),
        correct=confusion.correct(matrix),
        ms_per_image=elapsed_s * 1000 / len(split),
        confusion=matrix,
    )


@click.command()
@click.option(
    "--model",
    "model_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("lambda_src/model/model.tflite"),
    show_default=True,
    help="The LiteRT file to measure.",
)
def main(model_path: Path) -> None:
    """Measures a model file on the 10,000 test images of Fashion-MNIST."""
    try:
        test = dataset.load(os.environ).test
    except dataset.DatasetError as error:
        raise click.ClickException(str(error)) from error
    classifier = Classifier(model_path)
    measured = evaluate(classifier, test)
    click.echo(f"model     {model_path} (sha256 {classifier.model_sha256})")
    click.echo(f"accuracy  {measured.accuracy:.4f} ({measured.correct} of {measured.images})")
    click.echo(f"time      {measured.ms_per_image:.3f} ms of processor time per image")
    for name, recall in measured.recall.items():
        click.echo(f"  {name:<12} {recall:.3f}")


if __name__ == "__main__":
    main()
