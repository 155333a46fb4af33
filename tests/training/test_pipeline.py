"""A real TensorFlow run in small, from images to a file that LiteRT serves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from click.testing import CliRunner
from numpy.typing import NDArray

from shpc_core import idx
from shpc_core.classifier import Classifier
from shpc_training import dataset, evaluate, train
from shpc_training.card import Card
from shpc_training.dataset import FashionMnist, Split
from shpc_training.pipeline import make_model
from shpc_training.recipe import Recipe
from shpc_training.train import CheckpointError, Epoch

# Keras calls NumPy 2 in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RECIPE = Recipe(
    epochs=2,
    validation_images=500,
    limit_images=1000,
    stem_width=16,
    block_widths=(24, 32),
    calibration_images=100,
    batch_images=64,
)


def split(files: dict[str, bytes], prefix: str) -> Split:
    return Split(
        idx.decode(files[f"{prefix}-images-idx3-ubyte"], item_shape=(28, 28), field="images"),
        idx.decode(files[f"{prefix}-labels-idx1-ubyte"], item_shape=(), field="labels"),
    )


@pytest.fixture(scope="module")
def data(small_files: dict[str, bytes]) -> FashionMnist:
    return FashionMnist(split(small_files, "train"), split(small_files, "t10k"), "a test")


@dataclass
class Made:
    """What one run leaves."""

    out: Path
    work: Path
    card: Card
    reported: list[Epoch]

    @property
    def model(self) -> Path:
        return self.out / "model.tflite"


@pytest.fixture(scope="module")
def made(data: FashionMnist, tmp_path_factory: pytest.TempPathFactory) -> Made:
    out, work = tmp_path_factory.mktemp("model"), tmp_path_factory.mktemp("work")
    reported: list[Epoch] = []
    card = make_model(RECIPE, data, out_directory=out, work_directory=work, report=reported.append)
    return Made(out, work, card, reported)


def test_training_learns(made: Made) -> None:
    assert [epoch.number for epoch in made.reported] == [1, 2]
    assert made.reported[1].loss < made.reported[0].loss
    assert made.card.test_accuracy > 0.3


def test_model_keeps_the_contract_of_the_functions(made: Made) -> None:
    interpreter = Interpreter(model_path=str(made.model))
    (given,), (answered,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert given["dtype"] is np.uint8
    assert given["quantization"] == (1.0, 0)
    assert given["shape_signature"].tolist() == [-1, 28, 28, 1]
    assert answered["dtype"] is np.float32
    assert answered["shape_signature"].tolist() == [-1, 10]


def test_model_is_resizable_and_sees_every_image_alone(
    made: Made, images: NDArray[np.uint8]
) -> None:
    def scores(count: int) -> NDArray[np.float32]:
        interpreter = Interpreter(model_path=str(made.model))
        given = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(given, (count, 28, 28, 1))
        interpreter.allocate_tensors()
        interpreter.set_tensor(given, images[:count, ..., None])
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    np.testing.assert_array_equal(scores(33)[:5], scores(5))


def test_model_computes_in_integers(made: Made) -> None:
    interpreter = Interpreter(model_path=str(made.model))
    floats = [one for one in interpreter.get_tensor_details() if one["dtype"] is np.float32]
    assert [one["shape_signature"].tolist() for one in floats] == [[-1, 10]]
    assert made.model.stat().st_size < 2 * made.card.parameters


def test_model_agrees_with_the_one_it_came_from(made: Made, data: FashionMnist) -> None:
    trained = keras.models.load_model(made.work / "epoch-002.keras")
    expected = trained.predict(data.test.images[..., None], verbose=0).argmax(axis=1)
    predicted, _ = Classifier(made.model).predict(data.test.images)
    assert np.mean(predicted == expected) > 0.95
    assert made.card.test_accuracy_float == pytest.approx(
        float(np.mean(expected == data.test.labels)), abs=1e-4
    )


def test_card_says_what_was_done(made: Made) -> None:
    card = json.loads((made.out / "card.json").read_text())
    model = made.model.read_bytes()
    assert card["model_sha256"] == hashlib.sha256(model).hexdigest()
    assert card["model_bytes"] == len(model)
    assert (card["train_images"], card["validation_images"], card["test_images"]) == (
        1000,
        500,
        500,
    )
    assert card["recipe"]["seed"] == RECIPE.seed
    assert card["recipe"]["limit_images"] == 1000
    assert [epoch["number"] for epoch in card["epochs"]] == [1, 2]
    assert card["software"].keys() == {"python", "tensorflow", "keras", "numpy", "ai-edge-litert"}
    assert card["training_s"] > 0
    assert card["machine"]["cores"] >= 1
    page = (made.out / "card.md").read_text()
    assert f"**{card['test_accuracy']:.4f}** on 500 images" in page
    assert card["model_sha256"] in page
    assert "| limit_images | 1000 |" in page


class StoppedError(Exception):
    """Stands for Ctrl-C."""


def test_interrupted_training_goes_on_where_it_stopped(
    made: Made, data: FashionMnist, tmp_path: Path
) -> None:
    learnt, watched = dataset.hold_out(
        data.train, validation_images=RECIPE.validation_images, seed=RECIPE.seed
    )
    learnt = learnt.first(made.card.train_images)

    def interrupt(_: Epoch) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        train.train(learnt, watched, RECIPE, work_directory=tmp_path, report=interrupt)
    reported: list[Epoch] = []
    trained = train.train(learnt, watched, RECIPE, work_directory=tmp_path, report=reported.append)
    assert [epoch.number for epoch in reported] == [2]
    assert [epoch.number for epoch in trained.history] == [1, 2]
    # The same images at the same rates; only the order of threads' sums may differ.
    assert reported[0].loss == pytest.approx(made.reported[1].loss, rel=0.02)


def test_checkpoint_of_another_recipe_is_refused(made: Made, data: FashionMnist) -> None:
    other = Recipe(epochs=3, validation_images=500)
    with pytest.raises(CheckpointError, match=r"another recipe.*--work"):
        train.train(data.train, data.test, other, work_directory=made.work, report=lambda _: None)


def test_evaluation_counts_by_class(made: Made, data: FashionMnist) -> None:
    classifier = Classifier(made.model)
    measured = evaluate.evaluate(classifier, data.test)
    predicted, _ = classifier.predict(data.test.images)
    assert measured.images == 500
    assert measured.accuracy == np.mean(predicted == data.test.labels)
    shirts = data.test.labels == 6
    assert measured.recall["Shirt"] == pytest.approx(np.mean(predicted[shirts] == 6))
    assert measured.ms_per_image > 0


@pytest.mark.usefixtures("small")
def test_evaluation_is_printed(made: Made, small_files: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in small_files.items():
        (tmp_path / name).write_bytes(content)
    done = CliRunner().invoke(
        evaluate.main, ["--model", str(made.model)], env={"FASHION_MNIST_DIR": str(tmp_path)}
    )
    assert done.exit_code == 0, done.output
    assert f"accuracy  {made.card.test_accuracy:.4f}" in done.output
    assert made.card.model_sha256 in done.output
