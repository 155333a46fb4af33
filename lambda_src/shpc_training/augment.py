"""The training images of one epoch: shuffled, half of them mirrored, each moved a little.

A pure function of (seed, epoch), so that an interrupted run continues with the images that it
would have seen. Mirroring keeps every class of clothing; a shift of two pixels is about what
centring leaves undecided.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shpc_training.recipe import Recipe


def epoch_images(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], recipe: Recipe, *, epoch: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Augmented copies in the order of epoch `epoch`: (n, 28, 28, 1) and (n,), both uint8."""
    random = np.random.default_rng([recipe.seed, epoch])
    order = random.permutation(len(images))
    flipped = random.random(len(images)) < recipe.flip_probability
    shifts = random.integers(
        -recipe.max_shift_pixels, recipe.max_shift_pixels, size=(2, len(images)), endpoint=True
    )
    return moved(images[order], flipped, shifts)[..., None], labels[order]


def moved(
    images: NDArray[np.uint8], flipped: NDArray[np.bool_], shifts: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Images (n, h, w) mirrored where `flipped`, then moved by `shifts` (2, n) rows and columns.

    What moves in from outside is 0, the background of the data set.
    """
    count, height, width = images.shape
    mirrored = np.where(flipped[:, None, None], images[:, :, ::-1], images)
    rows = np.arange(height)[None, :] - shifts[0][:, None]
    columns = np.arange(width)[None, :] - shifts[1][:, None]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[
        :, None, :
    ]
    taken = mirrored[
        np.arange(count)[:, None, None],
        rows.clip(0, height - 1)[:, :, None],
        columns.clip(0, width - 1)[:, None, :],
    ]
    return np.where(inside, taken, np.uint8(0))
