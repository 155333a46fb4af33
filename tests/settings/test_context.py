from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.context import load_stage
from settings.errors import SettingsError, Violation
from settings.limits import platform_limits
from settings.stage import Architecture, MapChildren, StageSettings
from settings.stages import DEV, PROD


def violations(context: dict[str, object]) -> dict[str, Violation]:
    with pytest.raises(SettingsError) as raised:
        load_stage(context, rules=[platform_limits])
    return {violation.field: violation for violation in raised.value.violations}


def test_no_context_is_dev() -> None:
    assert load_stage({}, rules=[]) == DEV


def test_stage_is_chosen_by_name() -> None:
    assert load_stage({"stage": "prod"}, rules=[]) == PROD


@pytest.mark.parametrize("stage", ["production", "", 3, None])
def test_unknown_stage_is_refused_with_the_names_there_are(stage: object) -> None:
    assert violations({"stage": stage})["stage"].allowed == "one of dev, prod"


def test_text_of_the_command_line_becomes_typed_values() -> None:
    stage = load_stage(
        {
            "map_concurrency": "50",
            "tracing": "true",
            "architecture": "arm64",
            "map_children": "EXPRESS",
            "region": "eu-central-1",
            "classify.memory_mb": "3008",
            "expire_objects_days": "none",
        },
        rules=[],
    )
    assert stage.map_concurrency == 50
    assert stage.tracing is True
    assert stage.architecture is Architecture.ARM64
    assert stage.map_children is MapChildren.EXPRESS
    assert stage.region == "eu-central-1"
    assert stage.classify.memory_mb == 3008
    assert stage.expire_objects_days is None
    assert stage.plan == DEV.plan


def test_numbers_of_a_file_are_taken_as_they_are() -> None:
    assert load_stage({"map_concurrency": 50}, rules=[]).map_concurrency == 50


def test_provisioned_concurrency_is_switched_on_by_its_three_values() -> None:
    kept = load_stage(
        {
            "classify.provisioned.minimum": "1",
            "classify.provisioned.maximum": "4",
            "classify.provisioned.target_utilization": "0.5",
        },
        rules=[platform_limits],
    ).classify.provisioned
    assert kept is not None
    assert (kept.minimum, kept.maximum, kept.target_utilization) == (1, 4, 0.5)


def test_provisioned_concurrency_is_not_switched_on_by_one_value() -> None:
    missing = violations({"classify.provisioned.minimum": "1"})
    assert set(missing) == {
        "classify.provisioned.maximum",
        "classify.provisioned.target_utilization",
    }


def test_provisioned_concurrency_of_prod_is_changed_by_one_value() -> None:
    kept = load_stage({"stage": "prod", "classify.provisioned.maximum": "7"}, rules=[]).classify
    assert kept.provisioned is not None
    assert (kept.provisioned.minimum, kept.provisioned.maximum) == (2, 7)


def test_provisioned_concurrency_of_prod_is_switched_off_by_none() -> None:
    stage = load_stage({"stage": "prod", "classify.provisioned": "none"}, rules=[])
    assert stage.classify.provisioned is None


def test_unknown_name_is_refused_with_the_names_there_are() -> None:
    allowed = violations({"map_concurency": "5"})["map_concurency"].allowed
    assert "map_concurrency" in allowed
    assert "classify.memory_mb" in allowed


def test_name_of_the_stage_is_no_override() -> None:
    assert "name" in violations({"name": "test"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("map_concurrency", "many"),
        ("map_concurrency", "5.5"),
        ("map_concurrency", 5.0),
        ("map_concurrency", True),
        ("map_concurrency", "none"),
        ("tracing", "maybe"),
        ("architecture", "arm"),
        ("region", "frankfurt"),
        ("account", "12345"),
        ("classify.provisioned", "10"),
    ],
)
def test_value_of_the_wrong_kind_is_refused(field: str, value: object) -> None:
    assert violations({field: value})[field].value == value


def test_everything_wrong_is_reported_at_once() -> None:
    wrong = violations(
        {
            "classify.memory_mb": "64",
            "classify.provisioned.minimum": "1",
            "map_concurrency": "many",
            "no_such_setting": "1",
            "api.burst": "0",
        }
    )
    assert set(wrong) == {
        "classify.memory_mb",
        "classify.provisioned.maximum",
        "classify.provisioned.target_utilization",
        "map_concurrency",
        "no_such_setting",
        "api.burst",
    }


def test_error_names_field_value_and_what_is_allowed() -> None:
    with pytest.raises(SettingsError, match=r"api\.burst = 0; allowed: 1 to 5000 requests"):
        load_stage({"api.burst": 0}, rules=[platform_limits])


def test_what_the_cdk_cli_keeps_in_the_context_is_no_override() -> None:
    context = {
        "@aws-cdk/core:checkSecretUsage": True,
        "aws:cdk:enable-path-metadata": True,
        "availability-zones:account=1:region=eu-west-1": ["eu-west-1a"],
        "acknowledged-issue-numbers": [1],
    }
    assert load_stage(context, rules=[]) == DEV


def test_rules_see_the_overridden_stage() -> None:
    seen: list[StageSettings] = []

    def rule(stage: StageSettings) -> list[Violation]:
        seen.append(stage)
        return []

    load_stage({"map_concurrency": "7"}, rules=[rule])
    assert [stage.map_concurrency for stage in seen] == [7]


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_number_is_kept_or_refused_but_never_changed(memory_mb: int) -> None:
    for given_as in (memory_mb, str(memory_mb), json.loads(json.dumps(memory_mb))):
        context = {"classify.memory_mb": given_as}
        if 128 <= memory_mb <= 10_240:
            assert load_stage(context, rules=[platform_limits]).classify.memory_mb == memory_mb
        else:
            assert violations(context)["classify.memory_mb"].value == memory_mb
