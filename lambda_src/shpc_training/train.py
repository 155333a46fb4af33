"""Trains a network epoch by epoch and leaves a checkpoint after each, so that a run can be resumed.

The last epoch is the result: none is picked by its validation accuracy, and the test set is not
seen here. Seeds fix the initial weights, the order and the augmentation; threaded sums in
TensorFlow may still differ in the last bits between machines.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from shpc_core.labels import CLASS_NAMES
from shpc_training import augment, network
from shpc_training.dataset import Split
from shpc_training.recipe import Recipe

PROGRESS_FILE = "progress.json"


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be continued; says which and what to do."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch cost and reached; `number` counts from 1."""

    number: int
    loss: float
    train_accuracy: float
    validation_accuracy: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Trained:
    """The model after its last epoch, with one entry per epoch."""

    model: keras.Model
    history: tuple[Epoch, ...]


def train(
    learnt: Split,
    watched: Split,
    recipe: Recipe,
    *,
    work_directory: Path,
    report: Callable[[Epoch], None],
    show_steps: bool = False,
) -> Trained:
    """Trains under `recipe`, or goes on from the checkpoint in `work_directory`.

    Calls `report` after every epoch; `show_steps` adds Keras's bar within it. `CheckpointError`
    when the checkpoint belongs to another recipe.
    """
    keras.utils.set_random_seed(recipe.seed)
    history = _history(work_directory, recipe)
    model = (
        keras.models.load_model(_checkpoint(work_directory, len(history)))
        if history
        else _compiled(recipe)
    )
    steps_per_epoch = -(-len(learnt) // recipe.batch_images)
    schedule = _Schedule(recipe, steps_per_epoch=steps_per_epoch)
    for epoch in range(len(history), recipe.epochs):
        began = time.monotonic()
        images, labels = augment.epoch_images(learnt.images, learnt.labels, recipe, epoch=epoch)
        fitted = model.fit(
            images,
            _one_hot(labels),
            batch_size=recipe.batch_images,
            validation_data=(watched.images[..., None], _one_hot(watched.labels)),
            shuffle=False,
            callbacks=[schedule],
            verbose=int(show_steps),
        ).history
        entry = Epoch(
            number=epoch + 1,
            loss=fitted["loss"][0],
            train_accuracy=fitted["accuracy"][0],
            validation_accuracy=fitted["val_accuracy"][0],
            duration_s=time.monotonic() - began,
        )
        history = (*history, entry)
        _save(model, work_directory, recipe, history)
        report(entry)
    return Trained(model=model, history=history)


def _compiled(recipe: Recipe) -> keras.Model:
    model = network.build(recipe)
    model.compile(
        optimizer=keras.optimizers.SGD(
            learning_rate=recipe.peak_learning_rate,
            momentum=recipe.momentum,
            nesterov=True,
            weight_decay=recipe.weight_decay,
        ),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model


def _one_hot(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.eye(len(CLASS_NAMES), dtype=np.float32)[labels]


class _Schedule(keras.callbacks.Callback):
    """Sets the recipe's learning rate before every step; the optimiser counts the steps."""

    def __init__(self, recipe: Recipe, *, steps_per_epoch: int) -> None:
        super().__init__()
        self._recipe = recipe
        self._steps_per_epoch = steps_per_epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        optimizer = self.model.optimizer
        optimizer.learning_rate = self._recipe.learning_rate(
            step=int(optimizer.iterations), steps_per_epoch=self._steps_per_epoch
        )


def _save(
    model: keras.Model, work_directory: Path, recipe: Recipe, history: tuple[Epoch, ...]
) -> None:
    work_directory.mkdir(parents=True, exist_ok=True)
    checkpoint = _checkpoint(work_directory, len(history))
    model.save(checkpoint)
    progress = {"recipe": _plain(recipe), "history": [asdict(epoch) for epoch in history]}
    # The rename makes the epoch count: a run killed before it repeats the epoch.
    draft = work_directory / "progress.json.draft"
    draft.write_text(json.dumps(progress, indent=1) + "\n")
    draft.replace(work_directory / PROGRESS_FILE)
    _checkpoint(work_directory, len(history) - 1).unlink(missing_ok=True)


def _history(work_directory: Path, recipe: Recipe) -> tuple[Epoch, ...]:
    file = work_directory / PROGRESS_FILE
    if not file.exists():
        return ()
    progress = json.loads(file.read_text())
    if progress["recipe"] != _plain(recipe):
        raise CheckpointError(
            f"{work_directory} holds a checkpoint of another recipe ({progress['recipe']}); "
            "delete that folder, or name another with --work"
        )
    return tuple(Epoch(**epoch) for epoch in progress["history"])


def _checkpoint(work_directory: Path, epochs: int) -> Path:
    return work_directory / f"epoch-{epochs:03d}.keras"


def _plain(recipe: Recipe) -> dict[str, object]:
    """The recipe as JSON gives it back, tuples become lists."""
    plain: dict[str, object] = json.loads(json.dumps(asdict(recipe)))
    return plain
