from __future__ import annotations

import pytest

from settings.context import load_stage
from settings.errors import SettingsError
from settings.limits import platform_limits


def refused(**overrides: object) -> dict[str, str]:
    """Field -> what would be allowed, for a dev stage with `a__b=1` standing for `-c a.b=1`."""
    context = {name.replace("__", "."): value for name, value in overrides.items()}
    try:
        load_stage(context, rules=[platform_limits])
    except SettingsError as error:
        return {violation.field: violation.allowed for violation in error.violations}
    return {}


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("classify.memory_mb", 128, 10_240),
        ("plan.timeout_s", 1, 900),
        ("jobs.timeout_s", 1, 30),
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


def test_map_is_never_wider_than_a_distributed_map() -> None:
    wide = {"account_concurrency": 100_000, "map_concurrency": 10_000}
    assert refused(**wide) == {}
    assert "map_concurrency" in refused(**{**wide, "map_concurrency": 10_001})


def test_map_leaves_the_api_a_tenth_of_the_account() -> None:
    assert refused(account_concurrency=100, map_concurrency=90) == {}
    assert "at most 90" in refused(account_concurrency=100, map_concurrency=91)["map_concurrency"]


def provisioned(minimum: int, maximum: int, target: float) -> dict[str, object]:
    return {
        "classify.provisioned.minimum": minimum,
        "classify.provisioned.maximum": maximum,
        "classify.provisioned.target_utilization": target,
    }


def test_provisioned_concurrency_leaves_what_lambda_keeps_unreserved() -> None:
    assert refused(**provisioned(1, 900, 0.6)) == {}
    too_many = refused(**provisioned(1, 901, 0.6))
    assert "at most 900" in too_many["classify.provisioned.maximum"]


def test_provisioned_concurrency_is_summed_over_functions() -> None:
    both = provisioned(1, 500, 0.6) | {
        name.replace("classify", "reduce"): value
        for name, value in provisioned(1, 500, 0.6).items()
    }
    assert "classify.provisioned.maximum + reduce.provisioned.maximum" in refused(**both)


def test_provisioned_concurrency_refuses_a_minimum_of_zero() -> None:
    assert set(refused(**provisioned(0, 5, 0.6))) == {"classify.provisioned.minimum"}


def test_provisioned_concurrency_refuses_a_maximum_below_the_minimum() -> None:
    assert set(refused(**provisioned(5, 4, 0.6))) == {"classify.provisioned.maximum"}


@pytest.mark.parametrize("target", [0.09, 0.91])
def test_provisioned_concurrency_refuses_a_target_out_of_range(target: float) -> None:
    assert set(refused(**provisioned(1, 5, target))) == {"classify.provisioned.target_utilization"}


@pytest.mark.parametrize("function", ["classify", "reduce"])
def test_express_children_end_within_five_minutes(function: str) -> None:
    field = f"{function}.timeout_s"
    assert refused(**{"map_children": "EXPRESS", field: 300}) == {}
    assert set(refused(**{"map_children": "EXPRESS", field: 301})) == {field}
    assert refused(**{"map_children": "STANDARD", field: 301}) == {}


def test_account_needs_its_region() -> None:
    assert set(refused(account="123456789012")) == {"region"}
    assert refused(account="123456789012", region="eu-west-1") == {}


def test_every_refusal_of_a_platform_names_its_page() -> None:
    wrong = refused(classify__memory_mb=1, job_timeout_s=0, log_retention_days=2, api__burst=0)
    assert len(wrong) == 4
    assert all("https://docs.aws.amazon.com/" in allowed for allowed in wrong.values())
