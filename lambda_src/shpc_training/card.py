"""The model card: what the model is, how it came about, and which command measures its figures.

One value, written twice: as JSON for programs, as Markdown for people.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from shpc_training.dataset import DECOMPRESSED_MD5
from shpc_training.evaluate import Evaluation
from shpc_training.recipe import Recipe
from shpc_training.train import Epoch

MEASURED_BY = "python -m shpc_training.evaluate --model lambda_src/model/model.tflite"
MADE_BY = "python -m shpc_training"

_SOFTWARE = ("tensorflow", "keras", "numpy", "ai-edge-litert")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything the card states; plain values only."""

    model_sha256: str
    model_bytes: int
    parameters: int
    test_accuracy: float
    test_accuracy_float: float
    validation_accuracy_float: float
    test_recall: dict[str, float]
    ms_per_image: float
    train_images: int
    validation_images: int
    test_images: int
    data_md5: dict[str, str]
    recipe: dict[str, object]
    epochs: list[dict[str, float]]
    training_s: float
    machine: dict[str, object]
    software: dict[str, str]
    made_by: str
    measured_by: str


def describe(
    *,
    model_sha256: str,
    model_bytes: int,
    parameters: int,
    recipe: Recipe,
    history: Sequence[Epoch],
    train_images: int,
    measured: Evaluation,
    test_accuracy_float: float,
) -> Card:
    """The card of a model that was trained and measured on this machine."""
    return Card(
        model_sha256=model_sha256,
        model_bytes=model_bytes,
        parameters=parameters,
        test_accuracy=round(measured.accuracy, 4),
        test_accuracy_float=round(test_accuracy_float, 4),
        validation_accuracy_float=round(history[-1].validation_accuracy, 4),
        test_recall={name: round(recall, 4) for name, recall in measured.recall.items()},
        ms_per_image=round(measured.ms_per_image, 4),
        train_images=train_images,
        validation_images=recipe.validation_images,
        test_images=measured.images,
        data_md5=dict(DECOMPRESSED_MD5),
        recipe=asdict(recipe),
        epochs=[
            {name: round(value, 4) for name, value in asdict(epoch).items()} for epoch in history
        ],
        training_s=round(sum(epoch.duration_s for epoch in history), 1),
        machine={"cores": os.cpu_count(), "processor": _processor(), "system": platform.system()},
        software={"python": platform.python_version()}
        | {package: version(package) for package in _SOFTWARE},
        made_by=MADE_BY,
        measured_by=MEASURED_BY,
    )


def write(card: Card, directory: Path) -> None:
    """card.json and card.md."""
    (directory / "card.json").write_text(json.dumps(asdict(card), indent=2) + "\n")
    (directory / "card.md").write_text(markdown(card))


def markdown(card: Card) -> str:
    """The card as a page."""
    recipe = "\n".join(f"| {name} | {_plain(value)} |" for name, value in card.recipe.items())
    recall = "\n".join(f"| {name} | {value:.3f} |" for name, value in card.test_recall.items())
    data = "\n".join(f"| {name} | `{digest}` |" for name, digest in card.data_md5.items())
    software = ", ".join(f"{name} {number}" for name, number in card.software.items())
    weakest = min(card.test_recall, key=card.test_recall.__getitem__)
    return f"""# Model card: clothing in 28 by 28 pixels

A residual network of {card.parameters:,} parameters that sorts pictures of one garment each into
the ten classes of Fashion-MNIST, as an int8 LiteRT file of {card.model_bytes:,} bytes.
Written by `{card.made_by}` under the recipe below; card.json says the same to programs.

| | |
|---|---|
| test accuracy, this file | **{card.test_accuracy:.4f}** on {card.test_images:,} images |
| test accuracy before quantisation | {card.test_accuracy_float:.4f} |
| validation accuracy before quantisation | {card.validation_accuracy_float:.4f} |
| processor time | {card.ms_per_image:.3f} ms per image on the machine below |
| sha256 | `{card.model_sha256}` |

Measure it again, on the whole test set: `{card.measured_by}`.
The test set had no part in training, in choosing the recipe's values or in choosing the epoch.

## Use

Input: uint8 of shape (n, 28, 28, 1), raw 0 to 255, light on dark, n resizable; normalisation is
inside. Output: float32 of shape (n, 10), logits in the order of `shpc_core.labels.CLASS_NAMES`.
`shpc_core.classifier.Classifier` checks both and turns logits into a label and a softmax
probability. That probability is not calibrated: training smooths labels, which keeps it low.

The model knows single garments, upright, on a plain background. It has no class for anything else
and will name one of the ten all the same. It does worst on the class {weakest}:

| class | recall |
|---|---|
{recall}

## Training

{card.train_images:,} images of the training set were learnt from and {card.validation_images:,}
watched; the last epoch is the model. It took {card.training_s / 60:.1f} minutes on
{card.machine["cores"]} cores ({card.machine["processor"]}), with
{software}.

| recipe | |
|---|---|
{recipe}

## Data

Fashion-MNIST, Zalando SE, MIT licence. md5 of the decompressed files:

| file | md5 |
|---|---|
{data}
"""


def _plain(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(str(one) for one in value)
    return "all" if value is None else str(value)


def _processor() -> str:
    """The processor's name where Linux tells it, else its architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
