"""Alarms' address and the monthly budget: what can be, and where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import cfnlint
import pytest

from settings.context import load_stage
from settings.errors import SettingsError
from settings.monitoring_limits import REGIONS_WITHOUT_BUDGETS, monitoring_limits
from settings.stages import STAGES


def refused(context: Mapping[str, object]) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load_stage(context, rules=[monitoring_limits])
    return [violation.field for violation in error.value.violations]


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES.keys())
def test_the_stages_themselves_are_possible(stage: object) -> None:
    assert list(monitoring_limits(stage)) == []


@pytest.mark.parametrize(
    "address", ["ops@example.org", "first.last+alarms@mail.example.co.uk", "o'neill@example.org"]
)
def test_address_that_mail_can_reach(address: str) -> None:
    stage = load_stage({"stage": "prod", "alarm_email": address}, rules=[monitoring_limits])
    assert stage.alarm_email == address


@pytest.mark.parametrize(
    "address",
    [
        "ops",
        "ops@example",
        "@example.org",
        "ops@",
        "a@example.org,b@example.org",
        "a@example.org b@example.org",
        "Ops <ops@example.org>",
        "ops@example.org\n",
        "ops@-example..org",
        f"{'o' * 65}@example.org",
        f"ops@{'e' * 64}.org",
        "",
    ],
)
def test_address_that_mail_cannot_reach_is_refused(address: str) -> None:
    assert refused({"stage": "prod", "alarm_email": address}) == ["alarm_email"]


@pytest.mark.parametrize("usd", ["0", "-5"])
def test_budget_of_nothing_is_refused(usd: str) -> None:
    assert refused({"stage": "prod", "monthly_budget_usd": usd}) == ["monthly_budget_usd"]


def test_budget_of_a_dollar_or_none_is_possible() -> None:
    for usd in ("1", "none"):
        load_stage({"stage": "prod", "monthly_budget_usd": usd}, rules=[monitoring_limits])


def test_what_would_have_no_effect_without_alarms_is_refused() -> None:
    context = {"stage": "dev", "alarm_email": "ops@example.org", "monthly_budget_usd": "5"}
    assert refused(context) == ["alarm_email", "monthly_budget_usd"]


def test_budget_is_refused_where_cloudformation_makes_none() -> None:
    assert refused({"stage": "prod", "region": "eu-north-1"}) == ["monthly_budget_usd"]
    context = {"stage": "prod", "region": "eu-north-1", "monthly_budget_usd": "none"}
    assert load_stage(context, rules=[monitoring_limits]).region == "eu-north-1"


def test_regions_without_budgets_are_those_of_the_specifications() -> None:
    """Renewed with the pin of cfn-lint, which carries each region's resource types."""
    folder = Path(cfnlint.__file__).parent / "data" / "schemas" / "providers"
    types = {path.stem: path.read_text() for path in folder.glob("*-*-*.json")}
    assert len(types) > 30
    kind = json.dumps("AWS::Budgets::Budget")
    assert {region for region, text in types.items() if kind not in text} == set(
        REGIONS_WITHOUT_BUDGETS
    )
