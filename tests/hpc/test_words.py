"""Numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpc.words import count, percent, quantity, seconds, svg, unit_price, usd
from prices import us_east_1 as prices


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0, "$0.00"),
        (1234.567, "$1,234.57"),
        (1.0, "$1.00"),
        (0.5, "$0.50"),
        (0.1, "$0.10"),
        (0.0123, "$0.012"),
        (0.00214, "$0.0021"),
        (0.0000096, "$0.0000096"),
    ],
)
def test_usd_has_two_digits_that_count(amount, expected) -> None:
    assert usd(amount) == expected


def test_usd_shows_more_digits_on_request() -> None:
    assert usd(0.00165, 3) == "$0.00165"


@given(st.floats(min_value=1e-9, max_value=1e6))
def test_usd_is_never_off_by_more_than_five_per_cent(amount) -> None:
    assert float(usd(amount)[1:].replace(",", "")) == pytest.approx(amount, rel=0.0501)


def test_other_numbers_are_written_for_people() -> None:
    assert count(3000) == "3,000"
    assert percent(0.92454, 2) == "92.45\u00a0%"
    assert seconds(3.214) == "3.21\u00a0s"
    assert seconds(125.4) == "2\u00a0min 5\u00a0s"
    assert (quantity(1234), quantity(6.943)) == ("1,234", "6.94")
    assert (svg(12.5), svg(100.0), svg(1 / 3)) == ("12.5", "100", "0.333")


def test_unit_prices_say_per_how_many() -> None:
    assert unit_price(prices.LAMBDA_REQUEST) == "$0.20 per million requests"
    assert unit_price(prices.S3_READ) == "$0.0004 per thousand GET, HEAD"
    assert unit_price(prices.LAMBDA_COMPUTE["x86_64"]) == "$0.0000166667 per GB-s"
