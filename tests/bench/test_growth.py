from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.growth import exponent


@given(
    power=st.floats(min_value=-2, max_value=3),
    factor=st.floats(min_value=1e-3, max_value=1e3),
    sizes=st.lists(st.integers(1, 10**6), min_size=2, max_size=6, unique=True),
)
def test_exponent_of_a_power_law_is_its_power(power, factor, sizes):
    assert exponent(sizes, [factor * size**power for size in sizes]) == pytest.approx(
        power, abs=1e-6
    )


def test_fixed_cost_shows_as_less_than_proportional():
    assert exponent([10, 100], [1 + 10, 1 + 100]) < 1


@pytest.mark.parametrize(
    ("sizes", "costs"),
    [([10], [1.0]), ([10, 10], [1.0, 2.0]), ([10, 20], [1.0]), ([10, 20], [0.0, 1.0])],
)
def test_what_has_no_exponent_is_refused(sizes, costs):
    with pytest.raises(ValueError, match="allowed"):
        exponent(sizes, costs)
