from __future__ import annotations

import pytest

from settings.context import load_stage
from settings.errors import SettingsError
from settings.limits import platform_limits
from settings.stage import StageSettings
from settings.stages import DEV, PROD
from workloads.catalogue import FUNCTIONS, Function
from workloads.fit import function_needs


@pytest.mark.parametrize("stage", [DEV, PROD], ids=lambda stage: stage.name)
def test_every_stage_gives_every_function_what_it_needs(stage: StageSettings) -> None:
    assert list(function_needs(stage)) == []


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_too_little_memory_and_too_little_time_are_both_refused(function: Function) -> None:
    short = {
        f"{function.name}.memory_mb": function.needs.memory_mb - 1,
        f"{function.name}.timeout_s": function.needs.time_s - 1,
    }
    with pytest.raises(SettingsError) as raised:
        load_stage(short, rules=[function_needs])
    assert {violation.field for violation in raised.value.violations} == set(short)


def test_needs_and_limits_are_reported_together() -> None:
    with pytest.raises(SettingsError) as raised:
        load_stage(
            {"classify.memory_mb": 511, "classify.timeout_s": 901},
            rules=[platform_limits, function_needs],
        )
    assert len(raised.value.violations) == 2
