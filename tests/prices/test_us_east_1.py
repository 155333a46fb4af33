from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from prices import us_east_1
from prices.price import Price

DOCS = Path(__file__).parents[2] / "docs"


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


@pytest.mark.parametrize(
    ("page", "said", "price", "per"),
    [
        ("observability.md", "$0.50 a GB", us_east_1.LOG_INGESTION, 1),
        ("observability.md", "$5 a million", us_east_1.TRACE, 1_000_000),
        ("observability.md", "$0.30 a month", us_east_1.CUSTOM_METRIC, 1),
        ("observability.md", "$2 for 100,000", us_east_1.SNS_EMAIL, 100_000),
        ("operations.md", "ECR $0.10, S3 $0.023 per GB", us_east_1.ECR_STORAGE, 1),
        ("operations.md", "$0.03 per GB", us_east_1.LOG_STORAGE, 1),
    ],
    ids=str,
)
def test_pages_name_the_prices_of_the_list(page: str, said: str, price: Price, per: int) -> None:
    assert said in (DOCS / page).read_text()
    assert float(said.partition("$")[2].split()[0].rstrip(",")) == pytest.approx(price.of(per))
