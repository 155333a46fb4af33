from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from prices import us_east_1
from prices.price import Price


def listed() -> Iterator[tuple[str, Price]]:
    """Every price of the table, those of its mappings too."""
    for name, value in vars(us_east_1).items():
        if isinstance(value, Price):
            yield name, value
        if isinstance(value, Mapping) and not name.startswith("_"):
            yield from ((f"{name} {key}", price) for key, price in value.items())


@pytest.mark.parametrize(("name", "price"), list(listed()), ids=lambda value: str(value)[:40])
def test_every_price_is_positive_and_says_where_it_is_listed(name: str, price: Price) -> None:
    assert price.source.startswith("https://aws.amazon.com/")
    assert price.source.endswith("/")
    # A budget that only notifies is free of charge: the table says so rather than leaving it out.
    assert price.usd > 0 or name == "BUDGET"
    assert price.unit


def test_quantity_is_charged_by_the_unit() -> None:
    assert us_east_1.LAMBDA_REQUEST.of(1_000_000) == pytest.approx(0.20)
    assert us_east_1.STANDARD_TRANSITION.of(4) == pytest.approx(0.0001)


def test_arm_is_a_fifth_cheaper_throughout() -> None:
    """https://aws.amazon.com/lambda/pricing/: rounded to ten digits there."""
    for table in (
        us_east_1.LAMBDA_COMPUTE,
        us_east_1.LAMBDA_PROVISIONED,
        us_east_1.LAMBDA_PROVISIONED_COMPUTE,
    ):
        assert table["arm64"].usd / table["x86_64"].usd == pytest.approx(0.8, rel=1e-4)


def test_provisioned_concurrency_breaks_even_at_sixty_percent() -> None:
    """Kept warm and used at a share u, it costs idle + u * active; without it, u * on demand."""
    idle = us_east_1.LAMBDA_PROVISIONED["x86_64"].usd
    active = us_east_1.LAMBDA_PROVISIONED_COMPUTE["x86_64"].usd
    on_demand = us_east_1.LAMBDA_COMPUTE["x86_64"].usd
    assert idle / (on_demand - active) == pytest.approx(0.60, abs=0.005)
