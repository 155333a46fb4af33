from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shpc_training import augment
from shpc_training.recipe import Recipe

Images = NDArray[np.uint8]


def test_epoch_images_are_a_function_of_seed_and_epoch(images: Images, labels: Images) -> None:
    def shuffled(recipe: Recipe, epoch: int) -> Images:
        return augment.epoch_images(images[:100], labels[:100], recipe, epoch=epoch)[0]

    np.testing.assert_array_equal(shuffled(Recipe(), 3), shuffled(Recipe(), 3))
    assert not np.array_equal(shuffled(Recipe(), 3), shuffled(Recipe(), 4))
    assert not np.array_equal(shuffled(Recipe(), 3), shuffled(Recipe(seed=1), 3))


def test_epoch_images_keep_their_labels(images: Images, labels: Images) -> None:
    still = replace(Recipe(), flip_probability=0.0, max_shift_pixels=0)
    moved, moved_labels = augment.epoch_images(images[:300], labels[:300], still, epoch=0)
    assert (moved.shape, moved.dtype) == ((300, 28, 28, 1), np.uint8)
    label_of = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    for image, label in zip(moved[..., 0], moved_labels, strict=True):
        assert label_of[image.tobytes()] == label


def one(image: Images, *, flip: bool = False, down: int = 0, right: int = 0) -> Images:
    shifts = np.array([[down], [right]])
    return augment.moved(image[None], np.array([flip]), shifts)[0]


def test_moved_images_lose_what_leaves_and_gain_background() -> None:
    image = np.arange(1, 17, dtype=np.uint8).reshape(4, 4)
    assert one(image, down=1)[0].tolist() == [0, 0, 0, 0]
    np.testing.assert_array_equal(one(image, down=1)[1:], image[:-1])
    np.testing.assert_array_equal(one(image, down=-1)[:-1], image[1:])
    np.testing.assert_array_equal(one(image, right=2)[:, 2:], image[:, :-2])
    assert one(image, right=2)[:, :2].max() == 0
    np.testing.assert_array_equal(one(image, down=-1, right=-1)[:3, :3], image[1:, 1:])


def test_moved_images_are_mirrored_before_they_move() -> None:
    image = np.arange(1, 17, dtype=np.uint8).reshape(4, 4)
    np.testing.assert_array_equal(one(image, flip=True), image[:, ::-1])
    np.testing.assert_array_equal(one(image, flip=True, right=1)[:, 1:], image[:, ::-1][:, :-1])


def test_about_half_of_an_epoch_is_mirrored() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[14, 3] = 200
    many, zeros = np.repeat(image[None], 1000, axis=0), np.zeros(1000, np.uint8)
    moved, _ = augment.epoch_images(many, zeros, Recipe(), epoch=0)
    mirrored = moved[:, :, 14:].any(axis=(1, 2, 3)).sum()
    assert 400 < mirrored < 600
    rows, columns = np.nonzero(moved[..., 0].any(axis=0))
    assert set(rows) == set(range(12, 17))
    assert set(columns) == {*range(1, 6), *range(22, 27)}
