"""Accuracy with its interval, recall and precision, against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpc.conclude import evaluate_agreed
from hpc.errors import ResultsInvalidError
from hpc.evaluate import evaluate, wilson_interval
from tests.hpc.made_up import outcome_of


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_the_published_one(correct, total, low, high) -> None:
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share_and_stays_within_bounds(case) -> None:
    correct, total = case
    low, high = wilson_interval(correct, total)
    assert 0 <= low <= correct / total <= high <= 1


@pytest.mark.parametrize(("correct", "total"), [(1, 0), (0, 0), (3, 2), (-1, 2)])
def test_wilson_interval_of_no_proportion_is_refused(correct, total) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson_interval(correct, total)


def test_figures_follow_from_the_confusion_matrix() -> None:
    matrix = np.zeros((10, 10), dtype=np.int64)
    matrix[0, 0], matrix[0, 6] = 6, 2
    matrix[6, 6], matrix[6, 0] = 1, 3
    found = evaluate(matrix)
    assert (found.correct, found.total) == (7, 12)
    assert found.accuracy == pytest.approx(7 / 12)
    shirt = found.classes[6]
    assert (shirt.name, shirt.support, shirt.predicted) == ("Shirt", 4, 3)
    assert (shirt.recall, shirt.precision) == (pytest.approx(1 / 4), pytest.approx(1 / 3))


def test_class_that_never_occurs_has_no_recall_and_no_precision() -> None:
    matrix = np.zeros((10, 10), dtype=np.int64)
    matrix[0, 0] = 1
    bag = evaluate(matrix).classes[8]
    assert (bag.support, bag.recall, bag.precision) == (0, None, None)


def test_labels_of_the_caller_and_of_the_job_must_agree() -> None:
    outcome = outcome_of()
    labels = outcome.dataset.labels
    assert evaluate_agreed(outcome.results, labels).correct == 16
    other = labels.copy()
    other[0] = (other[0] + 1) % 10
    with pytest.raises(ResultsInvalidError, match="other true labels than these: it has 16"):
        evaluate_agreed(outcome.results, other)


def test_jobs_own_labels_do_where_the_caller_has_none() -> None:
    assert evaluate_agreed(outcome_of().results, None).accuracy == 0.8


def test_no_labels_anywhere_give_no_evaluation() -> None:
    assert evaluate_agreed(outcome_of(labels=False).results, None) is None
