from __future__ import annotations

import pytest

from tests.settings.refusals import refused


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("classify.memory_mb", 128, 10_240),
        ("plan.timeout_s", 1, 900),
        ("jobs.timeout_s", 1, 30),
        ("predict.timeout_s", 1, 30),
        ("job_timeout_s", 1, 31_536_000),
        ("api.rate_per_s", 1, 10_000),
        ("api.burst", 1, 5_000),
        ("expire_objects_days", 1, 2_147_483_647),
    ],
)
def test_range_includes_both_ends_and_nothing_beyond(field: str, low: int, high: int) -> None:
    assert field not in refused(**{field: low})
    assert field not in refused(**{field: high})
    assert field in refused(**{field: low - 1})
    assert field in refused(**{field: high + 1})


@pytest.mark.parametrize("days", [1, 7, 180, 3653])
def test_log_retention_allows_what_the_service_offers(days: int) -> None:
    assert refused(log_retention_days=days) == {}


def test_log_retention_refuses_any_other_number() -> None:
    assert "one of 1, 3, 5, 7" in refused(log_retention_days=10)["log_retention_days"]


@pytest.mark.parametrize("function", ["classify", "reduce"])
def test_express_children_end_within_five_minutes(function: str) -> None:
    field = f"{function}.timeout_s"
    assert refused(**{"map_children": "EXPRESS", field: 300}) == {}
    assert set(refused(**{"map_children": "EXPRESS", field: 301})) == {field}
    assert refused(**{"map_children": "STANDARD", field: 301}) == {}


@pytest.mark.parametrize("percentage", [0.0, 2.5, 100.0])
def test_tolerated_failures_are_a_percentage(percentage: float) -> None:
    assert refused(tolerated_failure_percentage=percentage) == {}


@pytest.mark.parametrize("percentage", [-0.1, 100.1, float("nan"), float("inf")])
def test_tolerance_that_is_no_percentage_is_refused(percentage: float) -> None:
    allowed = refused(tolerated_failure_percentage=percentage)["tolerated_failure_percentage"]
    assert allowed.startswith("0 to 100 % of a job's shards (https://docs.aws.amazon.com/")


def test_account_needs_its_region() -> None:
    assert set(refused(account="123456789012")) == {"region"}
    assert refused(account="123456789012", region="eu-west-1") == {}


def test_every_refusal_of_a_platform_names_its_page() -> None:
    wrong = refused(classify__memory_mb=1, job_timeout_s=0, log_retention_days=2, api__burst=0)
    assert len(wrong) == 4
    assert all("https://docs.aws.amazon.com/" in allowed for allowed in wrong.values())
