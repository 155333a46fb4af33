"""Coverage is counted from the rows themselves, whatever they are."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpc.coverage import check_coverage

EXPECTED = 30


@given(st.permutations(range(EXPECTED)))
def test_any_order_of_every_item_is_exact(order) -> None:
    coverage = check_coverage(np.array(order, dtype=np.uint64), EXPECTED)
    assert coverage.is_exact
    assert (coverage.predicted, coverage.examples) == (EXPECTED, "")


@given(st.lists(st.integers(min_value=0, max_value=EXPECTED + 5), max_size=60))
def test_counts_agree_with_counting_one_by_one(rows) -> None:
    coverage = check_coverage(np.array(rows, dtype=np.uint64), EXPECTED)
    times = Counter(rows)
    assert coverage.predicted == sum(1 for item in times if item < EXPECTED)
    assert coverage.missing == EXPECTED - coverage.predicted
    assert coverage.duplicated == sum(times[item] - 1 for item in times if item < EXPECTED)
    assert coverage.outside == sum(times[item] for item in times if item >= EXPECTED)
    assert coverage.is_exact == (sorted(rows) == list(range(EXPECTED)))


@given(st.permutations(range(EXPECTED)), st.data())
def test_one_row_replaced_by_another_item_is_found_on_both_sides(order, data) -> None:
    rows = list(order)
    position = data.draw(st.integers(0, EXPECTED - 1))
    other = data.draw(st.integers(0, EXPECTED - 1).filter(lambda item: item != rows[position]))
    lost, rows[position] = rows[position], other
    coverage = check_coverage(np.array(rows, dtype=np.uint64), EXPECTED)
    assert (coverage.missing, coverage.duplicated) == (1, 1)
    assert coverage.examples == f"missing {lost}; duplicated {other}"


def test_largest_index_there_is_counts_as_outside() -> None:
    coverage = check_coverage(np.array([0, 2**64 - 1], dtype=np.uint64), 1)
    assert (coverage.predicted, coverage.outside, coverage.is_exact) == (1, 1, False)


def test_many_problems_are_named_by_the_first_few() -> None:
    coverage = check_coverage(np.array([], dtype=np.uint64), 1000)
    assert coverage.examples == "missing 0, 1, 2, 3, 4 and 995 more"
