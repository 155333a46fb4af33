from __future__ import annotations

import numpy as np

from shpc_core import confusion

TRUTH = np.array([0, 0, 1, 9, 9, 9], np.uint8)
PREDICTED = np.array([0, 6, 1, 9, 9, 7], np.uint8)


def test_matrix_has_a_row_per_true_class() -> None:
    matrix = confusion.matrix(TRUTH, PREDICTED)
    assert matrix.shape == (10, 10)
    assert matrix[0].tolist() == [1, 0, 0, 0, 0, 0, 1, 0, 0, 0]
    assert (matrix[9, 7], matrix[9, 9], matrix[7, 9]) == (1, 2, 0)
    assert matrix.sum() == 6


def test_correct_counts_agreement() -> None:
    assert confusion.correct(confusion.matrix(TRUTH, PREDICTED)) == 4


def test_label_counts_have_an_entry_for_every_class() -> None:
    assert confusion.label_counts(PREDICTED).tolist() == [1, 1, 0, 0, 0, 0, 1, 1, 0, 2]


def test_parts_add_up_to_the_whole() -> None:
    halves = confusion.matrix(TRUTH[:3], PREDICTED[:3]) + confusion.matrix(TRUTH[3:], PREDICTED[3:])
    np.testing.assert_array_equal(halves, confusion.matrix(TRUTH, PREDICTED))
