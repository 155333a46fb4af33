from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shpc_core import classifier as classifier_module
from shpc_core.classifier import Classifier, ModelError
from shpc_core.errors import InvalidInput

Images = NDArray[np.uint8]


@pytest.fixture(scope="session")
def together(classifier: Classifier, images: Images) -> tuple[Images, NDArray[np.float32]]:
    return classifier.predict(images)


def test_classifier_reaches_its_accuracy_on_the_committed_images(
    together: tuple[Images, NDArray[np.float32]], labels: Images
) -> None:
    assert np.mean(together[0] == labels) >= 0.92


def test_classifier_gives_labels_and_probabilities(
    together: tuple[Images, NDArray[np.float32]],
) -> None:
    labels, confidences = together
    assert (labels.dtype, labels.shape) == (np.uint8, (3000,))
    assert (confidences.dtype, confidences.shape) == (np.float32, (3000,))
    assert labels.max() <= 9
    assert confidences.min() >= 0.1
    assert confidences.max() <= 1.0


@settings(deadline=None, max_examples=25)
@given(shard_size=st.integers(1, 400), offset=st.integers(0, 2600))
def test_classifier_predicts_the_same_for_every_shard_size(
    classifier: Classifier,
    images: Images,
    together: tuple[Images, NDArray[np.float32]],
    shard_size: int,
    offset: int,
) -> None:
    stop = offset + 400
    for start in range(offset, stop, shard_size):
        shard = slice(start, min(stop, start + shard_size))
        labels, confidences = classifier.predict(images[shard])
        np.testing.assert_array_equal(labels, together[0][shard])
        np.testing.assert_array_equal(confidences, together[1][shard])


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(60)))
def test_classifier_predicts_the_same_in_any_company(
    classifier: Classifier,
    images: Images,
    together: tuple[Images, NDArray[np.float32]],
    order: list[int],
) -> None:
    labels, confidences = classifier.predict(images[order])
    np.testing.assert_array_equal(labels, together[0][order])
    np.testing.assert_array_equal(confidences, together[1][order])


def test_classifier_predicts_the_same_after_being_loaded_again(
    model_path: Path, images: Images, together: tuple[Images, NDArray[np.float32]]
) -> None:
    labels, confidences = Classifier(model_path, threads=2).predict(images[:500])
    np.testing.assert_array_equal(labels, together[0][:500])
    np.testing.assert_array_equal(confidences, together[1][:500])


def test_classifier_takes_images_with_and_without_channel(
    classifier: Classifier, images: Images
) -> None:
    flat, channelled = classifier.predict(images[:7]), classifier.predict(images[:7, ..., None])
    np.testing.assert_array_equal(flat[1], channelled[1])


def test_classifier_takes_no_images(classifier: Classifier) -> None:
    labels, confidences = classifier.predict(np.empty((0, 28, 28), np.uint8))
    assert (labels.shape, labels.dtype, confidences.shape) == ((0,), np.uint8, (0,))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 28, 28), np.float32),
        np.zeros((28, 28), np.uint8),
        np.zeros((2, 28, 27), np.uint8),
        np.zeros((2, 28, 28, 3), np.uint8),
    ],
)
def test_classifier_refuses_other_arrays(classifier: Classifier, images: Images) -> None:
    with pytest.raises(InvalidInput, match="uint8 of shape"):
        classifier.predict(images)


def test_classifier_states_the_digest_of_its_file(classifier: Classifier, model_path: Path) -> None:
    assert classifier.model_sha256 == hashlib.sha256(model_path.read_bytes()).hexdigest()


def test_classifier_refuses_a_file_that_is_no_model(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(b"not a model" * 100)
    with pytest.raises(ModelError, match="not a LiteRT model"):
        Classifier(file)


@pytest.mark.parametrize(
    ("detail", "value", "problem"),
    [
        ("dtype", np.int8, "input is int8"),
        ("shape_signature", np.array([-1, 32, 32, 1]), r"\(-1, 32, 32, 1\)"),
        ("shape_signature", np.array([1, 28, 28, 1]), r"\(1, 28, 28, 1\)"),
        ("quantization", (1 / 255, 0), "quantised by"),
    ],
)
def test_classifier_refuses_a_model_that_breaks_the_contract(
    model_path: Path, monkeypatch: pytest.MonkeyPatch, detail: str, value: object, problem: str
) -> None:
    class Altered(classifier_module.Interpreter):
        def get_input_details(self) -> list[dict[str, object]]:
            (details,) = super().get_input_details()
            return [details | {detail: value}]

    monkeypatch.setattr(classifier_module, "Interpreter", Altered)
    with pytest.raises(ModelError, match=problem):
        Classifier(model_path)


@given(st.lists(st.floats(-40, 40, width=32), min_size=10, max_size=10), st.randoms())
def test_confidence_is_the_softmax_and_ignores_order(scores: list[float], random: object) -> None:
    confidence = classifier_module._confidence(scores)
    expected = math.exp(max(scores)) / sum(math.exp(score) for score in scores)
    assert confidence == pytest.approx(expected, rel=1e-12)
    random.shuffle(scores)  # type: ignore[attr-defined]
    assert classifier_module._confidence(scores) == confidence


def test_confidence_survives_scores_that_would_overflow() -> None:
    assert classifier_module._confidence([1000.0] + [0.0] * 9) == 1.0
