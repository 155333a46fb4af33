from __future__ import annotations

import pytest
from pydantic import ValidationError

from settings.limits import platform_limits
from settings.stage import StageSettings
from settings.stages import DEV, PROD, STAGES


@pytest.mark.parametrize("stage", [DEV, PROD], ids=lambda stage: stage.name)
def test_stage_is_possible_as_it_stands(stage: StageSettings) -> None:
    assert list(platform_limits(stage)) == []


def test_stages_are_found_by_their_own_names() -> None:
    assert {name: stage.name for name, stage in STAGES.items()} == {"dev": "dev", "prod": "prod"}


def test_dev_costs_nothing_while_idle_and_keeps_nothing() -> None:
    assert not DEV.retain_data
    assert not DEV.tracing
    assert not DEV.termination_protection
    assert {function.provisioned for function in DEV.functions.values()} == {None}


def test_prod_keeps_data_and_environments() -> None:
    assert PROD.retain_data
    assert PROD.termination_protection
    assert PROD.expire_objects_days is None
    assert PROD.classify.provisioned is not None


def test_stage_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        DEV.map_concurrency = 5


def test_stage_refuses_a_field_it_does_not_have() -> None:
    with pytest.raises(ValidationError, match="map_concurency"):
        StageSettings.model_validate({**DEV.model_dump(), "map_concurency": 5})


def test_stage_refuses_text_for_a_number() -> None:
    with pytest.raises(ValidationError, match="map_concurrency"):
        StageSettings.model_validate({**DEV.model_dump(), "map_concurrency": "5"})
